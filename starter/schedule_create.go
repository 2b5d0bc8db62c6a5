package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
	"ehpcflow/internal/schedules"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/workflows"
)

func (a *app) scheduleCreateCommand() *cobra.Command {
	var o runOptions
	var plan schedules.Plan
	cmd := &cobra.Command{
		Use:   "create NAME (--cron TEXT | --every LENGTH | --at TIME)… --cluster ID… [flags of run] -- COMMAND",
		Short: "Have a run started by the clock",
		Long: `Have a run started by the clock, with the flags of starter run: a plain run, a rollout,
or one on several clusters. Nodes are chosen anew each time.

Everything is checked now, as far as it can be without the cluster, and nothing is
created unless all of it is right. A run of a schedule fails for Temporal too unless
its verdict is succeeded, so that the Web UI and --pause-on-failure see it.

--cron takes five fields, minute hour day month weekday, or seven with seconds before
and a year behind them; a day and a weekday have to fit both. --every takes a length of
time, and behind a slash how long past it: 6h/30m. --at takes a single time. Each may be
repeated, and together they are all of these times.

When a run is due while the one before goes on, --overlap decides:
  skip          the new one is left out (default)
  buffer-one    one waits for the end
  buffer-all    each waits for its turn
  cancel-other  the one that goes on is cancelled, its command stopped, then the new starts
  allow-all     both run`,
		Example: `  starter schedule create nightly --cron '0 22 * * *' --time-zone Asia/Shanghai --cluster ehpc-hz-FYUr32 --all -- 'df -h /'
  starter schedule create patch --every 24h/2h --pause-on-failure --cluster ehpc-hz-FYUr32 --role Compute --waves 1,10%,100% --max-failures 5% -- /mnt/nas/patch.sh`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.createSchedule(cmd, args, o, plan)
		},
	}
	flags := cmd.Flags()
	registerPlan(flags, &plan)
	o.register(cmd)
	flags.StringVar(&o.id, "id", "", "")
	for _, senseless := range []string{"id", "from"} {
		_ = flags.MarkHidden(senseless) // it is there, see above
	}
	flags.SortFlags = false
	return cmd
}

// registerPlan adds the flags that say when a schedule fires, and what it does then.
func registerPlan(flags *pflag.FlagSet, plan *schedules.Plan) {
	flags.StringArrayVar(&plan.Crons, "cron", nil, "fire at these times, such as '0 22 * * *'")
	flags.StringArrayVar(&plan.Every, "every", nil, "fire every so often, such as 6h or 6h/30m")
	flags.StringArrayVar(&plan.At, "at", nil, "fire once, at a time such as '2026-12-24 22:00'")
	flags.StringVar(&plan.TimeZone, "time-zone", "", "time zone of --cron, and of times that name none, such as Asia/Shanghai (default UTC)")
	flags.DurationVar(&plan.Jitter, "jitter", 0, "put each firing off by up to this, by chance (default: not at all)")
	flags.StringVar(&plan.Overlap, "overlap", "skip", "when the run before goes on: skip, buffer-one, buffer-all, cancel-other or allow-all")
	flags.DurationVar(&plan.CatchUp, "catch-up", schedules.DefaultCatchUp, "start what was missed while Temporal was down when it is no later than this, 10s or more")
	flags.BoolVar(&plan.PauseOnFailure, "pause-on-failure", false, "pause the schedule when a run of it did not succeed")
	flags.StringVar(&plan.Start, "start", "", "do not fire before this time")
	flags.StringVar(&plan.End, "end", "", "do not fire after this time")
	flags.BoolVar(&plan.Paused, "paused", false, "create it paused")
	flags.StringVar(&plan.Note, "note", "", "text shown with the schedule")
}

// createSchedule says everything that is wrong at once, before Temporal is asked.
func (a *app) createSchedule(cmd *cobra.Command, args []string, o runOptions, plan schedules.Plan) error {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	flags := cmd.Flags()
	if flags.Changed("id") {
		problem("--id is not for a schedule: its runs are named after it, with the time behind")
	}
	if flags.Changed("from") {
		problem("--from is not for a schedule: the nodes of a past run are those of one time; choose nodes by --role, --queue, --host or --status, which is looked up each time")
	}
	if wrong := catchUpProblem(flags, plan); wrong != "" {
		problem("%s", wrong)
	}
	o.id, o.from, o.failRun = "", nil, true

	names, words, dash := args, []string(nil), -1
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		names, words, dash = args[:at], args[at:], 0
	}
	name := ""
	if len(names) > 0 {
		name = names[0]
	}
	if len(names) > 1 {
		problem("%q stands before --: the command comes after it, one name and flags before it", names[1])
	}
	options, wrong := plan.Options(name, time.Now())
	in, err := o.input(words, dash)
	if err := together(append(problems, wrong...), err); err != nil {
		return err
	}
	launch := runs.LaunchOf(in)
	if o.several() {
		launch = runs.ClustersLaunchOf(o.onClusters(in))
	}
	return a.createdUnlessInterrupted(cmd.Context(), options, launch)
}

// catchUpProblem is what is wrong with a catch-up window that was given as none; "" is
// nothing.
func catchUpProblem(flags *pflag.FlagSet, plan schedules.Plan) string {
	if flags.Changed("catch-up") && plan.CatchUp == 0 {
		return fmt.Sprintf("--catch-up is 0s, the least that Temporal takes is %v", schedules.MinCatchUp)
	}
	return ""
}

// createdUnlessInterrupted creates a schedule, and says of an interrupt that it may have.
func (a *app) createdUnlessInterrupted(ctx context.Context, options client.ScheduleOptions, launch runs.Launch) error {
	err := a.withTemporal(ctx, func(c client.Client) error { return a.putSchedule(ctx, c, options, launch) })
	if errors.Is(err, context.Canceled) {
		a.note("interrupted; see starter schedule show %s for whether it was created", options.ID)
		return errInterrupted
	}
	return err
}

// putSchedule creates a schedule and says what comes of it.
func (a *app) putSchedule(ctx context.Context, c client.Client, options client.ScheduleOptions, launch runs.Launch) error {
	if err := schedules.Create(ctx, c, runs.Place{Namespace: a.namespace, TaskQueue: a.taskQueue}, options, launch); err != nil {
		return err
	}
	a.note("schedule %s is created: starter schedule show %s", options.ID, options.ID)
	served, err := taskqueue.Served(ctx, c, a.taskQueue)
	if err == nil && !served {
		a.note("no worker serves task queue %q now: a run that it starts waits until one does", a.taskQueue)
	}
	return nil
}

// failUnless is what the input says of a run that is to fail for Temporal too.
func (o runOptions) failUnless() workflows.FailUnless {
	if o.failRun {
		return workflows.FailUnless(workflows.Succeeded)
	}
	return ""
}
