package runs

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// listless lists no runs.
type listless struct{ oneServer }

func (listless) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	return &workflowservice.ListWorkflowExecutionsResponse{}, nil
}

func TestACommandThatIsBeingRunAgainByItselfIsWaitedFor(t *testing.T) {
	t.Parallel()
	status := workflows.RunCommandStatus{Phase: workflows.Watching}
	m := mender{c: listless{oneServer{
		types:   map[string]string{"p/solve": runCommandType, "p/solve-r2": runCommandType, "p/forgotten-r2": runCommandType},
		answers: map[string]any{"p/solve": status, "p/solve-r2": status},
		inputs:  map[string]any{"p/solve": workflows.RunCommandInput{}, "p/solve-r2": workflows.RunCommandInput{Lineage: &workflows.Lineage{Run: "p/solve", First: "p/solve"}}},
	}}}
	failed := workflows.StepResult{Name: "solve", Kind: pipeline.RunsCommand, State: workflows.StepFailed, RunID: "p/solve"}
	for _, undone := range []bool{false, true} {
		err := m.mend(t.Context(), []failure{{StepResult: &failed, undone: undone}})
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, "starter history p/solve")
	}

	alone := failed
	alone.RunID = "p/other"
	require.NoError(t, m.mend(t.Context(), []failure{{StepResult: &alone}}))
	require.Equal(t, workflows.StepFailed, alone.State, "it has no rerun")

	forgotten := failed
	forgotten.RunID = "p/forgotten"
	require.NoError(t, m.mend(t.Context(), []failure{{StepResult: &forgotten}}))
	require.Equal(t, workflows.StepFailed, forgotten.State, "on which nodes it failed is no longer kept")
}

func TestACommandIsWaitedForThatIsBeingRunAgainOnOneOfItsClusters(t *testing.T) {
	t.Parallel()
	status := workflows.RunCommandStatus{Phase: workflows.Watching}
	m := mender{c: listless{oneServer{
		types:   map[string]string{"p/both": clustersType, "p/both/far": runCommandType, "p/both/far-r2": runCommandType},
		answers: map[string]any{"p/both/far": status, "p/both/far-r2": status},
		inputs: map[string]any{
			"p/both":        workflows.ClustersInput{Clusters: []workflows.ClusterTarget{{ClusterID: "near"}, {ClusterID: "far"}}},
			"p/both/far":    workflows.RunCommandInput{},
			"p/both/far-r2": workflows.RunCommandInput{Lineage: &workflows.Lineage{Run: "p/both/far", First: "p/both/far"}},
		},
	}}}
	failed := workflows.StepResult{Name: "both", Kind: pipeline.RunsCommand, State: workflows.StepFailed, RunID: "p/both"}
	require.ErrorContains(t, m.mend(t.Context(), []failure{{StepResult: &failed}}), "run p/both/far is being run again by itself", "although near never began")
}

func TestANodeIsToldOfByTheLastRunThatBeganThere(t *testing.T) {
	t.Parallel()
	ran := func(id, first, second, output string, nodes ...activities.NodeState) Past {
		past := Past{Report: Report{RunID: id}}
		for i, state := range nodes {
			past.Nodes = append(past.Nodes, workflows.NodeResult{InstanceID: []string{first, second}[i], State: state, Output: output})
		}
		past.Input.Target.Nodes = []string{first, second}[:len(nodes)]
		return past
	}
	told := func(succeeded bool, pasts ...Past) (ends []string) {
		nodes, all := CommandChain{Chain[Past]{Runs: pasts}}.nodes()
		require.Equal(t, succeeded, all)
		for _, node := range nodes {
			ends = append(ends, node.InstanceID+" "+string(node.State)+" "+node.Output)
		}
		return ends
	}
	first := ran("r", "i-a", "i-b", "first", activities.Succeeded, activities.Nonzero)
	second := ran("r-r2", "i-b", "", "second", activities.Succeeded)
	require.Empty(t, told(false, ran("r", "", "", "")))
	require.Equal(t, []string{"i-a succeeded first", "i-b nonzero first"}, told(false, first))
	require.Equal(t, []string{"i-a succeeded first", "i-b succeeded second"}, told(true, first, second))
	require.Equal(t, []string{"i-a succeeded third", "i-b succeeded second"},
		told(true, first, second, ran("r-r3", "i-a", "i-b", "third", activities.Succeeded, activities.Skipped)))
	require.Equal(t, []string{"i-a nonzero third", "i-b succeeded second"},
		told(false, first, second, ran("r-r3", "i-a", "i-other", "third", activities.Nonzero, activities.Succeeded)), "it had succeeded there before")
}

func TestAStepThatWasRolledBackIsNotMended(t *testing.T) {
	t.Parallel()
	steps := []workflows.StepResult{
		{Name: "a", State: workflows.StepFailed}, {Name: "undo", OnFailureOf: "a", State: workflows.StepFailed},
		{Name: "b", State: workflows.StepFailed}, {Name: "unused", OnFailureOf: "b", State: workflows.StepSkipped},
	}
	require.True(t, workflows.RolledBack(steps, "a"), "it may have undone some of it")
	require.False(t, workflows.RolledBack(steps, "b"))
}
