package policy

import (
	"fmt"
	"slices"
	"time"

	"ehpcflow/activities"
)

// Stage is how far a node has come in a rollout.
type Stage int

// The stages.
const (
	Waiting Stage = iota // to be started, or tried again
	Going                // started, or being started
	Over                 // nothing more is done with it
)

// Place is how a node of a rollout stands.
type Place struct {
	Wave    int                  `json:"wave"` // from 0
	Stage   Stage                `json:"stage"`
	State   activities.NodeState `json:"state,omitempty"`  // that it ended in, when it is over
	ReadyAt time.Time            `json:"readyAt,omitzero"` // when one that waits may be started; zero is at once
}

// Gate is what stands before a wave.
type Gate struct {
	BegunAt   time.Time // when the wave's first node was started, and the gate passed; zero is not yet
	Approvals int
}

// Standing is how a rollout stands that nothing has ended yet.
type Standing struct {
	Now    time.Time
	Places []Place

	// Gates stand before the waves, and EndedAt says when each wave ended; zero is not
	// yet.
	Gates   []Gate
	EndedAt []time.Time

	// Paused says that a person paused it, and WaitsSince since when it has waited for
	// a person; zero is not at all.
	Paused     bool
	WaitsSince time.Time

	// FreeSince is since when nodes are being gathered to be started together; zero is
	// not at all.
	FreeSince time.Time
}

// Cause is why nothing more is started before every node was.
type Cause string

// The causes. The first three follow from the nodes, the others come from outside.
const (
	Breached    Cause = "breached"    // more nodes failed than the budget allows
	Reached     Cause = "reached"     // as many nodes succeeded as the quorum asks for
	Unreachable Cause = "unreachable" // so many nodes failed that the quorum cannot be reached
	Unattended  Cause = "unattended"  // nobody approved or resumed it in time
	Rejected    Cause = "rejected"    // a person refused the approval
	Abandoned   Cause = "abandoned"   // a person gave it up
	Late        Cause = "late"        // its deadline passed
	Refused     Cause = "refused"     // the command could not be started or followed
)

// Halt is the end of starting nodes.
type Halt struct {
	Cause    Cause    `json:"cause"`
	Text     string   `json:"text"`
	InFlight InFlight `json:"inFlight"` // what becomes of the nodes that run
}

// Decision is what to do next.
type Decision struct {
	// Start are the places of the nodes to start now, all of one wave.
	Start []int

	// Halt says that nothing more is to be started, and why; nil is go on.
	Halt *Halt

	// Wave is the one that is under way or to come, from 0.
	Wave int

	// Approve says that an approval is awaited before the wave, and SoakUntil that it
	// is not to begin before then.
	Approve   bool
	SoakUntil time.Time

	// Gather says that nodes could be started, and more of them are waited for, to be
	// started in one command.
	Gather bool

	// Wake is when time alone changes the decision; zero is never.
	Wake time.Time

	// Done says that every node is over.
	Done bool
}

// Next decides what to do next. Nodes are started in their order.
func (p Policy) Next(s Standing) Decision {
	t := s.tally(p.Budget)
	d := Decision{Wave: t.current, Halt: p.halt(t)}
	switch {
	case d.Halt != nil:
		return d
	case t.going+t.waiting == 0:
		d.Done = true
		return d
	case t.waiting == 0:
		return d
	case s.Paused:
		p.awaitPerson(s, &d)
		return d
	case t.waves[t.current].waiting == 0:
		return d
	}
	p.passGate(s, t, &d)
	if !d.Approve && d.SoakUntil.IsZero() {
		p.start(s, t, &d)
	}
	return d
}

// passGate says what is to be waited for before the current wave begins. A wave of which
// every node was skipped never began, and is no wave to come after.
func (p Policy) passGate(s Standing, t tally, d *Decision) {
	wave := t.current
	if !s.Gates[wave].BegunAt.IsZero() {
		return
	}
	begun := func(gate Gate) bool { return !gate.BegunAt.IsZero() }
	before, last := 0, -1
	for i, gate := range s.Gates[:wave] {
		if begun(gate) {
			before, last = before+1, i
		}
	}
	asks := p.pausesAtStart() && !slices.ContainsFunc(s.Gates, begun)
	if before > 0 {
		asks = p.PausesAfter(before-1, t.waves[last].failed > 0)
		until := s.EndedAt[last].Add(time.Duration(p.SoakSeconds) * time.Second)
		if p.SoakSeconds > 0 && s.Now.Before(until) {
			d.SoakUntil, d.Wake = until, until
		}
	}
	if asks && s.Gates[wave].Approvals < p.ApprovalsNeeded() {
		d.Approve = true
		p.awaitPerson(s, d)
	}
}

// awaitPerson bounds the wait for a person.
func (p Policy) awaitPerson(s Standing, d *Decision) {
	if p.ApproveWithinSeconds == 0 {
		return
	}
	since := s.WaitsSince
	if since.IsZero() {
		since = s.Now
	}
	within := time.Duration(p.ApproveWithinSeconds) * time.Second
	if end := since.Add(within); s.Now.Before(end) {
		d.Wake = sooner(d.Wake, end)
		return
	}
	what := "approved"
	if s.Paused {
		what = "resumed"
	}
	d.Halt = &Halt{Unattended, fmt.Sprintf("nobody %s it within %v", what, within), Drain}
}

// start chooses the nodes to start now. Each command costs looks of its own, so that the
// places that become free in a window are gathered until they are a tenth of it, for a
// twentieth of the time that the wave has taken.
func (p Policy) start(s Standing, t tally, d *Decision) {
	slots := len(s.Places)
	if !p.Concurrency.IsZero() {
		slots = p.Concurrency.Of(len(s.Places)) - t.going
	}
	if p.Retry.Elsewhere {
		slots = min(slots, p.Quorum.Needed(len(s.Places))-t.succeeded-t.going)
	}
	for i, place := range s.Places {
		switch {
		case place.Stage != Waiting || place.Wave != t.current:
		case place.ReadyAt.After(s.Now):
			d.Wake = sooner(d.Wake, place.ReadyAt)
		case len(d.Start) < slots:
			d.Start = append(d.Start, i)
		}
	}
	window := t.waves[t.current].nodes
	if !p.Concurrency.IsZero() {
		window = p.Concurrency.Of(len(s.Places))
	}
	if len(d.Start) == 0 || len(d.Start) >= (window+9)/10 || t.waves[t.current].going == 0 {
		return
	}
	since := s.FreeSince
	if since.IsZero() {
		since = s.Now
	}
	end := since.Add(min(max(s.Now.Sub(s.Gates[t.current].BegunAt)/20, LeastGather), MostGather))
	if s.Now.Before(end) {
		d.Start, d.Gather, d.Wake = nil, true, sooner(d.Wake, end)
	}
}

// Needed is the least number of n nodes that reaches the quorum.
func (q Quorum) Needed(n int) int {
	k := q.Nodes.Of(n)
	for !q.Nodes.Reached(k, n) {
		k++
	}
	return k
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
