package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/schedules"
)

func (a *app) schedulePauseCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:     "pause NAME [--note TEXT]",
		Short:   "Keep a schedule from firing until it is resumed",
		Long:    "Keep a schedule from firing until it is resumed. A run of it that goes on does so:\nstarter cancel stops it.",
		Example: `  starter schedule pause nightly --note 'maintenance until Monday'`,
		Args:    oneSchedule("pause"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				if err := schedules.Pause(cmd.Context(), c, args[0], note); err != nil {
					return err
				}
				a.note("schedule %s is paused", args[0])
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, shown with the schedule")
	return cmd
}

func (a *app) scheduleResumeCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:     "resume NAME [--note TEXT]",
		Short:   "Let a paused schedule fire again",
		Long:    "Let a paused schedule fire again. What it did not fire meanwhile is not made up for:\nstarter schedule backfill does.",
		Example: `  starter schedule resume nightly --note 'the disk is replaced'`,
		Args:    oneSchedule("resume"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				if err := schedules.Resume(cmd.Context(), c, args[0], note); err != nil {
					return err
				}
				a.note("schedule %s fires again", args[0])
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, shown with the schedule")
	return cmd
}

func (a *app) scheduleTriggerCommand() *cobra.Command {
	var overlap string
	cmd := &cobra.Command{
		Use:   "trigger NAME",
		Short: "Start the run of a schedule now",
		Long: `Start the run of a schedule now, also when it is paused, and write the name of the run
to stdout. Its times stay as they are.`,
		Example: `  starter schedule trigger nightly`,
		Args:    oneSchedule("trigger"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := schedules.CheckOverlap(overlap); err != nil {
				return usageError{err}
			}
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				triggered, err := schedules.Trigger(cmd.Context(), c, args[0], overlap)
				switch {
				case err != nil:
					return err
				case triggered.Dropped:
					a.note("schedule %s is triggered, and no run of the trigger was seen to begin: it may have been left out because another began meanwhile; see starter schedule show %s", args[0], args[0])
					return nil
				case triggered.Run == "":
					a.note("schedule %s is triggered, and its run has not begun yet: see starter schedule show %s", args[0], args[0])
					return nil
				}
				a.note("run %s of schedule %s is started: starter status %s", triggered.Run, args[0], triggered.Run)
				_, err = a.stdout.Write([]byte(triggered.Run + "\n"))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&overlap, "overlap", "", "when a run of it goes on (default: as the schedule)")
	return cmd
}

func (a *app) scheduleBackfillCommand() *cobra.Command {
	var r schedules.Range
	cmd := &cobra.Command{
		Use:   "backfill NAME --from TIME --to TIME",
		Short: "Make up for firings that were missed",
		Long: `Start the run of a schedule for each time between two at which it would have fired, one
after the other. Times without a zone are of the schedule's. Where a run of one of these
times is known, or may be there, nothing is started at all, for the command would run
again: --again does it nevertheless. It may be there while a run of the schedule goes on,
and when the schedule has a jitter.`,
		Example: `  starter schedule backfill nightly --from '2026-11-23 00:00' --to '2026-11-25 23:59'`,
		Args:    oneSchedule("backfill"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := schedules.CheckOverlap(r.Overlap); err != nil {
				return usageError{err}
			}
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				due, jittered, err := schedules.Backfill(cmd.Context(), c, a.namespace, args[0], r, time.Now())
				switch {
				case err != nil:
					return err
				case jittered:
					a.note("schedule %s makes up for some %d firings: starter schedule show %s", args[0], len(due), args[0])
					return nil
				}
				a.note("schedule %s makes up for %d firings, %s to %s: starter schedule show %s", args[0], len(due),
					schedules.RunName(args[0], due[0]), schedules.RunName(args[0], due[len(due)-1]), args[0])
				return nil
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.From, "from", "", "first time")
	flags.StringVar(&r.To, "to", "", "last time")
	flags.StringVar(&r.Overlap, "overlap", "buffer-all", "when a run of it goes on: skip, buffer-one, buffer-all, cancel-other or allow-all")
	flags.BoolVar(&r.Again, "again", false, "also where a run of the time is known, or may be there")
	flags.SortFlags = false
	return cmd
}

func (a *app) scheduleDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME",
		Short:   "Remove a schedule",
		Long:    "Remove a schedule. Its runs stay; one that goes on does so: starter cancel stops it.",
		Example: `  starter schedule delete nightly`,
		Args:    oneSchedule("delete"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				running, err := schedules.Delete(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				a.note("schedule %s is deleted", args[0])
				if len(running) > 0 {
					a.note("still going on: %s", strings.Join(running, ", "))
				}
				return nil
			})
		},
	}
}
