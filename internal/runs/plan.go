package runs

import (
	"context"
	"errors"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// PlanError says why there is no plan.
type PlanError struct{ Message string }

func (e *PlanError) Error() string { return "no plan: " + e.Message }

// Plan has a worker say what a run with this input would do. It changes nothing on the
// cluster.
func Plan(ctx context.Context, c client.Client, place Place, in workflows.RolloutInput) (workflows.PlanCommandResult, error) {
	var plan workflows.PlanCommandResult
	question := Question{Kind: "plan", Summary: "plan: " + summary(in), Workflow: workflows.PlanCommand, Input: []any{in}}
	err := Ask(ctx, c, place, question, &plan, nil)
	var unanswered *UnansweredError
	switch {
	case err == nil && !in.Plain() && plan.Refused == nil && len(plan.Waves) == 0:
		return plan, &PlanError{"the worker that made it knows no rollouts: bring every worker of the task queue up to date"}
	case errors.As(err, &unanswered):
		return plan, &PlanError{unanswered.Message}
	}
	return plan, err
}
