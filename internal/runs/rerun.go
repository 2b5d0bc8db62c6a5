package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// Rerun is a run to be started, made from a past one: its command, options
// and policy, on nodes of some of its sets.
type Rerun struct {
	ID    string // FIRST-r2, FIRST-r3 and so on
	Input workflows.RolloutInput

	// Unknown are nodes that are left out because nobody said to take them: the command
	// may still be running there, since the past run or a later one of the chain.
	Unknown []string

	// Done are nodes that are left out because they succeeded in a later run of the
	// chain.
	Done []string
}

// PrepareRerun reads a past run and what became of its reruns, and starts nothing. A
// *RefusedError comes with the nodes that were left out.
func PrepareRerun(ctx context.Context, c client.Client, id string, chosen []Set) (Rerun, error) {
	past, err := readPast(ctx, c, id)
	if err != nil {
		return Rerun{}, err
	}
	if err := errors.Join(past.stillGoesOn(), past.notOurs()); err != nil {
		return Rerun{}, &RefusedError{err.Error()}
	}
	chain, err := ReadCommandChain(ctx, c, id)
	if err != nil {
		return Rerun{}, err
	}
	rerun, err := chain.rerun(past, chosen)
	if err != nil {
		return rerun, &RefusedError{err.Error()}
	}
	return rerun, nil
}

// rerun makes the rerun of a run of the chain.
func (c CommandChain) rerun(past Past, chosen []Set) (Rerun, error) {
	rerun := Rerun{ID: c.next(), Input: past.Input}
	from := slices.IndexFunc(c.Runs, func(p Past) bool { return p.RunID == past.RunID })
	now := make(map[string]Standing)
	for _, standing := range (CommandChain{Chain[Past]{Runs: c.Runs[from:]}}).Standings() {
		now[standing.InstanceID] = standing
	}
	laterIn := func(set Set, id string) bool {
		return now[id].Run != past.RunID && slices.Contains(set.states(), now[id].State)
	}
	nodes := past.in(chosen)
	nodes, rerun.Done = divide(nodes, func(id string) bool { return laterIn(setSucceeded, id) })
	if err := c.underWay(nodes); err != nil {
		return rerun, err
	}
	if !slices.Contains(chosen, setUnknown) {
		var later []string
		nodes, later = divide(nodes, func(id string) bool { return laterIn(setUnknown, id) })
		rerun.Unknown, _ = divide(past.in([]Set{setUnknown}), func(id string) bool { return laterIn(setSucceeded, id) })
		rerun.Unknown = append(rerun.Unknown, later...)
	}
	switch {
	case len(nodes) == 0 && len(past.in(chosen)) > 0:
		return rerun, fmt.Errorf("every node of run %s that is %s was run again since, and has succeeded or may still be running: starter history %s shows it",
			past.RunID, joined(chosen, " or "), past.RunID)
	case len(nodes) == 0:
		return rerun, fmt.Errorf("%w: choose other sets with --only", past.empty(chosen))
	}
	rerun.Input.Target = workflows.Target{Nodes: nodes}
	rerun.Input.From = nil
	rerun.Input.Lineage = &workflows.Lineage{Run: past.RunID, First: c.First, Sets: texts(chosen)}
	return rerun, nil
}

// divide takes out the nodes of which something is true.
func divide(ids []string, out func(string) bool) (rest, taken []string) {
	for _, id := range ids {
		if out(id) {
			taken = append(taken, id)
		} else {
			rest = append(rest, id)
		}
	}
	return rest, taken
}

// underWay refuses nodes on which a run of the chain still runs the command.
func (c CommandChain) underWay(nodes []string) error {
	for _, other := range c.Runs {
		if other.State != Running {
			continue
		}
		_, both := divide(other.asked(), func(id string) bool { return slices.Contains(nodes, id) })
		if len(both) > 0 {
			return fmt.Errorf("run %s of the same chain still goes on, on %s of these (%s): wait for its end (starter status %s) or stop it (starter cancel %s)",
				other.RunID, workflows.Nodes(len(both)), strings.Join(both[:min(3, len(both))], ", "), other.RunID, other.RunID)
		}
	}
	return nil
}
