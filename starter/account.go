package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func (a *app) accountCommands() []*cobra.Command {
	return []*cobra.Command{a.clustersCommand(), a.nodesCommand(), a.commandsCommand()}
}

func (a *app) clustersCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "clusters",
		Short: "List the clusters of the account",
		Long: `List the clusters of the account in the worker's region. They are looked up
through a worker, for starter holds no credential.`,
		Example: `  starter clusters
  starter clusters --json`,
		Args: takesNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.askAccount(cmd.Context(), func(ctx context.Context, c client.Client, place runs.Place) error {
				listed, err := runs.Clusters(ctx, c, place)
				return written(a.stdout, listed, err, asJSON, console.WriteClusterList, console.WriteClusterListJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the clusters as JSON")
	return cmd
}

func (a *app) nodesCommand() *cobra.Command {
	var asJSON bool
	var in workflows.ShowNodesInput
	var chosen workflows.Selector
	cmd := &cobra.Command{
		Use:   "nodes --cluster ID [flags]",
		Short: "List the nodes of a cluster",
		Long: `List the nodes of a cluster, all or those that the flags choose as they do of run.
They are looked up through a worker, as they are now.

Which nodes serve a queue is looked up for the queues that --queue names only.`,
		Example: `  starter nodes --cluster ehpc-hz-FYUr32
  starter nodes --cluster ehpc-hz-FYUr32 --role Compute --status stopped --json`,
		Args: takesNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(chosen.Roles)+len(chosen.Queues)+len(chosen.HostNames)+len(chosen.Statuses) > 0 {
				in.Select = &chosen
			}
			if err := in.Validate(); err != nil {
				return err
			}
			return a.askAccount(cmd.Context(), func(ctx context.Context, c client.Client, place runs.Place) error {
				listed, err := runs.Nodes(ctx, c, place, in)
				return written(a.stdout, listed, err, asJSON, console.WriteNodeList, console.WriteNodeListJSON)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&in.ClusterID, "cluster", "", "id of the cluster")
	flags.StringArrayVar(&chosen.Roles, "role", nil, "nodes of this role only: Compute, Login, Manager, or another word of the cluster; may be repeated, as may the next three")
	flags.StringArrayVar(&chosen.Queues, "queue", nil, "nodes only that serve this queue of the scheduler")
	flags.StringArrayVar(&chosen.HostNames, "host", nil, "nodes only whose host name is like this: 'compute0*'")
	flags.StringArrayVar(&chosen.Statuses, "status", nil, "nodes of this status only: running, stopped, or another word of the cluster")
	flags.BoolVar(&asJSON, "json", false, "write the nodes as JSON")
	flags.SortFlags = false
	return cmd
}

func (a *app) commandsCommand() *cobra.Command {
	var asJSON bool
	var in workflows.ShowCommandsInput
	cmd := &cobra.Command{
		Use:   "commands --cluster ID [flags]",
		Short: "List the commands that a cluster was given, by whomever",
		Long: fmt.Sprintf(`List the commands that a cluster was given, by ehpcflow or by others, in the order
of the service. They are looked up through a worker. Their texts pass through
Temporal, as those of runs do; of each the first 300 characters.

The service tells neither when a command was submitted, nor by whom, nor how it
stands. Those that ehpcflow submitted are known by the token in their text, unless
they were submitted as they are (--raw). At most %d are listed.`, workflows.MaxListedCommands),
		Example: `  starter commands --cluster ehpc-hz-FYUr32 --limit 50`,
		Args:    takesNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := in.Validate(); err != nil {
				return err
			}
			return a.askAccount(cmd.Context(), func(ctx context.Context, c client.Client, place runs.Place) error {
				listed, err := runs.Commands(ctx, c, place, in)
				return written(a.stdout, listed, err, asJSON, console.WriteCommandList, console.WriteCommandListJSON)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&in.ClusterID, "cluster", "", "id of the cluster")
	flags.IntVar(&in.Limit, "limit", 20, "list this many at most")
	flags.BoolVar(&asJSON, "json", false, "write the commands as JSON")
	flags.SortFlags = false
	return cmd
}

// takesNothing refuses words beside the flags.
func takesNothing(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes only flags, and no %q; see %s --help", cmd.Name(), args[0], cmd.CommandPath())}
	}
	return nil
}

// askAccount has a worker list something of the account, which starter cannot ask itself.
func (a *app) askAccount(ctx context.Context, list func(context.Context, client.Client, runs.Place) error) error {
	return a.withTemporal(ctx, func(c client.Client) error {
		return list(ctx, c, runs.Place{Namespace: a.namespace, TaskQueue: a.taskQueue})
	})
}

// written writes what was listed, unless it was not.
func written[T any](out io.Writer, listed T, err error, asJSON bool, forPeople, forMachines func(io.Writer, T) error) error {
	if err != nil {
		return err
	}
	if asJSON {
		forPeople = forMachines
	}
	if err := forPeople(out, listed); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}
