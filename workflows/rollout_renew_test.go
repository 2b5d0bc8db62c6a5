package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// Something is always being submitted, so that there is no quiet moment by chance.
func TestABusyRolloutGoesOnAsANewRunToo(t *testing.T) {
	t.Parallel()
	var r *trial
	r = newTrial(t, 300, policy.Policy{Concurrency: policy.Number(60)}, func(string, int) fate {
		return fate{ending: exits, takes: time.Minute + time.Duration(r.dice.IntN(600))*time.Second}
	})
	r.faults.slow = 5 * time.Minute
	before := 0
	r.after(20*time.Minute, func() {
		before = len(r.submits)
		r.SetContinueAsNewSuggested(true)
	})
	r.ExecuteWorkflow(workflows.Rollout, r.in)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, r.GetWorkflowError(), &next)
	require.Len(t, r.submits, before, "nothing is begun before it goes on")
}

// A flight's question may stay open for days. The others go on, but not until the history
// is full, which would end the rollout.
func TestAnOpenQuestionDoesNotLetTheHistoryOverflow(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 20, policy.Policy{Concurrency: policy.Number(2)}, each(10*time.Minute))
	r.in.NodesPerCommand = 1
	submitted := r.onSubmit
	r.onSubmit = func(in activities.InvokeShellCommandInput, now time.Time) {
		submitted(in, now)
		r.faults = faults{}
		if in.InstanceIDs[0] == "i-03" {
			r.faults = faults{doubt: 1000, hideCommands: 1000}
		}
	}
	var parked, full int
	r.after(40*time.Minute, func() {
		parked = len(r.submits)
		r.SetContinueAsNewSuggested(true)
	})
	r.after(70*time.Minute, func() {
		require.Greater(t, len(r.submits), parked, "the others go on")
		r.SetCurrentHistoryLength(30_000)
		full = len(r.submits)
	})
	r.after(3*time.Hour, func() {
		require.Len(t, r.submits, full)
		r.UpdateWorkflow(workflows.AnswerUpdate, "abandon", callbacks{}, workflows.Answer{Choice: workflows.Abandon})
	})
	r.ExecuteWorkflow(workflows.Rollout, r.in)
	require.NotZero(t, full)
}

func TestAQuestionWaitsUntilTheDeadlineThatWasSet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, then int // seconds
		took        time.Duration
	}{
		"given":   {0, 3600, time.Hour},
		"later":   {3600, 7200, 2 * time.Hour},
		"earlier": {7200, 3600, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTrial(t, 1, policy.Policy{}, each(10*time.Minute))
			r.in.DeadlineSeconds = tc.first
			r.faults = faults{doubt: 1000, vain: true, hideCommands: 1000}
			r.order(30*time.Minute, workflows.SetUpdate, setting(workflows.Settings{DeadlineSeconds: &tc.then}), "")
			r.after(5*time.Hour, r.CancelWorkflow)
			result := r.run()
			require.Equal(t, tc.took, took(result))
			require.Equal(t, []workflows.NodeState{activities.Unknown}, statesOf(result))
			require.Contains(t, result.Reason, "before it was answered")
		})
	}
}
