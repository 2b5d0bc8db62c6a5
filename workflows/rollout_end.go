package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows/policy"
)

// finish turns the end of the rollout into the end of the workflow.
func (r *rollout) finish(ctx workflow.Context, err error) (*RunCommandResult, error) {
	if workflow.IsContinueAsNewError(err) {
		return nil, err
	}
	cancelled := temporal.IsCanceledError(err)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if cancelled {
		if err := r.awaitStops(ctx); err != nil {
			return nil, err
		}
	}
	r.leaveOut(ctx)
	r.status.EndedAt = workflow.Now(ctx)
	r.fit(func() any { return r.status.RunCommandResult })
	switch {
	case cancelled:
		r.status.Verdict = Canceled
		r.status.addReason(r.cancelReason(r.reset(ctx)))
		err = temporal.NewCanceledError(r.status.RunCommandResult)
	case err != nil:
		err = r.failed(ctx, err)
	case r.refusal != nil && len(r.status.Commands) == 0 && r.status.Counts()[activities.Unknown] == 0:
		r.status.Reason = r.refusal.Message
		err = temporal.NewNonRetryableApplicationError(r.refusal.Message, r.refusal.Code, nil, r.status.RunCommandResult)
	default:
		r.status.Verdict = r.status.rolloutVerdict()
	}
	r.status.Phase = Ended
	r.status.outcome = outcomeOf(r.status.Verdict, err)
	r.entry.end(ctx, &r.status)
	r.showDetails(ctx)
	if waiting := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); waiting != nil {
		return nil, waiting
	}
	countEnded(ctx, r.status.Verdict, r.status.RunCommandResult.Counts(), err)
	if err == nil {
		err = r.in.FailUnless.judgeRun(r.status.RunCommandResult)
	}
	if err != nil {
		return nil, err
	}
	return &r.status.RunCommandResult, nil
}

// awaitStops waits until every flight has landed that a cancellation stops.
func (r *rollout) awaitStops(ctx workflow.Context) error {
	r.status.Phase = Stopping
	r.entry.enter(ctx, &r.status)
	for {
		seen := r.changes
		r.gather(ctx)
		r.showDetails(ctx)
		if len(r.flights) == 0 {
			return nil
		}
		if err := workflow.Await(ctx, func() bool { return r.changes != seen }); err != nil {
			return err
		}
	}
}

// failed is the end of a rollout that found no nodes to start.
func (r *rollout) failed(ctx workflow.Context, err error) error {
	explained := &runCommand{in: r.in.RunCommandInput, status: r.status}
	code, message := explained.explain(ctx, err)
	r.status.Reason = message
	return temporal.NewApplicationErrorWithOptions(message, code, temporal.ApplicationErrorOptions{
		NonRetryable: true, Cause: err, Details: []any{r.status.RunCommandResult},
	})
}

// leaveOut ends the nodes that were not started. One that waited to be tried again stays
// as it was.
func (r *rollout) leaveOut(ctx workflow.Context) {
	state, reason := activities.Skipped, ""
	if r.reset(ctx) {
		state, reason = activities.Unknown, "what was started before the reset may be running here"
	}
	for i := range r.places {
		p := &r.places[i]
		if p.Stage != policy.Waiting {
			continue
		}
		p.Stage, r.status.Nodes[p.Node].RetryAt = policy.Over, time.Time{}
		if p.Attempts == 0 {
			p.State = state
			r.status.set(r.status.Nodes[p.Node:p.Node+1], state, reason)
		}
	}
	r.markWaves(ctx)
}

// quiet says whether no flight is followed any more.
func (r *rollout) quiet() bool {
	for _, f := range r.flights {
		if !f.landed && !f.suspended {
			return false
		}
	}
	return true
}

func (r *rollout) cancelReason(reset bool) string {
	going := len(r.status.Nodes) - r.status.EndedNodes()
	counts := CountsText(r.status.Counts())
	switch {
	case reset:
		return "cancelled; what was started before the reset was not stopped; " + counts
	case len(r.status.Commands) == 0 && going == 0:
		return "cancelled before the command was submitted"
	case going == 0:
		return "cancelled; " + counts
	case r.in.Raw:
		return fmt.Sprintf("cancelled; the command was sent raw, cannot be stopped, and may still be running on %d of %s", going, Nodes(len(r.status.Nodes)))
	}
	return fmt.Sprintf("cancelled; %s; on %d of %s it could not be confirmed that the command is stopped", counts, going, Nodes(len(r.status.Nodes)))
}

// rolloutVerdict follows from the nodes and from why no more of them were started.
func (r *RunCommandResult) rolloutVerdict() Verdict {
	halt := r.Rollout.Halt
	switch {
	case halt == nil:
		return r.verdict()
	case halt.Cause == policy.Unattended:
		return Unattended
	case halt.Cause == policy.Reached && r.Reason == "":
		return Succeeded
	case halt.Cause == policy.Reached:
		return Partial
	}
	return Aborted
}
