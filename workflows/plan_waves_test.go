package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

func sizes(t *testing.T, text string) []policy.Size {
	t.Helper()
	sizes, err := policy.ParseSizes(text)
	require.NoError(t, err)
	return sizes
}

func TestThePlanOfARolloutHasItsWavesAndWhatTheyTake(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		policy   policy.Policy
		waves    []workflows.PlannedWave
		commands []workflows.PlannedCommand
		most     int
	}{
		"waves are commands of their own": {
			policy.Policy{Waves: sizes(t, "1,10%,100%"), Pause: []policy.Pause{policy.PauseFirst, policy.PauseFailed}},
			[]workflows.PlannedWave{{Nodes: 1}, {From: 1, Nodes: 25, Approval: workflows.ApprovalAlways}, {From: 26, Nodes: 224, Approval: workflows.ApprovalIfFailed}},
			[]workflows.PlannedCommand{{From: 0, Nodes: 1}, {From: 1, Nodes: 25}, {From: 26, Nodes: 100}, {From: 126, Nodes: 100}, {From: 226, Nodes: 24}},
			0,
		},
		"a window may take a command for each node": {
			policy.Policy{Concurrency: sizes(t, "40%")[0], Pause: []policy.Pause{policy.PauseStart}},
			[]workflows.PlannedWave{{Nodes: 250, Approval: workflows.ApprovalAlways}},
			[]workflows.PlannedCommand{{From: 0, Nodes: 100}, {From: 100, Nodes: 100}, {From: 200, Nodes: 50}},
			250,
		},
		"and each attempt another": {
			policy.Policy{Waves: sizes(t, "50%"), Retry: policy.Retry{Attempts: 3, On: policy.RetryStates}},
			[]workflows.PlannedWave{{Nodes: 125}, {From: 125, Nodes: 125}},
			[]workflows.PlannedCommand{{From: 0, Nodes: 100}, {From: 100, Nodes: 25}, {From: 125, Nodes: 100}, {From: 225, Nodes: 25}},
			4 + 2*250,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			plan, err := b.planRollout(workflows.RolloutInput{RunCommandInput: onNodes(manyNodes(250)...), Policy: tc.policy})
			require.NoError(t, err)
			require.Nil(t, plan.Refused)
			require.Equal(t, tc.waves, plan.Waves)
			require.Equal(t, tc.commands, plan.Commands)
			require.Equal(t, len(tc.commands), plan.Calls.InvokeShellCommand)
			require.Equal(t, tc.most, plan.Calls.MostSubmits)
			require.Equal(t, len(tc.commands), plan.Calls.ListInvocationStatus.Least)
			require.Zero(t, plan.Calls.ListInvocationStatus.Most%max(tc.most, len(tc.commands)))
		})
	}
}

func TestThePlanOfARolloutThatDoesNotFitItsNodesSaysSo(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	in := workflows.RolloutInput{RunCommandInput: onNodes("i-a", "i-b", "i-c")}
	in.Policy.Waves, in.Policy.Quorum.Nodes = sizes(t, "10%"), policy.Number(4)
	plan, err := b.planRollout(in)
	require.NoError(t, err)
	require.Equal(t, workflows.ErrInvalidInput, plan.Refused.Code)
	require.Contains(t, plan.Refused.Message, "wave 1 is 10% of 3 nodes")
	require.Contains(t, plan.Refused.Message, "a quorum of 4 is more than the 3 nodes")
	require.Empty(t, plan.Commands)
	require.Empty(t, plan.Waves)
	require.Zero(t, plan.Calls.InvokeShellCommand)

	wrong := newBundle(t)
	in.Policy.Approvals = 11
	in.ClusterID = ""
	_, err = wrong.planRollout(in)
	require.ErrorContains(t, err, "no cluster")
	require.ErrorContains(t, err, "11 approvals")
}
