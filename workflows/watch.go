package workflows

import (
	"cmp"
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// Continuation is what a run goes on from when its history has grown long.
type Continuation struct {
	Status RunCommandStatus `json:"status"`

	// Unpacked are the commands whose nodes have to be named to their watch.
	Unpacked []string `json:"unpacked,omitempty"`
}

// watch follows the commands until every node has ended or the deadline is past.
func (r *runCommand) watch(ctx workflow.Context) error {
	for !r.status.commandsEnded() {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return r.continueAsNew(ctx)
		}
		r.enter(ctx, Watching)
		in := r.watchInput()
		timeout := in.Deadline.Sub(workflow.Now(ctx))
		var seen activities.ListInvocationStatusResult
		err := workflow.ExecuteActivity(watching(ctx, timeout, r.patience(ctx, timeout+patienceAfter), r.status.watchSummary()),
			activity.ListInvocationStatus, in).Get(ctx, &seen)
		if r.pastDeadline(ctx, err) {
			r.status.overdue(r.deadlineText())
			var application *temporal.ApplicationError
			if errors.As(err, &application) {
				r.status.addReason("the last look: " + application.Message())
			}
			return nil
		}
		if err != nil {
			return err
		}
		r.apply(seen)
		if seen.DeadlinePassed && !r.status.commandsEnded() {
			r.status.overdue(r.overdueReason(ctx))
			return nil
		}
	}
	return nil
}

// watchInput says what to watch: the only command of a run with its nodes, or all
// that still run with their nodes packed.
func (r *runCommand) watchInput() activities.ListInvocationStatusInput {
	first, last := r.status.Commands[0], r.status.Commands[len(r.status.Commands)-1]
	in := activities.ListInvocationStatusInput{
		ClusterID: r.in.ClusterID,
		Milestones: activities.Milestones{
			SubmittedAt: first.SubmittedAt,
			KilledAt:    last.SubmittedAt.Add(r.in.timeout()),
		},
		Deadline: last.SubmittedAt.Add(r.in.timeout() + deadlineSlack),
	}
	if r.in.ExpectedSeconds > 0 {
		in.ExpectedAt = first.SubmittedAt.Add(seconds(r.in.ExpectedSeconds))
	}
	if deadline := r.deadline(); !deadline.IsZero() && deadline.Before(in.Deadline) {
		in.Deadline = deadline
	}
	if len(r.status.Commands) == 1 {
		in.CommandID, in.Nodes = first.CommandID, r.status.nodesOf(first)
		return in
	}
	for _, command := range r.status.Commands {
		watched := activities.WatchedCommand{
			CommandID: command.CommandID, SubmittedAt: command.SubmittedAt, Nodes: r.status.nodesOf(command),
		}
		if watched.Nodes.Ended() {
			continue
		}
		if !r.unpacked[command.CommandID] {
			watched = watched.Pack()
		}
		in.Commands = append(in.Commands, watched)
	}
	return in
}

// apply takes what a watch saw.
func (r *runCommand) apply(seen activities.ListInvocationStatusResult) {
	for _, now := range seen.Changed {
		node := r.status.node(now.InstanceID)
		switch {
		case node == nil:
			now.CommandID = cmp.Or(now.CommandID, r.status.CommandID)
			r.status.addUnasked(now)
		case !node.State.Ended():
			node.State, node.Word = now.State, now.Word
		}
	}
	for _, id := range seen.Unmatched {
		r.unpacked[id] = true
	}
	r.logger.Info("nodes changed", "CommandID", r.status.CommandID, "Changed", len(seen.Changed))
}

// overdueReason says which deadline passed.
func (r *runCommand) overdueReason(ctx workflow.Context) string {
	if deadline := r.deadline(); !deadline.IsZero() && !workflow.Now(ctx).Before(deadline) {
		return r.deadlineText()
	}
	return fmt.Sprintf("the deadline passed, %v after the timeout", deadlineSlack)
}

// continueAsNew goes on with a short history, under the same name.
func (r *runCommand) continueAsNew(ctx workflow.Context) error {
	in := r.in
	in.Target = Target{} // the nodes are in the status
	in.Continued = &Continuation{Status: r.status}
	for _, command := range r.status.Commands {
		if r.unpacked[command.CommandID] {
			in.Continued.Unpacked = append(in.Continued.Unpacked, command.CommandID)
		}
	}
	return workflow.NewContinueAsNewError(ctx, RunCommand, in)
}

func (r *runCommand) resume(c Continuation) {
	r.status = c.Status
	for _, id := range c.Unpacked {
		r.unpacked[id] = true
	}
}

// overdue marks what was not seen to end by the deadline.
func (r *RunCommandResult) overdue(reason string) {
	var running []string
	for i := range r.Nodes {
		node := &r.Nodes[i]
		switch {
		case node.State.Ended():
			continue
		case node.Reason != "": // nobody knows whether it was started there
			continue
		case node.State == activities.Unknown && node.Word == "":
			node.State, node.Reason = activities.Lost, "not in the service's listing up to the deadline"
		default:
			node.Reason = "not seen to end by the deadline; it may still be running"
		}
		running = append(running, node.InstanceID)
	}
	r.addReason(fmt.Sprintf("%s before every node was seen to end; the command may still be running on %d of %s: %s",
		reason, len(running), Nodes(len(r.Nodes)), firstFew(running)))
}
