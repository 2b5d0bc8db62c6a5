package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/workflows"
)

// planPatience is when Temporal ends a plan that its worker did not make.
const planPatience = 90 * time.Second

// PlanError says why there is no plan.
type PlanError struct{ Message string }

func (e *PlanError) Error() string { return "no plan: " + e.Message }

// Plan has a worker say what a run with this input would do. It changes nothing on the
// cluster.
func Plan(ctx context.Context, c client.Client, place Place, in workflows.RolloutInput) (workflows.PlanCommandResult, error) {
	var plan workflows.PlanCommandResult
	if err := awaitWorker(ctx, c, place.TaskQueue); err != nil {
		return plan, cmp.Or(ctx.Err(), err)
	}
	started, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       "plan-" + strings.TrimPrefix(NewID(), "run-"),
		TaskQueue:                place.TaskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionTimeout: planPatience,
		StaticSummary:            "plan: " + summary(in),
	}, workflows.PlanCommand, in)
	if err != nil {
		return plan, cmp.Or(ctx.Err(), err)
	}
	if err := awaitPickup(ctx, c, place, started); err != nil {
		return plan, err
	}
	err = started.Get(ctx, &plan)
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case err == nil && !in.Plain() && plan.Refused == nil && len(plan.Waves) == 0:
		return plan, &PlanError{"the worker that made it knows no rollouts: bring every worker of the task queue up to date"}
	case err == nil || ctx.Err() != nil:
		return plan, cmp.Or(ctx.Err(), err)
	case errors.As(err, &application) && application.Type() == workflows.ErrInvalidInput:
		return plan, &workflows.InputError{Problems: []string{application.Message()}}
	case errors.As(err, &application):
		return plan, &PlanError{application.Message()}
	case errors.As(err, &timeout):
		return plan, &PlanError{fmt.Sprintf(
			"none was made within %v: see the log of the worker; one that is older than starter knows no plans", planPatience)}
	}
	return plan, err
}
