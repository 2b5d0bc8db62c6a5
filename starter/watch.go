package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func (a *app) watchCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "watch RUN",
		Short: "Follow a run to its end, whoever started it",
		Long: `Follow a run to its end, whoever started it: a plain one, a rollout, one on several
clusters, one that follows a command of elsewhere, a pipeline, or a step of one. On a terminal it is drawn live on
stderr, with a bar, its time and the nodes that went wrong or run on; elsewhere each change is
a line. Then the result is written to stdout, as by starter run, with its exit code.

With --json each change is a line of JSON on stdout, the end of the run the last of them;
starter results --json has the output of the nodes.

Ctrl-C ends the watching only.`,
		Example: `  starter watch run-20261124-081605-x7k2qd
  starter watch run-20261124-081605-x7k2qd --json | jq -r .phase`,
		Args: oneRun("watch"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRun(cmd.Context(), args[0], func(c client.Client, id string) error {
				return a.watch(cmd.Context(), c, id, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write each change as a line of JSON")
	return cmd
}

func (a *app) watch(ctx context.Context, c client.Client, id string, asJSON bool) error {
	kind, err := runs.KindOf(ctx, c, id)
	switch {
	case err != nil:
		return err
	case asJSON:
		return a.watchJSON(ctx, c, id, kind)
	}
	return a.followAny(ctx, c, id, kind, false)
}

// followAny follows a run of any kind, and writes its result.
func (a *app) followAny(ctx context.Context, c client.Client, id string, kind runs.Kind, asJSON bool) error {
	switch kind {
	case runs.OnClusters:
		report, err := a.followClusters(ctx, c, id)
		if err != nil {
			return err
		}
		return a.printClusters(report, asJSON)
	case runs.OnPipeline, runs.OfItems:
		report, err := a.followPipeline(ctx, c, id)
		if err != nil {
			return err
		}
		return a.printPipeline(report, asJSON)
	case runs.OfJob:
		report, err := a.followJob(ctx, c, id)
		if err != nil {
			return err
		}
		return a.printJob(report, asJSON)
	case runs.OfApproval:
		report, err := a.followApproval(ctx, c, id)
		if err != nil {
			return err
		}
		return a.printApproval(report, asJSON)
	case runs.OfWait:
		report, err := a.followWait(ctx, c, id)
		if err != nil {
			return err
		}
		return a.printWait(report, asJSON)
	case runs.OnOne:
	}
	report, err := a.follow(ctx, c, id)
	if err != nil {
		return err
	}
	return a.print(report, asJSON)
}

func (a *app) watchJSON(ctx context.Context, c client.Client, id string, kind runs.Kind) error {
	began, _ := runs.ReadBeginning(ctx, c, id) // without it, nothing is expected
	changes := console.NewChanges(a.stdout, began.Expected())
	var state runs.State
	var verdict workflows.Verdict
	refused := false
	var err error
	switch kind {
	case runs.OnClusters:
		var report runs.ClustersReport
		report, err = runs.FollowClusters(ctx, c, id, changes.ShowClusters)
		state, verdict = report.State, report.Verdict
	case runs.OnPipeline, runs.OfItems:
		var report runs.PipelineReport
		report, err = runs.FollowPipeline(ctx, c, id, changes.ShowPipeline)
		state, verdict = report.State, report.Verdict
	case runs.OfJob:
		var report runs.JobReport
		report, err = runs.FollowJob(ctx, c, id, changes.ShowJob)
		state, verdict = report.State, report.Job.Verdict
	case runs.OfApproval:
		var report runs.ApprovalReport
		report, err = runs.FollowApproval(ctx, c, id, changes.ShowApproval)
		state, verdict = report.State, report.Verdict
	case runs.OfWait:
		var report runs.WaitReport
		report, err = runs.FollowWait(ctx, c, id, changes.ShowWait)
		state, verdict = report.State, report.Verdict
	default:
		var report runs.Report
		report, err = runs.Follow(ctx, c, id, changes.Show)
		state, verdict, refused = report.State, report.Verdict, report.Refused()
	}
	switch code := endCode(state, verdict); {
	case ctx.Err() != nil:
		a.note("interrupted; the run goes on. See how it stands: starter status %s", id)
		return errInterrupted
	case err != nil:
		return err
	case changes.Err() != nil:
		return fmt.Errorf("write a change: %w", changes.Err())
	case refused:
		return &verdictError{exitUsage}
	case code != exitSucceeded:
		return &verdictError{code}
	}
	return nil
}
