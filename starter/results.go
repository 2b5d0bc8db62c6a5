package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// resultsOptions are the flags of results.
type resultsOptions struct {
	failed            bool
	nodes, sets       []string
	output, json, csv bool
}

func (a *app) resultsCommand() *cobra.Command {
	var o resultsOptions
	cmd := &cobra.Command{
		Use:   "results RUN [--failed] [--state SET,…] [--node NODE…] [--output | --json | --csv]",
		Short: "Show what became of each node of a run, and what it wrote",
		Long: `Show what became of each node of a run, and what it wrote, also while the run goes on:
a node's exit code and output are there once they were read. Of a run on several clusters,
or of a pipeline, the nodes of all are shown. A job has no nodes of its own: of a pipeline
it is said where it is shown, and of its own run what it printed and how it ended.

--node takes instance ids and host names; --state the sets of nodes that starter rerun
knows, succeeded, failed (nonzero, failed, timed_out and stopped), nonzero, timed_out,
stopped, lost, skipped and unknown, and further finished, running and pending. --failed is every node that did not
succeed and is not running. Together they narrow each other down.

--csv has the columns run, cluster, node, host, wave, state, exit_code, attempts,
finished_at, remark, output_bytes, output_cut, output_uri and output. A text in it that a
spreadsheet would take for a formula has an apostrophe before it; --json has each as it is.

The exit code is 0 when the nodes were shown, however they ended, and 2 when a node is
named that the run does not have.`,
		Example: `  starter results run-20261124-081605-x7k2qd --failed
  starter results run-20261124-081605-x7k2qd --node compute017 --node i-bp1aaaa --output
  starter results run-20261124-081605-x7k2qd --csv > results.csv`,
		Args: oneRun("results"),
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen, err := o.choice()
			if err != nil {
				return err
			}
			return a.withRun(cmd.Context(), args[0], func(c client.Client, id string) error {
				return a.results(cmd.Context(), c, id, o, chosen)
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.failed, "failed", false, "only nodes that did not succeed, and have ended")
	flags.StringSliceVar(&o.sets, "state", nil, "only nodes of these sets, with commas between them")
	flags.StringArrayVar(&o.nodes, "node", nil, "only this node, by instance id or host name; may be repeated")
	flags.BoolVar(&o.output, "output", false, "write what the nodes wrote, in full as far as the run keeps it")
	flags.BoolVar(&o.json, "json", false, "write the nodes as JSON")
	flags.BoolVar(&o.csv, "csv", false, "write the nodes as CSV")
	flags.SortFlags = false
	return cmd
}

// choice reads the flags, with everything that is wrong in one message.
func (o resultsOptions) choice() (runs.NodeChoice, error) {
	var problems []string
	states, err := runs.ParseStates(o.sets)
	if err != nil {
		problems = append(problems, "--state: "+err.Error())
	}
	ways := 0
	for _, way := range []bool{o.output, o.json, o.csv} {
		if way {
			ways++
		}
	}
	if ways > 1 {
		problems = append(problems, "of --output, --json and --csv one can be had at a time; the last two hold the output too")
	}
	if slices.Contains(o.nodes, "") {
		problems = append(problems, "--node is empty: name a node by its instance id or host name")
	}
	if len(problems) > 0 {
		return runs.NodeChoice{}, usageError{errors.New(strings.Join(problems, "; "))}
	}
	return runs.NodeChoice{Failed: o.failed, States: states, Names: o.nodes}, nil
}

func (a *app) results(ctx context.Context, c client.Client, id string, o resultsOptions, choice runs.NodeChoice) error {
	whole, err := runs.ReadWhole(ctx, c, id)
	var other *runs.OtherKindError
	switch {
	case errors.As(err, &other) && other.Kind == runs.OfJob && o.isPlain():
		return a.resultOfJob(ctx, c, id)
	case err != nil:
		return err
	}
	if trouble, unknown := whole.Unknown(); unknown {
		return &connect.UnreachableError{Message: fmt.Sprintf("how the nodes of run %s stand is not to be had: %s", id, trouble)}
	}
	nodes, err := whole.Choose(choice)
	if err != nil {
		return err
	}
	write := console.WriteNodes
	switch {
	case o.output:
		write = console.WriteOutputs
	case o.json:
		write = console.WriteNodesJSON
	case o.csv:
		write = console.WriteNodesCSV
	}
	if len(nodes) > 0 || o.json || o.csv {
		if err := write(a.stdout, nodes); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	all := 0
	for _, report := range whole.Runs {
		all += len(report.Nodes)
	}
	if len(nodes) < all || all == 0 {
		a.note("%d of %s shown", len(nodes), workflows.Nodes(all))
	}
	for _, line := range whole.Elsewhere() {
		a.note("%s", line)
	}
	if whole.GoesOn() {
		a.note("the run goes on: follow it by starter watch %s", id)
	}
	return nil
}

// isPlain says that nothing is asked for that only nodes have.
func (o resultsOptions) isPlain() bool {
	return !o.failed && !o.json && !o.csv && len(o.nodes)+len(o.sets) == 0
}

// resultOfJob shows how a job ended, and what it printed.
func (a *app) resultOfJob(ctx context.Context, c client.Client, id string) error {
	report, err := runs.ReadJob(ctx, c, id)
	if err != nil {
		return err
	}
	return written(a.stdout, report, nil, false, console.WriteJob, console.WriteJobJSON)
}
