package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func (a *app) planCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "plan --cluster ID… (--all | --node ID… | --role ROLE… | --from SET:RUN…) [flags] -- COMMAND",
		Short: "Show what a run would do, and change nothing",
		Long: `Show what run would do with the same flags: the nodes, those that are left out or
cannot run a command and why, the commands that would be submitted, the requests to
the API, and the text; of a rollout also the waves, where it pauses, and how many
nodes may fail. It changes nothing on the cluster. The nodes are looked up
through a worker, as they are now; run looks again. Several clusters are planned one
after the other.

The exit code is 0 when the run would start, and 1 when it would be refused.`,
		Example: `  starter plan --cluster ehpc-hz-FYUr32 --role Compute --exclude 'gpu*' -- 'uptime'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withInput(cmd, args, o, "a plan changes nothing", a.plan)
		},
	}
	o.register(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "write the plan as JSON, with every node")
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) plan(ctx context.Context, c client.Client, o runOptions, in workflows.RolloutInput) error {
	if o.several() {
		return a.planClusters(ctx, c, o, o.onClusters(in))
	}
	return a.planOne(ctx, c, o, in)
}

func (a *app) planOne(ctx context.Context, c client.Client, o runOptions, in workflows.RolloutInput) error {
	plan, err := runs.Plan(ctx, c, runs.Place{Namespace: a.namespace, TaskQueue: a.taskQueue}, in)
	if err != nil {
		return err
	}
	write := console.WritePlan
	if o.json {
		write = console.WritePlanJSON
	}
	if err := write(a.stdout, plan); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	if plan.Refused != nil {
		return errNotSucceeded
	}
	return nil
}
