package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ehpcflow/internal/runs"
	"ehpcflow/internal/schedules"
	"ehpcflow/workflows"
)

func (a *app) pipelineScheduleCommand() *cobra.Command {
	var plan schedules.Plan
	var inputs inputOptions
	cmd := &cobra.Command{
		Use:   "schedule NAME FILE (--cron TEXT | --every LENGTH | --at TIME)… [--input NAME=VALUE…]",
		Short: "Have a pipeline started by the clock",
		Long: `Have a pipeline started by the clock, with the flags of starter schedule create. The file
is read and checked now, and it is run as it is now, whatever becomes of the file.

A run of a schedule fails for Temporal too unless its verdict is succeeded, so that the
Web UI and --pause-on-failure see it. starter schedule list, show, pause, trigger and
their like take the name.`,
		Example: `  starter pipeline schedule nightly-health examples/nightly-health.yaml --cron '0 22 * * *' --time-zone Asia/Shanghai`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) != 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return yamlFiles(cmd, args, begun)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.schedulePipeline(cmd, args, inputs, plan)
		},
	}
	registerPlan(cmd.Flags(), &plan)
	inputs.register(cmd)
	cmd.Flags().SortFlags = false
	return cmd
}

// schedulePipeline says everything that is wrong at once, before Temporal is asked.
func (a *app) schedulePipeline(cmd *cobra.Command, args []string, inputs inputOptions, plan schedules.Plan) error {
	if len(args) != 2 {
		return usageError{errors.New("schedule takes a name, and a pipeline's file: starter pipeline schedule NAME FILE --cron '0 22 * * *'")}
	}
	name, file := args[0], args[1]
	options, problems := plan.Options(name, time.Now())
	if wrong := catchUpProblem(cmd.Flags(), plan); wrong != "" {
		problems = append(problems, wrong)
	}
	if n := len(name); n > mostOfSchedule {
		problems = append(problems, fmt.Sprintf("the name has %d bytes, for a pipeline it can have %d, as the time and the names of the steps stand behind it: give a shorter name", n, mostOfSchedule))
	}
	in, err := a.readWithInputs(cmd.Context(), file, inputs, "no schedule was created:")
	var usage usageError
	switch {
	case errors.As(err, &usage) && len(problems) > 0:
		return usageError{fmt.Errorf("%w\n%s", usage.error, strings.Join(problems, "\n"))}
	case err != nil:
		return err
	case len(problems) > 0:
		return &workflows.InputError{Problems: problems}
	}
	in.FailUnless = workflows.FailUnless(workflows.Succeeded)
	return a.createdUnlessInterrupted(cmd.Context(), options, runs.PipelineLaunchOf(in))
}

// mostOfSchedule is the longest name of a schedule of a pipeline, in bytes: its runs have
// the time behind it.
const mostOfSchedule = workflows.MaxPipelineName - len("-2026-11-26T22:00:00Z")
