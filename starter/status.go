package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status RUN",
		Short: "Show how a run stands, or what became of it",
		Long: `Show how a run stands, or what became of it.

Of a pipeline it shows the steps, each of which has a run of its own, RUN/STEP. Of a step
it says too what it is for the pipeline, where that differs, and of one that was tried
again it shows the last attempt; RUN/STEP.1 is the first.

The exit code is 0 while the run goes on, and otherwise that of its verdict: see
starter --help.`,
		Example: "  starter status run-20261124-081605-x7k2qd --json",
		Args:    oneRun("status"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRun(cmd.Context(), args[0], func(c client.Client, id string) error {
				err := a.show(cmd.Context(), c, id, asJSON)
				if err == nil || errors.Is(err, errNotSucceeded) {
					a.sayAsStep(cmd.Context(), c, id, err == nil, asJSON)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the status as JSON")
	return cmd
}

// sayAsStep says what a run is as a step of a pipeline, where that is not what it says
// itself. Of JSON it is said beside it.
func (a *app) sayAsStep(ctx context.Context, c client.Client, id string, well, asJSON bool) {
	over, step, is := runs.StepOver(ctx, c, id)
	if !is {
		return
	}
	out := a.stdout
	if asJSON {
		out = a.stderr
	}
	console.WriteAsStep(out, over, step, well)
}

// show shows how a run of any kind stands.
func (a *app) show(ctx context.Context, c client.Client, id string, asJSON bool) error {
	kind, err := runs.KindOf(ctx, c, id)
	if err != nil {
		return err
	}
	switch kind {
	case runs.OnClusters:
		return a.showClusters(ctx, c, id, asJSON)
	case runs.OnPipeline, runs.OfItems:
		report, err := runs.ReadPipeline(ctx, c, id)
		if err != nil {
			return err
		}
		return a.printPipeline(report, asJSON)
	case runs.OfJob:
		report, err := runs.ReadJob(ctx, c, id)
		if err != nil {
			return err
		}
		return a.printJob(report, asJSON)
	case runs.OfApproval:
		report, err := runs.ReadApproval(ctx, c, id)
		if err != nil {
			return err
		}
		return a.printApproval(report, asJSON)
	case runs.OfWait:
		report, err := runs.ReadWait(ctx, c, id)
		if err != nil {
			return err
		}
		return a.printWait(report, asJSON)
	case runs.OnOne:
	}
	report, err := runs.Read(ctx, c, id)
	if err != nil {
		return err
	}
	return a.print(report, asJSON)
}
