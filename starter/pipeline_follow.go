package main

import (
	"context"
	"errors"

	"go.temporal.io/sdk/client"

	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
)

// followPipeline shows how a run of a pipeline comes along until it has ended.
func (a *app) followPipeline(ctx context.Context, c client.Client, id string) (runs.PipelineReport, error) {
	progress := console.NewPipelineProgress(a.stderr)
	report, err := runs.FollowPipeline(ctx, c, id, progress.Show)
	progress.Close()
	return report, a.left(ctx, id, "stop all of its steps", err)
}

// followJob shows how a run of a job comes along until it has ended.
func (a *app) followJob(ctx context.Context, c client.Client, id string) (runs.JobReport, error) {
	report, err := runs.FollowJob(ctx, c, id, console.NewJobProgress(a.stderr).Show)
	return report, a.left(ctx, id, "stop it", err)
}

// followApproval says what an approval waits for, until it is decided.
func (a *app) followApproval(ctx context.Context, c client.Client, id string) (runs.ApprovalReport, error) {
	report, err := runs.FollowApproval(ctx, c, id, console.NewJobProgress(a.stderr).ShowApproval)
	return report, a.left(ctx, id, "end it", err)
}

// followWait waits until a wait is over.
func (a *app) followWait(ctx context.Context, c client.Client, id string) (runs.WaitReport, error) {
	report, err := runs.FollowWait(ctx, c, id, console.NewJobProgress(a.stderr).ShowWait)
	return report, a.left(ctx, id, "end it", err)
}

// left says of a run that is no longer followed that it goes on, and how to stop it.
func (a *app) left(ctx context.Context, id, stop string, err error) error {
	switch {
	case ctx.Err() != nil:
		a.note("interrupted; the run goes on. See how it stands: starter status %s; %s: starter cancel %s", id, stop, id)
		return errInterrupted
	case err != nil:
		a.note("the run goes on. See how it stands: starter status %s", id)
	}
	return err
}

// printPipeline writes a report to stdout and turns its outcome into the command's.
func (a *app) printPipeline(report runs.PipelineReport, asJSON bool) error {
	return a.printed(endCode(report.State, report.Verdict), written(a.stdout, report, nil, asJSON, console.WritePipeline, console.WritePipelineJSON))
}

// printJob does so for a job.
func (a *app) printJob(report runs.JobReport, asJSON bool) error {
	return a.printed(endCode(report.State, report.Job.Verdict), written(a.stdout, report, nil, asJSON, console.WriteJob, console.WriteJobJSON))
}

// printApproval does so for an approval.
func (a *app) printApproval(report runs.ApprovalReport, asJSON bool) error {
	return a.printed(endCode(report.State, report.Verdict), written(a.stdout, report, nil, asJSON, console.WriteApproval, console.WriteApprovalJSON))
}

// printWait does so for a wait.
func (a *app) printWait(report runs.WaitReport, asJSON bool) error {
	return a.printed(endCode(report.State, report.Verdict), written(a.stdout, report, nil, asJSON, console.WriteWait, console.WriteWaitJSON))
}

// printed ends a command whose report was written, or could not be.
func (*app) printed(code int, err error) error {
	switch {
	case err != nil:
		return err
	case code != exitSucceeded:
		return &verdictError{code}
	}
	return nil
}

// followCancelledPipeline waits until every step has stopped and finally has run.
func (a *app) followCancelledPipeline(ctx context.Context, c client.Client, id string, asJSON bool) error {
	report, err := a.followPipeline(ctx, c, id)
	if err != nil {
		return err
	}
	return stoppedAsAsked(a.printPipeline(report, asJSON), report.State, report.Stopped())
}

// followCancelledJob waits until the job has stopped.
func (a *app) followCancelledJob(ctx context.Context, c client.Client, id string, asJSON bool) error {
	report, err := a.followJob(ctx, c, id)
	if err != nil {
		return err
	}
	return stoppedAsAsked(a.printJob(report, asJSON), report.State, report.Stopped())
}

// followCancelledApproval waits until the approval waits no more.
func (a *app) followCancelledApproval(ctx context.Context, c client.Client, id string, asJSON bool) error {
	report, err := a.followApproval(ctx, c, id)
	if err != nil {
		return err
	}
	return stoppedAsAsked(a.printApproval(report, asJSON), report.State, true)
}

// followCancelledWait waits until the wait is over.
func (a *app) followCancelledWait(ctx context.Context, c client.Client, id string, asJSON bool) error {
	report, err := a.followWait(ctx, c, id)
	if err != nil {
		return err
	}
	return stoppedAsAsked(a.printWait(report, asJSON), report.State, true)
}

// stoppedAsAsked is no error of a run that was to be stopped, and is.
func stoppedAsAsked(err error, state runs.State, stopped bool) error {
	if errors.Is(err, errNotSucceeded) && state == runs.Canceled && stopped {
		return nil
	}
	return err
}
