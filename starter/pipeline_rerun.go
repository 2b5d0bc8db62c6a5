package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
)

func (a *app) pipelineRerunCommand() *cobra.Command {
	var o pipelineRunOptions
	var fromFailed, unknown bool
	cmd := &cobra.Command{
		Use:   "rerun RUN --from-failed",
		Short: "Run the steps of a past run of a pipeline again that did not succeed",
		Long: `Run the steps of a past run of a pipeline again that did not succeed, and those that
come after them: a new run of the same pipeline, as the file was then, with the same
inputs. What succeeded, or was skipped by its own condition, is not run again, and later
steps see what it left; the steps of finally run again.

A step of which something may be running still is refused, unless --include-unknown says
to run it again. The new run is named FIRST-r2, FIRST-r3 and so on, after the first of its
chain; starter history shows the chain, and what is left.`,
		Example: "  starter pipeline rerun run-20261124-081605-x7k2qd --from-failed",
		Args:    oneRun("rerun"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == standardInput {
				return usageError{errors.New("rerun takes the name of a run, which keeps its file, and no file: to run one from standard input, starter pipeline run -")}
			}
			if !fromFailed {
				return usageError{errors.New("say from where: --from-failed runs what did not succeed again; to run all of it, starter pipeline run FILE")}
			}
			if cmd.Flags().Changed("id") {
				if err := checkPipelineID(cmd, &o.id); err != nil {
					return err
				}
			}
			return a.unlessInterrupted(a.withTemporal(cmd.Context(), func(c client.Client) error {
				return a.rerunPipeline(cmd.Context(), c, args[0], o, unknown)
			}))
		},
	}
	cmd.Flags().BoolVar(&fromFailed, "from-failed", false, "run again what did not succeed")
	cmd.Flags().BoolVar(&unknown, "include-unknown", false, "run steps again too of which something may be running still")
	o.register(cmd, "FIRST-r2, FIRST-r3 and so on")
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) rerunPipeline(ctx context.Context, c client.Client, id string, o pipelineRunOptions, unknown bool) error {
	rerun, err := runs.PreparePipelineRerun(ctx, c, id, unknown)
	if err != nil {
		return err
	}
	if o.id == "" {
		o.id = rerun.ID
	}
	a.note("rerun of %s from %s; steps that are not run again: %d%s", id, fewSteps(rerun.Again), rerun.Kept(), lookedAtAgain(rerun.Passed))
	return a.runPipeline(ctx, c, o, rerun.Input)
}

// lookedAtAgain says which steps may run that had not had to.
func lookedAtAgain(passed []string) string {
	if len(passed) == 0 {
		return ""
	}
	return "; skipped before, and looked at again: " + fewSteps(passed)
}

// fewSteps reads "stage, mesh and 4 more".
func fewSteps(names []string) string {
	const few = 5
	text := strings.Join(names[:min(few, len(names))], ", ")
	if more := len(names) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
