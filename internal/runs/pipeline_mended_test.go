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
		types:   map[string]string{"p/solve": runCommandType, "p/solve-r2": runCommandType},
		answers: map[string]any{"p/solve": status, "p/solve-r2": status},
		inputs:  map[string]any{"p/solve": workflows.RunCommandInput{}, "p/solve-r2": workflows.RunCommandInput{Lineage: &workflows.Lineage{Run: "p/solve", First: "p/solve"}}},
	}}}
	failed := workflows.StepResult{Name: "solve", Kind: pipeline.RunsCommand, State: workflows.StepFailed, RunID: "p/solve"}
	err := m.mend(t.Context(), &failed, pipeline.AsText, nil)
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "starter history p/solve")

	alone := failed
	alone.RunID = "p/other"
	require.NoError(t, m.mend(t.Context(), &alone, pipeline.AsText, nil))
	require.Equal(t, workflows.StepFailed, alone.State, "it has no rerun")
}

func TestANodeIsToldOfByTheRunInWhichItSucceeded(t *testing.T) {
	t.Parallel()
	ran := func(id, first, second, output string, nodes ...activities.NodeState) Past {
		past := Past{Report: Report{RunID: id}}
		for i, state := range nodes {
			past.Nodes = append(past.Nodes, workflows.NodeResult{InstanceID: []string{first, second}[i], State: state, Output: output})
		}
		past.Input.Target.Nodes = []string{first, second}[:len(nodes)]
		return past
	}
	chain := CommandChain{Chain[Past]{Runs: []Past{
		ran("r", "i-a", "i-b", "first", activities.Succeeded, activities.Nonzero),
		ran("r-r2", "i-b", "", "second", activities.Succeeded),
	}}}
	require.True(t, chain.Done())
	require.Equal(t, workflows.NodeResults{
		{InstanceID: "i-a", State: activities.Succeeded, Output: "first"}, {InstanceID: "i-b", State: activities.Succeeded, Output: "second"},
	}, chain.nodes())
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
