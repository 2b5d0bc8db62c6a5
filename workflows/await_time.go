package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/pipeline"
)

// WaitInput is what a step of a pipeline waits for.
type WaitInput struct {
	Step string        `json:"step"`
	Wait pipeline.Wait `json:"wait"`
}

// WaitResult says until when was waited.
type WaitResult struct {
	Until time.Time `json:"until"`
}

// AwaitTime waits for a length of time, or until a time, and not at all for one that has
// passed.
func AwaitTime(ctx workflow.Context, in WaitInput) (*WaitResult, error) {
	listed := openEntry(ctx)
	until := in.Wait.Until
	if until.IsZero() {
		until = workflow.Now(ctx).Add(time.Duration(in.Wait.For))
	}
	at := until.UTC().Format("2006-01-02 15:04:05") + " UTC"
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("# waiting\n\nuntil %s\n", at))
	err := workflow.NewTimerWithOptions(ctx, max(until.Sub(workflow.Now(ctx)), 0), workflow.TimerOptions{Summary: "until " + at}).Get(ctx, nil)
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	verdict := Succeeded
	if err != nil {
		verdict = Canceled
		err = temporal.NewCanceledError(WaitResult{until})
	}
	listed.close(ctx, Outcome(verdict), 0)
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("# %s\n\nto wait until %s\n", title(Ended, Outcome(verdict)), at))
	if err != nil {
		return nil, err
	}
	return &WaitResult{until}, nil
}
