package main

import (
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
)

func (a *app) historyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history RUN",
		Short: "Show a run with its reruns, and where the command has succeeded by now",
		Long: `Show the chain that a run is of, from the first run to the last rerun, and how many
of the first run's nodes have succeeded by now: in one of the runs.

The exit code is 0 when every node has succeeded or a run goes on, and 1 when nodes
are left.`,
		Example: "  starter history run-20261124-081605-x7k2qd",
		Args:    oneRun("history"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				chain, err := runs.ReadChain(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				write := console.WriteChain
				if asJSON {
					write = console.WriteChainJSON
				}
				if err := write(a.stdout, chain); err != nil {
					return err
				}
				if !chain.GoesOn() && !chain.Done() {
					return errNotSucceeded
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the chain as JSON")
	return cmd
}
