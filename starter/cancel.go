package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
)

func (a *app) cancelCommand() *cobra.Command {
	var asJSON, noWait bool
	cmd := &cobra.Command{
		Use:   "cancel RUN",
		Short: "Stop the command of a run on every node, and end the run",
		Long: `Stop the command of a run on every node where it was not seen to end, and end the
run. Its processes get TERM, after the run's grace period KILL, and the run ends when
none is seen to be left; it says of each node whether the command was stopped, had
already finished, or could not be confirmed to be stopped.

Cancelling in Temporal's Web UI or with its own command line does the same.
Terminating there does not: it ends the run and stops nothing.

The command of an attached run (starter attach) was submitted elsewhere, and is not
stopped: only the watching ends.

Of a pipeline every step that runs is stopped, then the steps of its finally run. To stop
one of these too, cancel its own run, RUN/STEP.

Ctrl-C ends the waiting only. The exit code is 0 when no node is left where the
command may be running, and 1 otherwise.`,
		Example: "  starter cancel run-20261124-081605-x7k2qd",
		Args:    oneRun("cancel"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRun(cmd.Context(), args[0], func(c client.Client, id string) error {
				before := runs.CancelledBefore(cmd.Context(), c, id)
				if err := runs.Cancel(cmd.Context(), c, id); err != nil {
					return err
				}
				a.note("run %s %s", id, cmp.Or(before, "is being cancelled"))
				if noWait {
					return nil
				}
				return a.followCancelled(cmd.Context(), c, id, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait until the command is stopped")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the result as JSON")
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) followCancelled(ctx context.Context, c client.Client, id string, asJSON bool) error {
	kind, err := runs.KindOf(ctx, c, id)
	switch {
	case err != nil:
		return err
	case kind == runs.OnClusters:
		return a.followCancelledClusters(ctx, c, id, asJSON)
	case kind == runs.OnPipeline || kind == runs.OfItems:
		return a.followCancelledPipeline(ctx, c, id, asJSON)
	case kind == runs.OfJob:
		return a.followCancelledJob(ctx, c, id, asJSON)
	case kind == runs.OfApproval:
		return a.followCancelledApproval(ctx, c, id, asJSON)
	case kind == runs.OfWait:
		return a.followCancelledWait(ctx, c, id, asJSON)
	}
	report, err := a.follow(ctx, c, id)
	if err != nil {
		return err
	}
	err = a.print(report, asJSON)
	switch {
	case !errors.Is(err, errNotSucceeded):
		return err
	case report.State != runs.Canceled:
		return errNotSucceeded
	}
	began, unread := runs.ReadBeginning(ctx, c, id)
	if !runsNowhere(report, unread != nil || began.Input.Attach != nil) {
		return errNotSucceeded
	}
	return nil // it was to be stopped, and is
}

// runsNowhere says whether no node is left where the command of a cancelled run may be
// running. One that was attached to runs on nodes that the run may not have found yet.
func runsNowhere(report runs.Report, attached bool) bool {
	return report.EndedNodes() == len(report.Nodes) && (!attached || len(report.Nodes) > 0)
}

// oneRun takes the name of one run as the only argument.
func oneRun(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{errors.New(command + " takes the name of one run")}
		}
		return nil
	}
}
