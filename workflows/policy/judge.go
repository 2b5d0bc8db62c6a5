package policy

import (
	"fmt"
	"slices"
	"strings"

	"ehpcflow/activities"
)

// tally counts the nodes of a rollout.
type tally struct {
	count
	waves   []count
	current int // the first wave that is not over, else the last
}

type count struct {
	nodes, waiting, going, succeeded, failed int
	states                                   map[activities.NodeState]int // that count as failed
}

func (s Standing) tally(b Budget) tally {
	t := tally{waves: make([]count, len(s.Gates)), current: -1}
	for _, place := range s.Places {
		for _, c := range []*count{&t.count, &t.waves[place.Wave]} {
			c.add(place, b)
		}
	}
	t.current = slices.IndexFunc(t.waves, func(c count) bool { return c.waiting+c.going > 0 })
	if t.current < 0 {
		t.current = max(len(t.waves)-1, 0)
	}
	return t
}

func (c *count) add(place Place, b Budget) {
	c.nodes++
	switch {
	case place.Stage == Waiting:
		c.waiting++
	case place.Stage == Going:
		c.going++
	case place.State == activities.Succeeded:
		c.succeeded++
	case b.Failed(place.State):
		c.failed++
		if c.states == nil {
			c.states = make(map[activities.NodeState]int)
		}
		c.states[place.State]++
	}
}

// halt says whether the nodes alone end the rollout. That too many failed weighs more
// than that enough succeeded.
func (p Policy) halt(t tally) *Halt {
	if b := p.Budget.Whole; b != nil && b.Exceeded(t.failed, t.nodes) {
		return &Halt{Breached, fmt.Sprintf("%s, the budget allows %s", t.failedText("nodes"), b.allows(t.nodes)), p.OnBreach()}
	}
	for i, wave := range t.waves {
		if b := p.Budget.PerWave; b != nil && b.Exceeded(wave.failed, wave.nodes) {
			return &Halt{
				Breached, fmt.Sprintf("%s, the budget of a wave allows %s", wave.failedText(fmt.Sprintf("nodes of wave %d", i+1)), b.allows(wave.nodes)),
				p.OnBreach(),
			}
		}
	}
	switch q := p.Quorum.Nodes; {
	case q.IsZero():
	case q.Reached(t.succeeded, t.nodes):
		return &Halt{Reached, fmt.Sprintf("%d of %d nodes succeeded, the quorum is %s", t.succeeded, t.nodes, q), p.OnQuorum()}
	case !q.Reached(t.succeeded+t.going+t.waiting, t.nodes):
		return &Halt{
			Unreachable, fmt.Sprintf("the quorum of %s cannot be reached any more: %d of %d nodes succeeded, %d are left", q, t.succeeded, t.nodes, t.going+t.waiting),
			p.OnBreach(),
		}
	}
	return nil
}

// failedText reads "26 of 500 nodes failed (nonzero 20, lost 6)".
func (c count) failedText(of string) string {
	var kinds []string
	for _, state := range activities.NodeStates {
		if n := c.states[state]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", state, n))
		}
	}
	return fmt.Sprintf("%d of %d %s failed (%s)", c.failed, c.nodes, of, strings.Join(kinds, ", "))
}

// allows reads "5% (25)" of a share, and "3" of a number.
func (s Size) allows(n int) string {
	if s.share == 0 {
		return s.String()
	}
	return fmt.Sprintf("%s (%d)", s, s.Of(n))
}

func (p Policy) pausesAtStart() bool { return slices.Contains(p.Pause, PauseStart) }
