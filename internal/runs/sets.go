package runs

import (
	"fmt"
	"slices"
	"strings"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// Set is a set of a run's nodes, by what became of them.
type Set string

// The sets that something is decided by.
const (
	setSucceeded Set = "succeeded"
	setUnknown   Set = "unknown"
)

// sets are all there are, with the states of their nodes. A node that ended without its
// outcome being read is as little known as one that was not seen to end.
var sets = []struct {
	name   Set
	states []workflows.NodeState
}{
	{setSucceeded, []workflows.NodeState{activities.Succeeded}},
	{"failed", workflows.FailedStates},
	{"nonzero", []workflows.NodeState{activities.Nonzero}},
	{"timed_out", []workflows.NodeState{activities.TimedOut}},
	{"stopped", []workflows.NodeState{activities.Stopped}},
	{"lost", []workflows.NodeState{activities.Lost}},
	{"skipped", []workflows.NodeState{activities.Skipped}},
	{setUnknown, []workflows.NodeState{activities.Unknown, activities.Running, activities.Pending, activities.Finished}},
}

// RerunSets are those that a rerun takes unless told otherwise: the command is not
// running there any more, as far as is known.
const RerunSets = "failed,lost,skipped"

// ParseSets reads names of sets with commas between them.
func ParseSets(text string) ([]Set, error) {
	var parsed []Set
	for name := range strings.SplitSeq(text, ",") {
		set := Set(strings.TrimSpace(name))
		if set.states() == nil {
			return nil, fmt.Errorf("%q is no set of nodes: use %s", name, setNames())
		}
		if !slices.Contains(parsed, set) {
			parsed = append(parsed, set)
		}
	}
	return parsed, nil
}

func (s Set) states() []workflows.NodeState {
	for _, known := range sets {
		if known.name == s {
			return known.states
		}
	}
	return nil
}

func setNames() string {
	names := make([]Set, len(sets))
	for i, set := range sets {
		names[i] = set.name
	}
	return joined(names, ", ")
}

func joined(names []Set, between string) string { return strings.Join(texts(names), between) }

func texts(names []Set) []string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return texts
}

// Selection are nodes of a past run.
type Selection struct {
	Sets []Set
	Run  string
}

// ParseSelection reads a selection such as failed:RUN or failed,lost:RUN.
func ParseSelection(text string) (Selection, error) {
	names, run, found := strings.Cut(text, ":")
	if !found || run == "" {
		return Selection{}, fmt.Errorf("%q names no run: use SET:RUN, such as failed:run-20261124-081605-x7k2qd", text)
	}
	parsed, err := ParseSets(names)
	return Selection{Sets: parsed, Run: run}, err
}

func (s Selection) String() string { return joined(s.Sets, ",") + ":" + s.Run }

// in are the nodes of a run that are in one of the sets, in the run's order. Those that
// nobody asked for are in none.
func (r Report) in(chosen []Set) []string {
	unasked := make(map[string]bool)
	for _, command := range r.Commands {
		for _, id := range command.Unasked {
			unasked[id] = true
		}
	}
	var ids []string
	for _, node := range r.Nodes {
		has := func(set Set) bool { return slices.Contains(set.states(), node.State) }
		if slices.ContainsFunc(chosen, has) && !unasked[node.InstanceID] {
			ids = append(ids, node.InstanceID)
		}
	}
	return ids
}

// asked are the nodes that the run was to run on.
func (r Report) asked() []string {
	all := make([]Set, len(sets))
	for i, set := range sets {
		all[i] = set.name
	}
	return r.in(all)
}
