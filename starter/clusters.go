package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// clusterOptions are the flags that choose clusters.
type clusterOptions struct {
	clusters  []string
	atOnce    int
	onFailure string
}

func (o *clusterOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.clusters, "cluster", nil, "id of the cluster; may be repeated, for a run on several")
	flags.IntVar(&o.atOnce, "clusters-at-once", workflows.MaxClustersAtOnce, "of several clusters, how many may run at a time, at most 20")
	flags.StringVar(&o.onFailure, "on-cluster-failure", string(workflows.ContinueOthers),
		"when one of several clusters did not succeed: continue with the others, or hold those that wait")
}

// several says whether a run on several clusters is meant.
func (o *clusterOptions) several() bool { return len(o.clusters) > 1 }

// one is the id of the only cluster; "" of none.
func (o *clusterOptions) one() string {
	if len(o.clusters) != 1 {
		return ""
	}
	return o.clusters[0]
}

// clusterProblems are what is wrong with the flags beside the clusters.
func (o *clusterOptions) clusterProblems(id string) []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if o.several() && len(id) > workflows.MaxClustersName {
		problem("--id has %d bytes, with the name of a cluster behind it Temporal takes %d: give a shorter name", len(id), workflows.MaxClustersName)
	}
	if o.atOnce == 0 {
		problem("--clusters-at-once is 0: use 1 or more")
	}
	if !o.several() && !slices.Contains([]workflows.OnFailure{workflows.ContinueOthers, workflows.HoldOthers}, workflows.OnFailure(o.onFailure)) {
		problem("--on-cluster-failure is %q: use %s or %s", o.onFailure, workflows.ContinueOthers, workflows.HoldOthers)
	}
	return problems
}

// onClusters makes the input of a run on several clusters.
func (o runOptions) onClusters(each workflows.RolloutInput) workflows.ClustersInput {
	in := workflows.ClustersInput{Run: each, AtOnce: o.atOnce, OnFailure: workflows.OnFailure(o.onFailure)}
	in.FailUnless, in.Run.FailUnless = each.FailUnless, ""
	in.Run.From = o.from // nothing takes them, and the input says so
	for _, id := range o.clusters {
		in.Clusters = append(in.Clusters, workflows.ClusterTarget{ClusterID: id})
	}
	return in
}

func (a *app) runOnClusters(ctx context.Context, c client.Client, id string, o runOptions, in workflows.ClustersInput) error {
	if err := runs.StartClusters(ctx, c, runs.Place{Namespace: a.namespace, TaskQueue: a.taskQueue}, id, in); err != nil {
		var unreachable *connect.UnreachableError
		if ctx.Err() != nil && errors.As(err, &unreachable) {
			a.note("interrupted; %v", err)
			return errInterrupted
		}
		return err
	}
	a.note("run %s on %d clusters", id, len(in.Clusters))
	report, err := a.followClusters(ctx, c, id)
	if err != nil {
		return err
	}
	return a.printClusters(report, o.json)
}

// followClusters shows how a run on several clusters comes along until it has ended.
func (a *app) followClusters(ctx context.Context, c client.Client, id string) (runs.ClustersReport, error) {
	progress := console.NewClustersProgress(a.stderr)
	report, err := runs.FollowClusters(ctx, c, id, progress.Show)
	progress.Close()
	switch {
	case ctx.Err() != nil:
		a.note("interrupted; the run goes on. See how it stands: starter status %s; stop it on every cluster: starter cancel %s", id, id)
		return report, errInterrupted
	case err != nil:
		a.note("the run goes on. See how it stands: starter status %s", id)
	}
	return report, err
}

// printClusters writes a report to stdout and turns its outcome into the command's.
func (a *app) printClusters(report runs.ClustersReport, asJSON bool) error {
	write := console.WriteClusters
	if asJSON {
		write = console.WriteClustersJSON
	}
	if err := write(a.stdout, report); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if code := endCode(report.State, report.Verdict); code != exitSucceeded {
		return &verdictError{code}
	}
	return nil
}

// showClusters shows how a run on several clusters stands.
func (a *app) showClusters(ctx context.Context, c client.Client, id string, asJSON bool) error {
	report, err := runs.ReadClusters(ctx, c, id)
	if err != nil {
		return err
	}
	return a.printClusters(report, asJSON)
}

// followCancelledClusters waits until every cluster has stopped.
func (a *app) followCancelledClusters(ctx context.Context, c client.Client, id string, asJSON bool) error {
	report, err := a.followClusters(ctx, c, id)
	if err != nil {
		return err
	}
	err = a.printClusters(report, asJSON)
	if errors.Is(err, errNotSucceeded) && report.State == runs.Canceled && report.Stopped() {
		return nil // it was to be stopped, and is
	}
	return err
}

// planClusters plans one cluster after the other. What goes wrong with one is said, and
// the others are planned.
func (a *app) planClusters(ctx context.Context, c client.Client, o runOptions, in workflows.ClustersInput) error {
	var worst error
	for i, cluster := range in.Clusters {
		if i > 0 && !o.json {
			fmt.Fprintln(a.stdout)
		}
		err := a.planOne(ctx, c, o, in.RunOf(cluster))
		var plan *runs.PlanError
		switch {
		case errors.As(err, &plan):
			a.note("starter: %s: %v", cluster.ClusterID, err)
			worst = errNotSucceeded
		case errors.Is(err, errNotSucceeded):
			worst = err
		case err != nil:
			return err
		}
	}
	return worst
}
