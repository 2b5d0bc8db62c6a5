package peers

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// PollToTheEnd looks again and again, with a heartbeat each time, and returns when
// every node has ended.
func (a *Activities) PollToTheEnd(ctx context.Context, c Command) (Seen, error) {
	for {
		seen, err := a.look(ctx, c)
		if err != nil || seen.all(c) {
			return seen, err
		}
		activity.RecordHeartbeat(ctx)
		select {
		case <-time.After(Every):
		case <-ctx.Done():
			return Seen{}, ctx.Err()
		}
	}
}

// HeartbeatLoop polls inside of one activity. The workflow hears of every node at
// once, when the last has ended.
func HeartbeatLoop(ctx workflow.Context, in workflows.RunCommandInput) (*activities.ListInvocationResultsResult, error) {
	return run(ctx, in, func(ctx workflow.Context, c Command) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: 24 * time.Hour,
			HeartbeatTimeout:    30 * time.Second,
		})
		var seen Seen
		return workflow.ExecuteActivity(ctx, own.PollToTheEnd, c).Get(ctx, &seen)
	})
}
