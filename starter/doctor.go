package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"ehpcflow/internal/console"
	"ehpcflow/internal/doctor"
	"ehpcflow/internal/logging"
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	var clusterID string
	cmd := &cobra.Command{
		Use:   "doctor [--cluster ID]",
		Short: "Examine the set-up: Temporal, the worker, the credential and the API",
		Long: `Examine the set-up and say, a line for each check, what is well (✓), what is not (✗),
what to mend at leisure (!), and what was not checked (–); below what is not well
stands what to do. A worker is asked to examine its own side: its credential, the
way to the API, the permissions. Nothing is changed, and nothing runs on a cluster.

Most permissions are checked on a cluster: the one that --cluster names, or else one
of those that the account has. docs/doctor.md explains each check.

The exit code is 0 when no check failed, 3 when Temporal does not answer, and
otherwise 1.`,
		Example: `  starter doctor
  starter doctor --cluster ehpc-hz-FYUr32`,
		Args: takesNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := doctor.Examine(cmd.Context(), logging.ForTemporal(zap.NewNop()), a.taskQueue, clusterID)
			if err != nil {
				return err
			}
			write := console.WriteExamination
			if asJSON {
				write = console.WriteExaminationJSON
			}
			if err := write(a.stdout, report); err != nil {
				return fmt.Errorf("write the examination: %w", err)
			}
			switch {
			case report.Unreachable():
				return &verdictError{exitUnreachable}
			case report.Failed > 0:
				return errNotSucceeded
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&clusterID, "cluster", "", "examine this cluster too, and check the permissions on it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the checks as JSON")
	return cmd
}
