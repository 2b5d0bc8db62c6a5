package main

import (
	"github.com/spf13/cobra"

	"ehpcflow/workflows"
)

// targetOptions are the flags that choose nodes.
type targetOptions struct {
	all       bool
	nodes     []string
	roles     []string
	queues    []string
	hosts     []string
	statuses  []string
	excludes  []string
	skipUnfit bool
}

func (o *targetOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.all, "all", false, "run on every node of the cluster")
	flags.StringArrayVar(&o.nodes, "node", nil, "run on this node, by instance id; may be repeated, as may the next five")
	flags.StringArrayVar(&o.roles, "role", nil, "run on the nodes of this role only: Compute, Login, Manager, or another word of the cluster")
	flags.StringArrayVar(&o.queues, "queue", nil, "run on the nodes only that serve this queue of the scheduler")
	flags.StringArrayVar(&o.hosts, "host", nil, "run on the nodes only whose host name is like this: 'compute0*'")
	flags.StringArrayVar(&o.statuses, "status", nil, "run on the nodes of this status only: running, or another word of the cluster")
	flags.StringArrayVar(&o.excludes, "exclude", nil, "do not run on this node, by instance id, or on those whose host name is like this")
	flags.BoolVar(&o.skipUnfit, "skip-unfit", false, "skip chosen nodes that are not running or are held back (default: such a node refuses the run)")
}

// target is what the flags choose. Only what a selector says needs a look at the
// cluster: named nodes alone are taken as they are.
func (o *targetOptions) target() workflows.Target {
	if len(o.roles)+len(o.queues)+len(o.hosts)+len(o.statuses)+len(o.excludes) == 0 && !o.skipUnfit {
		return workflows.Target{All: o.all, Nodes: o.nodes}
	}
	return workflows.Target{
		Select: &workflows.Selector{
			All: o.all, InstanceIDs: o.nodes, Roles: o.roles, Queues: o.queues, HostNames: o.hosts, Statuses: o.statuses, Excludes: o.excludes,
		},
		SkipUnfit: o.skipUnfit,
	}
}
