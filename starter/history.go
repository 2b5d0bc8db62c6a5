package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
)

func (a *app) historyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history RUN",
		Short: "Show a run with its reruns, and what has succeeded by now",
		Long: `Show the chain that a run is of, from the first run to the last rerun, and how many
of the first run's nodes have succeeded by now: in one of the runs. Of a pipeline it shows
where each step stands by now, why those did not succeed that are left, and the command
that runs them again.

The exit code is 0 when every node, or step, has succeeded or a run goes on, and 1 when
some are left. A step that was skipped by its own condition is not left.`,
		Example: "  starter history run-20261124-081605-x7k2qd",
		Args:    oneRun("history"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRun(cmd.Context(), args[0], func(c client.Client, id string) error {
				return a.history(cmd.Context(), c, id, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the chain as JSON")
	return cmd
}

func (a *app) history(ctx context.Context, c client.Client, id string, asJSON bool) error {
	kind, err := runs.KindOf(ctx, c, id)
	if err != nil {
		return err
	}
	if kind != runs.OnOne && kind != runs.OnClusters {
		chain, err := runs.ReadPipelineHistory(ctx, c, id)
		if err != nil {
			return err
		}
		return showChain(a.stdout, chain, asJSON, console.WritePipelineChain, console.WritePipelineChainJSON)
	}
	chain, err := runs.ReadCommandChain(ctx, c, id)
	if err != nil {
		return err
	}
	if over, is := runs.PipelineOver(ctx, c, id); is {
		a.note("run %s is part of run %s: starter history %s shows what became of it in that and its reruns", id, over, over)
	}
	return showChain(a.stdout, chain, asJSON, console.WriteChain, console.WriteChainJSON)
}

// chain is that of a command or of a pipeline.
type chain interface {
	GoesOn() bool
	Done() bool
}

func showChain[C chain](out io.Writer, chain C, asJSON bool, write, writeJSON func(io.Writer, C) error) error {
	if asJSON {
		write = writeJSON
	}
	if err := write(out, chain); err != nil {
		return err
	}
	if !chain.GoesOn() && !chain.Done() {
		return errNotSucceeded
	}
	return nil
}
