package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

func TestAnotherAttemptBeginsWhenItsInputMayBeSentAndNotInARunThatGoesOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		waiting int
		goesOn  bool
		after   time.Duration
	}{
		"at its time": {0, false, time.Minute}, "when others have left": {mostFreight, false, time.Hour}, "never": {0, true, time.Minute},
	} {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		env.ExecuteWorkflow(func(ctx workflow.Context) (time.Duration, error) {
			began, load, told := workflow.Now(ctx), &freight{waiting: c.waiting}, 0
			workflow.Go(ctx, func(ctx workflow.Context) {
				_ = workflow.Sleep(ctx, time.Hour)
				load.waiting = 0
			})
			f := &family{changed: func() { told++ }, goesOn: c.goesOn}
			err := f.pause(ctx, load, 2, &StepResult{NextAt: began.Add(time.Minute)})
			require.Equal(t, c.goesOn, err != nil, name)
			require.Equal(t, 1, told)
			require.Zero(t, f.pausing)
			return workflow.Now(ctx).Sub(began), nil
		})
		var took time.Duration
		require.NoError(t, env.GetWorkflowResult(&took))
		require.Equal(t, c.after, took, name)
	}
}
