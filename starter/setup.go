package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/console"
	"ehpcflow/internal/setup"
	"ehpcflow/workflows"
)

// attributeJSON is a search attribute for machines.
type attributeJSON struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Created bool   `json:"created"` // by this call
}

func (a *app) setupCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Create the search attributes of runs in the Temporal namespace",
		Long: `Create the search attributes that runs are listed by in the Temporal namespace. Those
that exist are left as they are, so that it may be repeated. It returns when they can
be used, which takes the server some seconds.

It needs the rights of the namespace's administrator, and is needed once for each
namespace before the first run.`,
		Example: "  starter setup",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{errors.New("setup takes no arguments: the namespace is that of TEMPORAL_NAMESPACE")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				state, err := setup.Ensure(cmd.Context(), c, a.namespace)
				var closed *setup.NotAllowedError
				if errors.As(err, &closed) {
					return &connect.UnreachableError{Message: closed.Message}
				}
				if err != nil {
					return err
				}
				return a.showSetup(state, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the attributes as JSON")
	return cmd
}

func (a *app) showSetup(state setup.State, asJSON bool) error {
	created := make(map[string]bool)
	for _, attribute := range state.Missing {
		created[attribute.Name] = true
	}
	var list []attributeJSON
	var rows [][]string
	for _, attribute := range workflows.SearchAttributes {
		done := "was there"
		if created[attribute.Name] {
			done = "created"
		}
		list = append(list, attributeJSON{attribute.Name, attribute.Type.String(), created[attribute.Name]})
		rows = append(rows, []string{attribute.Name, attribute.Type.String(), done})
	}
	if asJSON {
		encoder := json.NewEncoder(a.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(list)
	}
	if err := console.WriteTable(a.stdout, []string{"search attribute", "type", ""}, rows); err != nil {
		return fmt.Errorf("write the attributes: %w", err)
	}
	a.note("namespace %s is ready for runs", state.Namespace)
	return nil
}
