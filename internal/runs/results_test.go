package runs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

func TestNodesAreChosenByNameAndState(t *testing.T) {
	t.Parallel()
	one, two := Report{RunID: "r/a"}, Report{RunID: "r/b"}
	one.ClusterID, two.ClusterID = "a", "b"
	one.Nodes = workflows.NodeResults{
		{InstanceID: "i-1", HostName: "compute0", State: activities.Succeeded},
		{InstanceID: "i-2", HostName: "compute1", State: activities.Nonzero},
		{InstanceID: "i-3", State: activities.Running},
	}
	two.Nodes = workflows.NodeResults{{InstanceID: "i-4", HostName: "compute0", State: activities.Lost}, {InstanceID: "i-5", State: activities.Finished}}
	whole := Whole{Runs: []Report{one, two}}
	for _, c := range []struct {
		choice NodeChoice
		want   []string
	}{
		{NodeChoice{}, []string{"i-1", "i-2", "i-3", "i-4", "i-5"}},
		{NodeChoice{Failed: true}, []string{"i-2", "i-4"}},
		{NodeChoice{Names: []string{"compute0", "i-2"}}, []string{"i-1", "i-2", "i-4"}},
		{NodeChoice{Names: []string{"compute0"}, Failed: true}, []string{"i-4"}},
		{NodeChoice{States: []workflows.NodeState{activities.Running}}, []string{"i-3"}},
	} {
		nodes, err := whole.Choose(c.choice)
		require.NoError(t, err)
		var ids []string
		for _, node := range nodes {
			ids = append(ids, node.InstanceID)
		}
		require.Equal(t, c.want, ids)
	}
	_, err := whole.Choose(NodeChoice{Names: []string{"i-9", "compute1", "compute77", "i-9", ""}})
	require.ErrorContains(t, err, "no node i-9, compute77")
}

func TestStatesAreNamedByThemselvesAndBySets(t *testing.T) {
	t.Parallel()
	states, err := ParseStates([]string{"lost", "running", "failed"})
	require.NoError(t, err)
	require.Equal(t, []workflows.NodeState{
		activities.Lost, activities.Running, activities.Nonzero, activities.Failed, activities.TimedOut, activities.Stopped,
	}, states)
	_, err = ParseStates([]string{"broken"})
	require.ErrorContains(t, err, `"broken" is no state of a node: use succeeded, failed,`)
}

func TestWhatOfAPipelineHasNoNodesIsSaidAndWhereItIsShown(t *testing.T) {
	t.Parallel()
	at := func(steps ...workflows.StepResult) workflows.PipelineStatus {
		return workflows.PipelineStatus{Phase: workflows.Watching, PipelineResult: workflows.PipelineResult{Steps: steps}}
	}
	s := oneServer{
		types: map[string]string{"L1": pipelineType, "L1/solve": jobType, "L1/sub": pipelineType, "L1/sub/mesh": jobType, "L1/ask": approvalType},
		answers: map[string]any{
			"L1": at(
				workflows.StepResult{Name: "solve", State: workflows.StepFailed, RunID: "L1/solve"},
				workflows.StepResult{Name: "sub", State: workflows.StepRunning, RunID: "L1/sub"},
				workflows.StepResult{Name: "ask", State: workflows.StepSucceeded, RunID: "L1/ask"},
				workflows.StepResult{Name: "early", State: workflows.StepSucceeded, RunID: "L0/early", DoneIn: "L0"},
				workflows.StepResult{Name: "earlier", State: workflows.StepSucceeded, DoneIn: "L0"},
				workflows.StepResult{Name: "after", State: workflows.StepWaiting},
			),
			"L1/sub": at(
				workflows.StepResult{Name: "mesh", State: workflows.StepSucceeded, RunID: "L1/sub/mesh"},
				workflows.StepResult{Name: "mended", State: workflows.StepSucceeded, RunID: "L0/sub/mended", DoneIn: "L0/sub/mended-r2"},
			),
		},
		inputs: map[string]any{"L1": workflows.PipelineInput{}, "L1/sub": workflows.PipelineInput{}},
	}
	whole, err := ReadWhole(t.Context(), s, "L1")
	require.NoError(t, err)
	require.Equal(t, []string{
		"2 jobs (1 failed) have no nodes of their own: starter status L1",
		"2 steps were taken over from L0: starter results L0",
		"1 step was taken over from L0/sub/mended-r2: starter results L0/sub/mended-r2",
	}, whole.Elsewhere())
	whole, err = ReadWhole(t.Context(), s, "L1/sub")
	require.NoError(t, err)
	require.Equal(t, "1 job (succeeded) has no nodes of its own: starter status L1/sub/mesh", whole.Elsewhere()[0])
	require.Empty(t, Whole{}.Elsewhere())
}
