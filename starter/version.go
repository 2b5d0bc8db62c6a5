package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/version"
)

func (a *app) versionCommand() *cobra.Command {
	var asJSON, server bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show which build this is",
		Long: `Show which build this is: its version, commit and toolchain. Nothing is asked of
anybody, unless --server asks Temporal for its version too.`,
		Example: `  starter version
  starter version --server --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("version takes no %q", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			info := version.Read()
			if server {
				err := a.withTemporal(cmd.Context(), func(c client.Client) error {
					answer, err := c.WorkflowService().GetSystemInfo(cmd.Context(), &workflowservice.GetSystemInfoRequest{})
					info.TemporalServer = answer.GetServerVersion()
					return err
				})
				if err != nil {
					return err
				}
			}
			if asJSON {
				encoder := json.NewEncoder(a.stdout)
				encoder.SetIndent("", "  ")
				return encoder.Encode(info)
			}
			text := "starter " + info.String()
			if server {
				text += "\nTemporal server " + info.TemporalServer
			}
			_, err := fmt.Fprintln(a.stdout, text)
			return err
		},
	}
	cmd.Flags().BoolVar(&server, "server", false, "ask the Temporal server for its version too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the build as JSON")
	cmd.Flags().SortFlags = false
	return cmd
}
