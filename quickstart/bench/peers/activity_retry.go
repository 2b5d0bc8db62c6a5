package peers

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

var errUnchanged = errors.New("nothing has changed yet")

// PollForChange looks once, and fails unless more nodes have ended than are known.
func (a *Activities) PollForChange(ctx context.Context, c Command, known int) (Seen, error) {
	seen, err := a.look(ctx, c)
	if err == nil && len(seen.Ended) == known {
		err = errUnchanged
	}
	return seen, err
}

// ActivityRetry leaves the repeating to the server: the activity fails until there
// is news, and the retry policy is the timer.
func ActivityRetry(ctx workflow.Context, in workflows.RunCommandInput) (*activities.ListInvocationResultsResult, error) {
	return run(ctx, in, func(ctx workflow.Context, c Command) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: oneCall,
			RetryPolicy:         &temporal.RetryPolicy{InitialInterval: Every, BackoffCoefficient: 1},
		})
		var seen Seen
		for !seen.all(c) {
			if err := workflow.ExecuteActivity(ctx, own.PollForChange, c, len(seen.Ended)).Get(ctx, &seen); err != nil {
				return err
			}
		}
		return nil
	})
}
