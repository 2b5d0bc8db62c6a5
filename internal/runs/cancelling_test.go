package runs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/workflows"
)

func TestAPipelineThatWasCancelledSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	step := func(state workflows.StepState, run string) workflows.StepResult {
		return workflows.StepResult{State: state, RunID: run}
	}
	for says, finally := range map[string][]workflows.StepResult{
		"was cancelled: what runs is being stopped":                                                            nil,
		"was cancelled: what runs is being stopped, then its finally runs":                                     {step(workflows.StepWaiting, "")},
		"was cancelled, and its finally runs; to stop that too: starter cancel r/clean, starter cancel r/tell": {step(workflows.StepRunning, "r/clean"), step(workflows.StepSucceeded, "r/done"), step(workflows.StepRunning, "r/tell")},
	} {
		report := PipelineReport{RunID: "r", State: Running}
		report.Phase, report.Finally = workflows.Stopping, finally
		require.Equal(t, says, report.Cancelling())
		report.Phase = workflows.Watching
		require.Empty(t, report.Cancelling(), "its finally runs in its turn")
		report.Phase, report.State = workflows.Stopping, Terminated
		require.Empty(t, report.Cancelling())
	}
}
