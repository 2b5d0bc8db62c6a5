package schedules

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// whenMemo keeps, as the person gave them, the times of which Temporal keeps a form of
// its own.
const whenMemo = "ehpcflowWhen"

// Create makes a schedule of a run. Each firing starts it under the schedule's name with
// the time behind it, once, with a token of its own; Temporal never starts one again that
// failed. A *runs.RefusedError says that there is a schedule of that name, and a
// *workflows.InputError what Temporal does not take.
func Create(ctx context.Context, c client.Client, place runs.Place, options client.ScheduleOptions, launch runs.Launch) error {
	o := launch.Options
	options.Action = &client.ScheduleWorkflowAction{
		ID: options.ID, Workflow: launch.Workflow, Args: []any{launch.Input}, TaskQueue: place.TaskQueue,
		Memo: o.Memo, TypedSearchAttributes: o.TypedSearchAttributes, StaticSummary: o.StaticSummary, StaticDetails: o.StaticDetails,
	}
	_, err := c.ScheduleClient().Create(ctx, options)
	var invalid *serviceerror.InvalidArgument
	switch {
	case errors.Is(err, temporal.ErrScheduleAlreadyRunning):
		return &runs.RefusedError{Message: fmt.Sprintf(
			"schedule %s exists already and was left as it is: look at it (starter schedule show %s), delete it, or choose another name", options.ID, options.ID)}
	case errors.As(err, &invalid):
		return &workflows.InputError{Problems: []string{fmt.Sprintf("Temporal does not take the schedule: %s (when: %v)",
			strings.TrimPrefix(invalid.Message, "Invalid schedule spec: "), options.Memo[whenMemo])}}
	case err != nil:
		return fmt.Errorf("create schedule %s: %w", options.ID, err)
	}
	return nil
}
