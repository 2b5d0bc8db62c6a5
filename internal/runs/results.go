package runs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// Whole is a run with the runs of its clusters, or of the commands of its steps: of a run
// on one cluster, that run alone.
type Whole struct {
	Clusters *ClustersReport // of a run on several; nil of others
	Pipeline *PipelineReport // of a run of a pipeline, or of a foreach; nil of others
	Runs     []Report        // with every node, in the order of the clusters or steps

	// Jobs of a pipeline, which have no nodes of ours, and how many steps were TakenOver
	// from each run that a rerun goes on from.
	Jobs      []workflows.StepResult
	TakenOver map[string]int

	Beginning
}

// ReadWhole reads a run with every node of every cluster. A cluster whose run was not
// started has none.
func ReadWhole(ctx context.Context, c client.Client, id string) (Whole, error) {
	var whole Whole
	report, err := Read(ctx, c, id)
	var other *OtherKindError
	if errors.As(err, &other) && (other.Kind == OnPipeline || other.Kind == OfItems) {
		return readWholePipeline(ctx, c, id)
	}
	if !OnSeveralClusters(err) {
		if err != nil {
			return whole, err
		}
		whole.Runs = []Report{report}
		whole.Beginning, err = ReadBeginning(ctx, c, id)
		return whole, err
	}
	over, err := ReadClusters(ctx, c, id)
	if err != nil {
		return whole, err
	}
	whole.Clusters = &over
	for _, cluster := range over.Clusters {
		if cluster.Phase == workflows.ClusterWaiting || cluster.Phase == workflows.ClusterSkipped {
			continue
		}
		report, err := Read(ctx, c, cluster.RunID)
		var notFound *NotFoundError
		switch {
		case errors.As(err, &notFound): // it is about to be started
			continue
		case err != nil:
			return whole, err
		}
		whole.Runs = append(whole.Runs, report)
	}
	in, err := ReadBeginning(ctx, c, id)
	whole.Beginning = in
	return whole, err
}

// readWholePipeline reads the runs of the commands of a pipeline, those in it included. Of
// a job with several attempts it is the last, of a pipeline what succeeded in those before
// too, and of a step that a rerun did not run again none.
func readWholePipeline(ctx context.Context, c client.Client, id string) (Whole, error) {
	var whole Whole
	over, err := ReadPipeline(ctx, c, id)
	if err != nil {
		return whole, err
	}
	whole.Pipeline, whole.TakenOver = &over, make(map[string]int)
	for _, step := range over.All() {
		if step.DoneIn != "" && !sameRun(step.DoneIn, id) {
			whole.TakenOver[step.DoneIn]++
			continue
		}
		if step.RunID == "" {
			continue
		}
		switch kind, err := KindOf(ctx, c, step.RunID); kind {
		case OnOne, OnClusters, OnPipeline, OfItems:
			own, err := ReadWhole(ctx, c, step.RunID)
			if err != nil {
				return whole, err
			}
			whole.Runs, whole.Jobs = append(whole.Runs, own.Runs...), append(whole.Jobs, own.Jobs...)
			for run, steps := range own.TakenOver {
				whole.TakenOver[run] += steps
			}
		case OfJob:
			whole.Jobs = append(whole.Jobs, step)
		case OfApproval, OfWait: // nothing of them runs anywhere
		default:
			var notFound *NotFoundError
			if !errors.As(err, &notFound) { // it is about to be started
				return whole, err
			}
		}
	}
	whole.Beginning, err = ReadBeginning(ctx, c, id)
	return whole, err
}

// sameRun says whether two runs are parts of the same.
func sameRun(id, other string) bool {
	first, _, _ := strings.Cut(id, "/")
	second, _, _ := strings.Cut(other, "/")
	return first == second
}

// Elsewhere says what of a pipeline's run has no nodes in it, and where that is shown.
func (w Whole) Elsewhere() []string {
	var lines []string
	failed := 0
	for _, job := range w.Jobs {
		if job.State == workflows.StepFailed {
			failed++
		}
	}
	switch n := len(w.Jobs); {
	case n == 1:
		lines = append(lines, fmt.Sprintf("1 job (%s) has no nodes of its own: starter status %s", w.Jobs[0].State, w.Jobs[0].RunID))
	case n > 1:
		lines = append(lines, fmt.Sprintf("%d jobs (%d failed) have no nodes of their own: starter status %s", n, failed, w.Pipeline.RunID))
	}
	for _, run := range slices.Sorted(maps.Keys(w.TakenOver)) {
		steps := "1 step was"
		if n := w.TakenOver[run]; n > 1 {
			steps = fmt.Sprintf("%d steps were", n)
		}
		lines = append(lines, fmt.Sprintf("%s taken over from %s: starter results %s", steps, run, run))
	}
	return lines
}

// GoesOn says whether the run, or that of a cluster or step, does.
func (w Whole) GoesOn() bool {
	for _, report := range w.Runs {
		if report.State == Running {
			return true
		}
	}
	return w.Clusters != nil && w.Clusters.State == Running || w.Pipeline != nil && w.Pipeline.State == Running
}

// Unknown says that nobody could tell how nodes of a run stand: no worker answered.
func (w Whole) Unknown() (trouble string, unknown bool) {
	for _, report := range w.Runs {
		if report.Phase == "" {
			return report.Trouble, true
		}
	}
	return "", false
}

// NodeOf is a node of a run, with the run and cluster that it is of.
type NodeOf struct {
	RunID     string `json:"run"`
	ClusterID string `json:"clusterId"`
	workflows.NodeResult
}

// NodeChoice chooses among the nodes of a run. The zero value chooses all.
type NodeChoice struct {
	Failed bool                  // those that ended and did not succeed
	States []workflows.NodeState // those in one of these; none are all
	Names  []string              // those of these instance ids or host names; none are all
}

// ParseStates reads names of states, and of sets of them as ParseSets does.
func ParseStates(names []string) ([]workflows.NodeState, error) {
	var states []workflows.NodeState
	for _, name := range names {
		name = strings.TrimSpace(name)
		of := Set(name).states()
		if of == nil && slices.Contains(activities.NodeStates, workflows.NodeState(name)) {
			of = []workflows.NodeState{workflows.NodeState(name)}
		}
		if of == nil {
			return nil, fmt.Errorf("%q is no state of a node: use %s, finished, running or pending", name, setNames())
		}
		states = append(states, of...)
	}
	return states, nil
}

// Choose chooses nodes, in the order of the run. A *NotFoundError names all that the run
// does not have.
func (w Whole) Choose(choice NodeChoice) ([]NodeOf, error) {
	missing := make(map[string]bool)
	for _, name := range choice.Names {
		missing[name] = true
	}
	var chosen []NodeOf
	all := 0
	for _, report := range w.Runs {
		all += len(report.Nodes)
		for _, node := range report.Nodes {
			_, byID := missing[node.InstanceID]
			_, byHost := missing[node.HostName]
			if byID {
				missing[node.InstanceID] = false
			}
			if byHost {
				missing[node.HostName] = false
			}
			if len(choice.Names) > 0 && !byID && !byHost || !choice.takes(node.State) {
				continue
			}
			chosen = append(chosen, NodeOf{RunID: report.RunID, ClusterID: report.ClusterID, NodeResult: node})
		}
	}
	var unknown []string
	for _, name := range choice.Names {
		if missing[name] && !slices.Contains(unknown, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, &NotFoundError{fmt.Sprintf("the run has no node %s; it has %s: name them by instance id or host name, as starter results without --node shows them",
			strings.Join(unknown, ", "), workflows.Nodes(all))}
	}
	return chosen, nil
}

func (c NodeChoice) takes(state workflows.NodeState) bool {
	if c.Failed && (!state.Ended() || state == activities.Succeeded || state == activities.Finished) {
		return false
	}
	return len(c.States) == 0 || slices.Contains(c.States, state)
}
