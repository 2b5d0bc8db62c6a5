package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// resolution is what a target comes to.
type resolution struct {
	nodes   activities.Nodes // to submit to
	skipped activities.Nodes // that were meant and cannot run a command
	leftOut activities.Nodes // that are not meant, where they were asked for

	// cluster says what there was to select from; nil where nothing was.
	cluster *activities.ClusterNodes

	// refusal says why nothing may be started; nil when it may.
	refusal *Refusal
}

// resolve finds out which nodes a target means. Single nodes are taken as they are,
// without a look at the cluster. Whole asks for everything that a plan shows.
func resolve(ctx workflow.Context, patience time.Duration, clusterID string, t Target, whole bool) (resolution, error) {
	if !t.All && t.Select == nil {
		named := resolution{}
		for _, id := range t.Nodes {
			named.nodes = append(named.nodes, activities.Node{InstanceID: id})
		}
		return named, ctx.Err()
	}
	var listed activities.ListNodesResult
	err := workflow.ExecuteActivity(beforeSubmit(ctx, patience, "nodes of "+clusterID), activity.ListNodes,
		activities.ListNodesInput{ClusterID: clusterID, Select: t.Select, Whole: whole}).Get(ctx, &listed)
	if err != nil {
		return resolution{}, err
	}
	return t.settle(clusterID, listed), nil
}

// settle decides what becomes of the nodes that were listed.
func (t Target) settle(clusterID string, listed activities.ListNodesResult) resolution {
	to := resolution{leftOut: listed.LeftOut, cluster: listed.Cluster}
	var unfit []string
	for _, node := range listed.Nodes {
		if node.Unfit != "" {
			unfit = append(unfit, fmt.Sprintf("%s is %s", node.InstanceID, node.Unfit))
		}
		if node.Unfit != "" && t.SkipUnfit {
			to.skipped = append(to.skipped, node)
		} else {
			to.nodes = append(to.nodes, node)
		}
	}
	code := ""
	var problems []string
	refuse := func(why, format string, args ...any) {
		if code == "" {
			code = why
		}
		problems = append(problems, fmt.Sprintf(format, args...))
	}
	there := ""
	switch {
	case t.Select != nil && listed.Cluster == nil: // these are all nodes, not those that are meant
		to.refusal = outdated(clusterID, "cannot choose among them")
		return to
	case t.Select != nil && len(t.Select.Queues) > 0 && len(listed.Cluster.Queues) == 0: // and these, those of every queue
		to.refusal = outdated(clusterID, "cannot choose them by queue")
		return to
	case listed.Cluster != nil:
		there = clusterText(*listed.Cluster)
	}
	if len(listed.Unmatched) > 0 {
		refuse(ErrNoNodes, "nothing in cluster %s matches %s; it has %s: correct that, or leave it out", clusterID, firstFew(listed.Unmatched), there)
	}
	switch {
	case len(listed.Nodes) == 0 && (t.All || listed.Cluster != nil && listed.Cluster.Nodes == 0):
		refuse(ErrUnfitNodes, "cluster %s has no nodes", clusterID)
	case len(listed.Nodes) == 0 && len(listed.Unmatched) > 0: // which says it
	case len(listed.Nodes) == 0:
		refuse(ErrNoNodes, "no node of cluster %s matches all of what was asked for (%s); it has %s", clusterID, t, there)
	case len(unfit) > 0 && t.All:
		refuse(ErrUnfitNodes, "not every node of cluster %s can run a command (%s); name those that can, bring the others up, or skip them (--skip-unfit)",
			clusterID, firstFew(unfit))
	case len(unfit) > 0 && !t.SkipUnfit:
		refuse(ErrUnfitNodes, "not every node that matches can run a command (%s); bring them up, exclude them, or skip them (--skip-unfit)", firstFew(unfit))
	case len(to.nodes) == 0:
		refuse(ErrUnfitNodes, "no node that matches can run a command (%s); bring some up", firstFew(unfit))
	}
	switch {
	case len(listed.Nodes) > MaxNodes && t.All:
		refuse(ErrInvalidInput, "cluster %s has %d nodes, a run takes %d; name them in several runs", clusterID, len(listed.Nodes), MaxNodes)
	case len(listed.Nodes) > MaxNodes:
		refuse(ErrInvalidInput, "%d nodes match, a run takes %d; select fewer in several runs", len(listed.Nodes), MaxNodes)
	}
	if code != "" {
		to.refusal = &Refusal{Code: code, Message: strings.Join(problems, "; ")}
	}
	return to
}

// outdated refuses what a worker has listed that does not know how to choose.
func outdated(clusterID, cannot string) *Refusal {
	return &Refusal{ErrNoNodes, "the worker that listed the nodes of cluster " + clusterID + " " + cannot +
		": bring every worker of the task queue up to date"}
}

// resolve freezes the target to the list of nodes that the run is about. Those that
// are skipped stand at its end.
func (r *runCommand) resolve(ctx workflow.Context) error {
	r.enter(ctx, Resolving)
	to, err := resolve(ctx, r.patience(ctx, patienceBefore), r.in.ClusterID, r.in.Target, false)
	for _, node := range to.nodes {
		r.status.Nodes = append(r.status.Nodes, NodeResult{
			InstanceID: node.InstanceID, HostName: node.HostName, State: activities.Pending,
		})
	}
	r.asked = len(r.status.Nodes)
	var skipped []string
	for _, node := range to.skipped {
		r.status.Nodes = append(r.status.Nodes, NodeResult{
			InstanceID: node.InstanceID, HostName: node.HostName, State: activities.Skipped,
			Reason: "it cannot run a command: the cluster says that it is " + node.Unfit,
		})
		skipped = append(skipped, fmt.Sprintf("%s is %s", node.InstanceID, node.Unfit))
	}
	if len(skipped) > 0 {
		r.status.addReason(fmt.Sprintf("skipped %s that cannot run a command: %s", Nodes(len(skipped)), firstFew(skipped)))
	}
	if err == nil && to.refusal != nil {
		err = temporal.NewNonRetryableApplicationError("nothing was started: "+to.refusal.Message, to.refusal.Code, nil)
	}
	return err
}
