package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ehpcflow/pipeline"
)

func (a *app) pipelineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pipeline",
		Short: "Run commands and jobs one after the other, as a file says",
		Long: `Run commands on nodes, jobs of the scheduler, approvals, waits and other pipelines one
after the other and side by side, as a file says that is written in YAML. A pipeline is a
run as any other: starter watch, status, cancel and list take its name, and RUN/STEP is
the run of a step.

A FILE that is named - is read from standard input; the files that it refers to are then
those of the current directory.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("there is no command pipeline %q; see starter pipeline --help", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	watch := a.watchCommand()
	watch.Short = "Follow a run of a pipeline to its end, as starter watch does"
	watch.Example = "  starter pipeline watch run-20261124-081605-x7k2qd"
	cmd.AddCommand(a.pipelineValidateCommand(), a.pipelinePlanCommand(), a.pipelineGraphCommand(), a.pipelineRunCommand(), watch,
		a.pipelineRerunCommand(), a.pipelineScheduleCommand(), a.pipelineSchemaCommand())
	return cmd
}

func (a *app) pipelineSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of pipeline files, for editors",
		Long: `Print the JSON Schema of pipeline files. With it an editor completes a file and marks
what is wrong while it is written: begin the file with

  # yaml-language-server: $schema=pipeline.schema.json`,
		Example: "  starter pipeline schema > pipeline.schema.json",
		Args:    noWords("schema"),
		RunE: func(*cobra.Command, []string) error {
			_, err := a.stdout.Write(pipeline.Schema)
			return err
		},
	}
}

func noWords(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{fmt.Errorf("%s takes no %q", command, args[0])}
		}
		return nil
	}
}

// oneFile takes the name of one file as the only argument.
func oneFile(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usageError{errors.New(command + " takes the name of a pipeline's file, such as solve.yaml, or - for standard input")}
		case len(args) > 1:
			return usageError{fmt.Errorf("%s takes one file, %q is one more", command, args[1])}
		}
		return nil
	}
}

// yamlFiles lets a shell complete the names of files.
func yamlFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}
