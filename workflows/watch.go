package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// Continuation is what a run goes on from when its history has grown long.
type Continuation struct {
	Status RunCommandStatus `json:"status"`

	// Unpacked are the commands whose nodes have to be named to their watch.
	Unpacked []string `json:"unpacked,omitempty"`

	// InDoubt are the submits of which it is not known whether they started a command.
	InDoubt []Command `json:"inDoubt,omitempty"`

	// Collected are the commands whose results were read.
	Collected []string `json:"collected,omitempty"`
}

// watch follows the commands until every node has ended or the deadline is past.
func (r *runCommand) watch(ctx workflow.Context) error {
	for !r.status.commandsEnded() {
		switch {
		case r.lead.suspends() && r.stopBy.IsZero():
			return errSuspended
		case r.lead == nil && workflow.GetInfo(ctx).GetContinueAsNewSuggested() && r.stopBy.IsZero() &&
			workflow.AllHandlersFinished(ctx) && ctx.Err() == nil: // a cancellation would not reach the new run
			return r.continueAsNew(ctx)
		}
		if r.stopBy.IsZero() {
			r.enter(ctx, Watching)
		}
		in := r.watchInput()
		last := in.Deadline
		if !r.search.at.IsZero() {
			in.Deadline = earlier(last, r.search.at)
		}
		timeout := in.Deadline.Sub(workflow.Now(ctx))
		patience := r.patience(ctx, timeout+patienceAfter)
		if !r.stopBy.IsZero() {
			patience = max(timeout, 0) + patienceOverdue
		}
		var seen activities.ListInvocationStatusResult
		err := workflow.ExecuteActivity(watching(r.lead.watching(ctx), timeout, patience, r.lead.says(r.status.watchSummary())),
			activity.ListInvocationStatus, in).Get(ctx, &seen)
		if r.lead.interrupted(ctx, err) {
			continue
		}
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
		if err := r.collectPromptly(ctx); err != nil {
			return err
		}
		over := seen.DeadlinePassed && in.Deadline.Equal(last) && !r.status.commandsEnded() && !r.lead.postponed(r, last) &&
			!r.unseen(ctx, seen)
		switch {
		case over && !r.stopBy.IsZero():
			return nil
		case over:
			return r.giveUp(ctx, last)
		case r.status.attended():
			if err := r.seekMissing(ctx, seen.DeadlinePassed); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveUp ends the nodes that were not seen to end by the deadline. At the run's own
// the command may go on; at the service's it should have ended long ago.
func (r *runCommand) giveUp(ctx workflow.Context, deadline time.Time) error {
	reason := fmt.Sprintf("the deadline passed, %v after the timeout", deadlineSlack)
	switch {
	case deadline.Equal(r.deadline()):
		reason = r.deadlineText()
	case r.status.attended():
		if err := r.loseSilent(ctx); err != nil {
			return err
		}
	}
	if !r.status.commandsEnded() {
		r.status.overdue(reason)
	}
	return nil
}

// watchInput says what to watch: the only command of a run with its nodes, or all
// that still run with their nodes packed.
func (r *runCommand) watchInput() activities.ListInvocationStatusInput {
	first, last := r.status.Commands[0], r.status.latest()
	in := activities.ListInvocationStatusInput{
		ClusterID:   r.in.ClusterID,
		TellAtOnce:  r.lead.isPrompt(),
		LookSeconds: r.lead.lookSeconds(),
		Milestones: activities.Milestones{
			SubmittedAt: first.SubmittedAt,
			KilledAt:    last.Add(r.in.timeout()),
		},
		Deadline: last.Add(r.in.timeout() + deadlineSlack),
	}
	if r.in.ExpectedSeconds > 0 {
		in.ExpectedAt = first.SubmittedAt.Add(seconds(r.in.ExpectedSeconds))
	}
	for _, deadline := range []time.Time{r.deadline(), r.stopBy} {
		if !deadline.IsZero() {
			in.Deadline = earlier(in.Deadline, deadline)
		}
	}
	if len(r.status.Commands) == 1 {
		in.CommandID, in.Nodes = first.CommandID, r.status.nodesOf(first)
		return in
	}
	for _, command := range r.status.Commands {
		watched := activities.WatchedCommand{
			CommandID: command.CommandID, SubmittedAt: command.SubmittedAt, Nodes: r.status.nodesOf(command),
			Only: len(command.Only)+len(command.Refused) > 0,
		}
		if watched.Nodes.Ended() {
			continue
		}
		if !r.unpacked[command.CommandID] && !watched.Only {
			watched = watched.Pack()
		}
		in.Commands = append(in.Commands, watched)
	}
	return in
}

// latest is when the last command was submitted. It need not be the last one of them: a
// part whose submit was in doubt may come an hour after the others.
func (r *RunCommandResult) latest() time.Time {
	var latest time.Time
	for _, command := range r.Commands {
		if command.SubmittedAt.After(latest) {
			latest = command.SubmittedAt
		}
	}
	return latest
}

// unseen says whether a look could not tell the states of all nodes: they have to be named
// to the next one, also after the deadline.
func (r *runCommand) unseen(ctx workflow.Context, seen activities.ListInvocationStatusResult) bool {
	return len(seen.Unmatched) > 0 &&
		(r.lead != nil || workflow.GetVersion(ctx, "name the nodes to another look", workflow.DefaultVersion, 1) > workflow.DefaultVersion)
}

// apply takes what a watch saw.
func (r *runCommand) apply(seen activities.ListInvocationStatusResult) {
	for _, now := range seen.Changed {
		node := r.status.node(now.InstanceID)
		switch {
		case node == nil && r.in.Attach != nil:
			r.status.addLate(now)
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
	r.status.loseGone(seen.Gone)
	r.logger.Info("nodes changed", "CommandID", r.status.CommandID, "Changed", len(seen.Changed))
}

// continueAsNew goes on with a short history, under the same name.
func (r *runCommand) continueAsNew(ctx workflow.Context) error {
	in := r.in
	in.Target = Target{} // the nodes are in the status
	continued := r.continuation()
	in.Continued = &continued
	return workflow.NewContinueAsNewError(ctx, RunCommand, in)
}

func (r *runCommand) continuation() Continuation {
	c := Continuation{Status: r.status, InDoubt: r.inDoubt}
	for _, command := range r.status.Commands {
		if r.unpacked[command.CommandID] {
			c.Unpacked = append(c.Unpacked, command.CommandID)
		}
		if r.collected[command.CommandID] {
			c.Collected = append(c.Collected, command.CommandID)
		}
	}
	return c
}

func (r *runCommand) resume(c Continuation) {
	r.status, r.inDoubt = c.Status, c.InDoubt
	for _, id := range c.Unpacked {
		r.unpacked[id] = true
	}
	for _, id := range c.Collected {
		r.collected[id] = true
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
