package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// attended says whether a command is one whose nodes are looked for when they go
// missing. Those of runs that began before that was done are not: their histories
// know nothing of it.
func (c Command) attended() bool { return c.Token != "" || c.Attached }

func (r *RunCommandResult) attended() bool {
	return len(r.Commands) > 0 && r.Commands[0].attended()
}

// missing are the nodes that were promised and are in no listing.
func (r *RunCommandResult) missing() []string {
	var ids []string
	for _, node := range r.Nodes {
		if node.State == activities.Unknown && node.Word == "" && node.Reason == "" {
			ids = append(ids, node.InstanceID)
		}
	}
	return ids
}

// search is when missing nodes are looked for in the cluster: when they have been
// missing for a while, and less and less often as long as the cluster has them.
type search struct {
	at    time.Time // zero when none is missing
	pause time.Duration
}

func (s search) next(now time.Time) search {
	pause := min(max(2*s.pause, missingFor), 16*missingFor)
	return search{at: now.Add(pause), pause: pause}
}

// seekMissing looks for missing nodes when it is due, or time to. Those that are not able to
// run a command any more are lost, and nobody waits for them.
func (r *runCommand) seekMissing(ctx workflow.Context, due bool) error {
	missing := r.status.missing()
	if len(missing) == 0 {
		r.search = search{}
		return nil
	}
	if r.search.at.IsZero() {
		last := r.status.Commands[len(r.status.Commands)-1].SubmittedAt
		r.search.at = last.Add(missingFor)
	}
	if !due && workflow.Now(ctx).Before(r.search.at) {
		return nil
	}
	found, err := r.lookUp(ctx, missing, oneCall)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil: // the other nodes are not to wait for it
		r.search = r.search.next(workflow.Now(ctx))
		return nil
	}
	for _, id := range missing {
		if why := whyLost(id, found); why != "" {
			r.status.lose(id, why)
		}
	}
	if len(r.status.missing()) == 0 {
		r.search = search{}
		return nil
	}
	r.search = r.search.next(workflow.Now(ctx))
	return nil
}

// loseSilent ends the nodes that were not seen to end by the service's deadline, with
// what the cluster says of them.
func (r *runCommand) loseSilent(ctx workflow.Context) error {
	var silent []string
	listed := make(map[string]bool)
	for _, node := range r.status.Nodes {
		if !node.State.Ended() && node.Reason == "" && node.Word == "" {
			silent = append(silent, node.InstanceID)
			listed[node.InstanceID] = node.State != activities.Unknown
		}
	}
	if len(silent) == 0 {
		return nil
	}
	found, err := r.lookUp(ctx, silent, patienceOverdue)
	if err != nil && ctx.Err() != nil {
		return err
	}
	for _, id := range silent {
		why := whyLost(id, found)
		switch {
		case err != nil:
			why = "and the cluster's nodes could not be listed: " + r.sentence(ctx, err)
		case why == "":
			why = "although the cluster says that the node is running"
		}
		how := "silent"
		if !listed[id] {
			how = "not in the service's listing"
		}
		r.status.lose(id, fmt.Sprintf("%s until %v after its timeout, %s", how, deadlineSlack, why))
	}
	return nil
}

func (r *runCommand) lookUp(ctx workflow.Context, ids []string, patience time.Duration) (map[string]activities.Node, error) {
	var listed activities.ListNodesResult
	err := workflow.ExecuteActivity(lookingFor(ctx, patience, shorten("look for "+firstFew(ids), 200)), activity.ListNodes,
		activities.ListNodesInput{ClusterID: r.in.ClusterID, InstanceIDs: ids, SubmittedAt: r.status.SubmittedAt}).Get(ctx, &listed)
	found := make(map[string]activities.Node, len(listed.Nodes))
	for _, node := range listed.Nodes {
		found[node.InstanceID] = node
	}
	return found, err
}

// whyLost says why nothing more is to be expected of a node; "" when something is.
func whyLost(id string, found map[string]activities.Node) string {
	node, there := found[id]
	switch {
	case !there:
		return "the node is no longer in the cluster: it was released"
	case node.Unfit == "recycling":
		return "the node is being recycled, as a spot instance"
	case node.Unfit != "":
		return "the cluster says that the node is " + node.Unfit
	}
	return ""
}

func (r *RunCommandResult) lose(id, why string) {
	node := r.node(id)
	node.State, node.Word, node.Reason = activities.Lost, "", why
}

// loseGone ends the nodes of commands that the service no longer knows.
func (r *RunCommandResult) loseGone(ids []string) {
	for i := range r.Commands {
		command := &r.Commands[i]
		for _, id := range ids {
			if command.CommandID != id {
				continue
			}
			command.Gone = true
			r.addReason(fmt.Sprintf("the service no longer knows command %s", id))
			for _, status := range r.nodesOf(*command) {
				if !status.State.Ended() {
					r.lose(status.InstanceID, "the service no longer knows the command; what became of it here is not known")
				}
			}
		}
	}
}
