package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/activities/checks"
)

// ExamineInput says what is examined beside the worker.
type ExamineInput = activities.ExamineInput

// ExamineResult holds what a worker found.
type ExamineResult = activities.ExamineResult

// ExamineWorker has a worker examine its side of the set-up. It changes nothing.
func ExamineWorker(ctx workflow.Context, in ExamineInput) (*ExamineResult, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                "examine the worker's side",
		StartToCloseTimeout:    activities.ExaminePatience + 10*time.Second,
		ScheduleToCloseTimeout: patiencePlan,
	})
	var found ExamineResult
	if err := workflow.ExecuteActivity(ctx, activity.Examine, in).Get(ctx, &found); err != nil {
		return nil, planFailure(err)
	}
	var failed []string
	for _, check := range found.Checks {
		if check.State == checks.Failed {
			failed = append(failed, check.Name)
		}
	}
	text := fmt.Sprintf("**doctor** · of %d checks of the worker's side none failed", len(found.Checks))
	if len(failed) > 0 {
		text = fmt.Sprintf("**doctor** · of %d checks of the worker's side failed: %s", len(found.Checks), strings.Join(failed, ", "))
	}
	workflow.SetCurrentDetails(ctx, text)
	return &found, nil
}
