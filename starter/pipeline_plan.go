package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ehpcflow/internal/console"
	"ehpcflow/internal/forecast"
)

func (a *app) pipelinePlanCommand() *cobra.Command {
	var inputs inputOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan FILE [--input NAME=VALUE…]",
		Short: "Show what a run of a pipeline would do, and change nothing",
		Long: `Show what a run of a pipeline would do with these inputs: its steps in the order in which
they may begin, on which clusters, how many requests to the API they take at the least
and at the most, and what only the run can tell. Neither Temporal nor a cluster is asked:
starter plan shows which nodes a command would run on.

Steps of a layer wait for steps of the layers before it alone.`,
		Example: `  starter pipeline plan examples/solve.yaml --input cells=4000
  starter pipeline plan examples/two-clusters.yaml --json`,
		Args:              oneFile("plan"),
		ValidArgsFunction: yamlFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.readWithInputs(cmd.Context(), args[0], inputs, "there is no plan:")
			if err != nil {
				return err
			}
			write := console.WritePipelinePlan
			if asJSON {
				write = console.WritePipelinePlanJSON
			}
			if err := write(a.stdout, forecast.Of(in.Pipeline, in.Inputs)); err != nil {
				return fmt.Errorf("write the plan: %w", err)
			}
			return nil
		},
	}
	inputs.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the plan as JSON")
	cmd.Flags().SortFlags = false
	return cmd
}
