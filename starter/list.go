package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

type listOptions struct {
	query        runs.Query
	since, until string
	json         bool
}

func (a *app) listCommand() *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List runs, the newest first, by cluster, verdict, time, text and more",
		Long: `List runs, the newest first. Each flag narrows the list; of a flag with several values
one has to fit. Times of day are in UTC.

A run that was started a moment ago may not be listed yet. Runs from before starter
setup are listed without what a search attribute would tell, and no flag but --state,
--since, --until and --text finds them.`,
		Example: `  starter list --state running
  starter list --cluster ehpc-hz-FYUr32 --verdict partial,failed,error --since 24h
  starter list --phase parked,waiting
  starter list --top --since 24h
  starter list --text nvidia-smi --limit 100 --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("list takes only flags: to search for %q, use --text", strings.Join(args, " "))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.read(time.Now()); err != nil {
				return err
			}
			return a.withTemporal(cmd.Context(), func(c client.Client) error { return a.list(cmd.Context(), c, o) })
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.query.Clusters, "cluster", nil, "cluster ids, with commas")
	flags.StringSliceVar(&o.query.Verdicts, "verdict", nil, "verdicts: pending, succeeded, partial, failed, gone, aborted, cancelled, parked, error")
	flags.StringSliceVar(&o.query.Phases, "phase", nil, "phases: resolving, watching, parked, rolling, waiting, draining, stopping, ended")
	flags.StringVar(&o.query.State, "state", "", "running or ended")
	flags.StringVar(&o.query.User, "user", "", "who started the run, such as ann@login1")
	flags.StringVar(&o.since, "since", "", "started since then: so long ago, such as 90m or 24h, or a time such as 2026-11-24T08:00:00Z")
	flags.StringVar(&o.until, "until", "", "started before then, in the same way")
	flags.StringVar(&o.query.Text, "text", "", "text in the command or in the run's name, upper or lower case")
	flags.StringVar(&o.query.Parent, "parent", "", "run that it is a rerun of, or that it is a part of: a pipeline, whose steps these are, or a run on several clusters")
	flags.BoolVar(&o.query.Top, "top", false, "no runs that are a part of another: no steps of pipelines, no clusters of a run on several")
	flags.StringVar(&o.query.CommandID, "command-id", "", "id of a command of the run, one of its first 20")
	flags.IntVar(&o.query.Limit, "limit", 20, fmt.Sprintf("list so many at most, up to %d", runs.MostListed))
	flags.BoolVar(&o.json, "json", false, "write the list as JSON")
	flags.SortFlags = false
	return cmd
}

// read reads the times, and says everything that is wrong with the flags.
func (o *listOptions) read(now time.Time) error {
	var problems []string
	for _, flag := range []struct {
		name, text string
		into       *time.Time
	}{{"since", o.since, &o.query.Since}, {"until", o.until, &o.query.Until}} {
		at, ok := readTime(flag.text, now)
		if !ok {
			problems = append(problems, fmt.Sprintf(
				"%q is no time: say how long ago, such as 90m or 24h, or when, such as 2026-11-24T08:00:00Z (--%s)", flag.text, flag.name))
		}
		*flag.into = at
	}
	if problems = append(problems, o.query.Problems()...); len(problems) > 0 {
		return &workflows.InputError{Problems: problems}
	}
	return nil
}

// readTime reads a time, or how long before now it is. "" is no time.
func readTime(text string, now time.Time) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), true
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

func (a *app) list(ctx context.Context, c client.Client, o listOptions) error {
	list, err := runs.ReadList(ctx, c, o.query)
	if err != nil {
		return err
	}
	write := console.WriteList
	if o.json {
		write = console.WriteListJSON
	}
	if err := write(a.stdout, list); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	switch {
	case len(list.Runs) == 0:
		a.note("no run fits; one that was started a moment ago may not be listed yet")
	case list.More:
		a.note("the newest %d are listed, there are more: use --limit, or narrow the list", len(list.Runs))
	}
	return nil
}
