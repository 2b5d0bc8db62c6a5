package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// pipelineRunOptions are the flags of a run of a pipeline, its inputs apart.
type pipelineRunOptions struct {
	id     string
	detach bool
	json   bool
}

func (o *pipelineRunOptions) register(cmd *cobra.Command, name string) {
	flags := cmd.Flags()
	flags.StringVar(&o.id, "id", "", "name of the run; a name runs once, whoever asks (default: "+name+")")
	flags.BoolVar(&o.detach, "detach", false, "write the name of the run to stdout once it has begun, and do not follow it")
	flags.BoolVar(&o.json, "json", false, "write the result as JSON")
}

func (a *app) pipelineRunCommand() *cobra.Command {
	var o pipelineRunOptions
	var inputs inputOptions
	var failRun bool
	cmd := &cobra.Command{
		Use:   "run FILE [--input NAME=VALUE…]",
		Short: "Run a pipeline and wait for its end",
		Long: `Run a pipeline and wait for its end. The file is checked first, as starter pipeline
validate does, and nothing is started unless all of it and its inputs are right.

Progress goes to stderr, on a terminal as a tree of the steps; the steps, what the
pipeline leaves and the verdict go to stdout. An approval that waits says what to type.
Ctrl-C leaves the run alone: starter watch follows it again, starter cancel stops it.`,
		Example: `  starter pipeline run examples/solve.yaml --input cells=4000
  starter pipeline run examples/sweep.yaml --input reynolds=100,400 --detach`,
		Args:              oneFile("run"),
		ValidArgsFunction: yamlFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkPipelineID(cmd, &o.id); err != nil {
				return err
			}
			in, err := a.readWithInputs(cmd.Context(), args[0], inputs, "nothing was started:")
			if err != nil {
				return a.unlessInterrupted(err)
			}
			in.FailUnless = runOptions{failRun: failRun}.failUnless()
			return a.unlessInterrupted(a.withTemporal(cmd.Context(), func(c client.Client) error {
				return a.runPipeline(cmd.Context(), c, o, in)
			}))
		},
	}
	inputs.register(cmd)
	o.register(cmd, "a new one")
	cmd.Flags().BoolVar(&failRun, "fail-run", false, "let the run fail for Temporal too unless it succeeds: red in the Web UI, and seen by what waits for the workflow")
	cmd.Flags().SortFlags = false
	return cmd
}

// checkPipelineID refuses a name that leaves no room for those of the steps, or is as one of
// these, and makes one where none is given.
func checkPipelineID(cmd *cobra.Command, id *string) error {
	if !cmd.Flags().Changed("id") {
		*id = runs.NewID()
		return nil
	}
	if err := checkNewID(*id); err != nil {
		return err
	}
	if n := len(*id); n > workflows.MaxPipelineName {
		return usageError{fmt.Errorf("--id has %d bytes, a pipeline takes %d, as those of its steps stand behind it: give a shorter name", n, workflows.MaxPipelineName)}
	}
	return nil
}

// unlessInterrupted says of an interrupt before the start that nothing was started.
func (a *app) unlessInterrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		a.note("interrupted; nothing was started")
		return errInterrupted
	}
	return err
}

// runPipeline starts a run, and follows it to its end.
func (a *app) runPipeline(ctx context.Context, c client.Client, o pipelineRunOptions, in workflows.PipelineInput) error {
	err := runs.StartPipeline(ctx, c, runs.Place{Namespace: a.namespace, TaskQueue: a.taskQueue}, o.id, in)
	var unreachable *connect.UnreachableError
	switch {
	case err != nil && ctx.Err() != nil && errors.As(err, &unreachable):
		a.note("interrupted; %v", err)
		return errInterrupted
	case err != nil:
		return err
	}
	a.note("run %s of pipeline %s", o.id, in.Pipeline.Name)
	if o.detach {
		return a.detached(ctx, c, o)
	}
	report, err := a.followPipeline(ctx, c, o.id)
	if err != nil {
		return err
	}
	return a.printPipeline(report, o.json)
}

// detached writes which run was started.
func (a *app) detached(ctx context.Context, c client.Client, o pipelineRunOptions) error {
	a.note("follow it: starter watch %s", o.id)
	if !o.json {
		_, err := fmt.Fprintln(a.stdout, o.id)
		return err
	}
	report, err := runs.ReadPipeline(ctx, c, o.id)
	if err != nil {
		return err
	}
	return console.WritePipelineJSON(a.stdout, report)
}
