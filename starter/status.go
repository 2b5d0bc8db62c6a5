package main

import (
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status RUN",
		Short: "Show how a run stands, or what became of it",
		Long: `Show how a run stands, or what became of it.

The exit code is 0 while the run goes on, and otherwise that of its verdict: see
starter --help.`,
		Example: "  starter status run-20261124-081605-x7k2qd --json",
		Args:    oneRun("status"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				report, err := runs.Read(cmd.Context(), c, args[0])
				if runs.OnSeveralClusters(err) {
					return a.showClusters(cmd.Context(), c, args[0], asJSON)
				}
				if err != nil {
					return err
				}
				return a.print(report, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the status as JSON")
	return cmd
}
