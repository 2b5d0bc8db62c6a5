package main

import (
	"context"
	"errors"
	"fmt"

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
	write := console.WritePipeline
	if asJSON {
		write = console.WritePipelineJSON
	}
	if err := write(a.stdout, report); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if code := endCode(report.State, report.Verdict); code != exitSucceeded {
		return &verdictError{code}
	}
	return nil
}

// printJob writes a report to stdout and turns its outcome into the command's.
func (a *app) printJob(report runs.JobReport, asJSON bool) error {
	write := console.WriteJob
	if asJSON {
		write = console.WriteJobJSON
	}
	if err := write(a.stdout, report); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if code := endCode(report.State, report.Job.Verdict); code != exitSucceeded {
		return &verdictError{code}
	}
	return nil
}

// printApproval writes a report to stdout and turns its outcome into the command's.
func (a *app) printApproval(report runs.ApprovalReport, asJSON bool) error {
	write := console.WriteApproval
	if asJSON {
		write = console.WriteApprovalJSON
	}
	if err := write(a.stdout, report); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if code := endCode(report.State, report.Verdict); code != exitSucceeded {
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
	err = a.printPipeline(report, asJSON)
	if errors.Is(err, errNotSucceeded) && report.State == runs.Canceled && report.Stopped() {
		return nil // it was to be stopped, and is
	}
	return err
}

// followCancelledJob waits until the job has stopped.
func (a *app) followCancelledJob(ctx context.Context, c client.Client, id string, asJSON bool) error {
	report, err := a.followJob(ctx, c, id)
	if err != nil {
		return err
	}
	err = a.printJob(report, asJSON)
	if errors.Is(err, errNotSucceeded) && report.State == runs.Canceled && report.Stopped() {
		return nil // it was to be stopped, and is
	}
	return err
}
