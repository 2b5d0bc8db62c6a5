package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// resolve freezes the target to the list of nodes that the run is about.
func (r *runCommand) resolve(ctx workflow.Context) error {
	r.enter(ctx, Resolving)
	if !r.in.Target.All {
		for _, id := range r.in.Target.Nodes {
			r.status.Nodes = append(r.status.Nodes, NodeResult{InstanceID: id, State: activities.Pending})
		}
		return ctx.Err()
	}
	var listed activities.ListNodesResult
	err := workflow.ExecuteActivity(beforeSubmit(ctx, r.patience(ctx, patienceBefore), "nodes of "+r.in.ClusterID), activity.ListNodes,
		activities.ListNodesInput{ClusterID: r.in.ClusterID}).Get(ctx, &listed)
	if err != nil {
		return err
	}
	var unfit []string
	for _, node := range listed.Nodes {
		r.status.Nodes = append(r.status.Nodes, NodeResult{
			InstanceID: node.InstanceID, HostName: node.HostName, State: activities.Pending,
		})
		if node.Unfit != "" {
			unfit = append(unfit, fmt.Sprintf("%s is %s", node.InstanceID, node.Unfit))
		}
	}
	refuse := func(code, format string, args ...any) error {
		return temporal.NewNonRetryableApplicationError("nothing was started: "+fmt.Sprintf(format, args...), code, nil)
	}
	switch {
	case len(unfit) > 0:
		return refuse(ErrUnfitNodes, "not every node of cluster %s can run a command (%s); name those that can, or bring the others up",
			r.in.ClusterID, firstFew(unfit))
	case len(listed.Nodes) == 0:
		return refuse(ErrUnfitNodes, "cluster %s has no nodes", r.in.ClusterID)
	case len(listed.Nodes) > MaxNodes:
		return refuse(ErrInvalidInput, "cluster %s has %d nodes, a run takes %d; name them in several runs",
			r.in.ClusterID, len(listed.Nodes), MaxNodes)
	}
	return nil
}
