package peers

import (
	"context"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// Poll looks once.
func (a *Activities) Poll(ctx context.Context, c Command) (Seen, error) { return a.look(ctx, c) }

// WorkflowLoop polls from the workflow: an activity, a timer, and again.
func WorkflowLoop(ctx workflow.Context, in workflows.RunCommandInput) (*activities.ListInvocationResultsResult, error) {
	return run(ctx, in, func(ctx workflow.Context, c Command) error {
		for {
			var seen Seen
			if err := workflow.ExecuteActivity(oftenEnough(ctx), own.Poll, c).Get(ctx, &seen); err != nil || seen.all(c) {
				return err
			}
			if err := workflow.Sleep(ctx, Every); err != nil {
				return err
			}
		}
	})
}

// LocalActivityLoop does the same by local activities, which spares the task queue.
func LocalActivityLoop(ctx workflow.Context, in workflows.RunCommandInput) (*activities.ListInvocationResultsResult, error) {
	return run(ctx, in, func(ctx workflow.Context, c Command) error {
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: oneCall})
		for {
			var seen Seen
			if err := workflow.ExecuteLocalActivity(ctx, own.Poll, c).Get(ctx, &seen); err != nil || seen.all(c) {
				return err
			}
			if err := workflow.Sleep(ctx, Every); err != nil {
				return err
			}
		}
	})
}
