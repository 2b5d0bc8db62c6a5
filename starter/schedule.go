package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/console"
	"ehpcflow/internal/schedules"
)

func (a *app) scheduleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Have runs started by the clock",
		Long: `Have runs started by the clock. A schedule lives in Temporal, which starts its run
under the schedule's name with the time behind it: nightly-2026-11-26T22:00:00Z. Such a
run is one as any other: starter status, cancel, rerun and their like take its name.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("there is no command schedule %q; see starter schedule --help", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.scheduleCreateCommand(), a.scheduleListCommand(), a.scheduleShowCommand(),
		a.schedulePauseCommand(), a.scheduleResumeCommand(), a.scheduleTriggerCommand(), a.scheduleBackfillCommand(), a.scheduleDeleteCommand())
	return cmd
}

func (a *app) scheduleListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the schedules",
		Long:    "List the schedules. Temporal lists a new one, and one that has fired, a moment late.",
		Example: "  starter schedule list --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("list takes no name: use starter schedule show %s", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				entries, err := schedules.List(cmd.Context(), c)
				if err != nil {
					return err
				}
				if asJSON {
					return console.WriteScheduleJSON(a.stdout, entries)
				}
				return console.WriteSchedules(a.stdout, entries)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the list as JSON")
	return cmd
}

func (a *app) scheduleShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show how a schedule stands, and what became of its last runs",
		Example: "  starter schedule show nightly",
		Args:    oneSchedule("show"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				schedule, err := schedules.Read(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return console.WriteScheduleJSON(a.stdout, schedule)
				}
				return console.WriteSchedule(a.stdout, schedule)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write it as JSON")
	return cmd
}

func oneSchedule(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("%s takes the name of one schedule", command)}
		}
		return nil
	}
}
