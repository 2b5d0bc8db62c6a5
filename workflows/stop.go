package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
)

// stops are what the stops of a run found, by node.
type stops struct {
	found   map[string]guard.Stopping
	trouble map[string]string // why a node's stop could not be confirmed
}

// stoppable says whether there is something that can be stopped. A run that was reset
// to before its submit has something running that it knows nothing of. What was submitted
// elsewhere is not for it to stop.
func (r *runCommand) stoppable(ctx workflow.Context) bool {
	if r.in.Attach != nil {
		return false
	}
	if (wasReset(ctx) || r.lead.origin(ctx) != workflow.GetInfo(ctx).OriginalRunID) && !r.in.Raw && len(r.status.Commands)+len(r.inDoubt) == 0 {
		for _, p := range r.parts(ctx, 0, r.asked, r.in.nodesPerCommand()) {
			command := p.command("", r.status.StartedAt)
			command.Token = p.token
			r.inDoubt = append(r.inDoubt, command)
		}
	}
	return !r.in.Raw && (r.status.attended() || len(r.inDoubt) > 0 && r.inDoubt[0].Token != "")
}

func wasReset(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.OriginalRunID != "" && info.OriginalRunID != info.WorkflowExecution.RunID
}

// stop ends what the run started, after it was cancelled: with a second command on
// every node that was not seen to end. Then the first one is watched until the service
// reports it as ended too, and the results are read. What could not be confirmed
// within the limit is said to be so.
func (r *runCommand) stop(ctx workflow.Context) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	r.stopBy = workflow.Now(ctx).Add(r.in.stopWithin())
	r.enter(ctx, Stopping)
	s := stops{make(map[string]guard.Stopping), make(map[string]string)}
	r.stopCommands(ctx, s)

	r.stopBy = earlier(r.stopBy, workflow.Now(ctx).Add(settleFor))
	err := r.watch(ctx)
	if err == nil || r.status.EndedNodes() > 0 {
		err = errors.Join(err, r.collect(ctx))
	}
	if err != nil {
		r.status.addReason("the end of the stopped command was not seen: " + r.sentence(ctx, err))
	}
	r.status.stopped(s)
}

// stopCommands stops every command of the run, several at a time.
func (r *runCommand) stopCommands(ctx workflow.Context, s stops) {
	var open []Command
	for _, command := range slices.Concat(r.inDoubt, r.status.Commands) {
		if command.Token != "" && len(r.status.unended(command)) > 0 {
			open = append(open, command)
		}
	}
	slots := workflow.NewSemaphore(ctx, submitsAtOnce)
	all := workflow.NewWaitGroup(ctx)
	for _, command := range open {
		all.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer all.Done()
			if slots.Acquire(ctx, 1) != nil {
				return
			}
			defer slots.Release(1)
			r.stopOn(ctx, command.Token, r.status.unended(command), s)
		})
	}
	all.Wait(ctx)
}

// stopOn stops what runs under a token on some nodes. If they are refused together,
// which one of them may be the reason for, each half is tried by itself.
func (r *runCommand) stopOn(ctx workflow.Context, token string, ids []string, s stops) {
	within := r.in.grace() + stopSlack
	left := r.stopBy.Sub(workflow.Now(ctx))
	var accepted activities.InvokeShellCommandResult
	err := workflow.ExecuteActivity(stopping(ctx, left, "stop on "+Nodes(len(ids))), activity.InvokeShellCommand,
		activities.InvokeShellCommandInput{
			ClusterID: r.in.ClusterID, InstanceIDs: ids, Token: token,
			Timeout: int(max(MinTimeout, within+stopSlack).Seconds()),
			Stop:    &activities.Stop{GraceSeconds: int(r.in.grace().Seconds()), WithinSeconds: int(within.Seconds())},
		}).Get(ctx, &accepted)
	var timeout *temporal.TimeoutError
	switch {
	case err == nil:
		err = r.confirm(ctx, accepted, token, ids, s)
	case len(ids) > 1 && !errors.As(err, &timeout) && left > 0:
		halves := workflow.NewWaitGroup(ctx)
		for _, half := range [][]string{ids[:len(ids)/2], ids[len(ids)/2:]} {
			halves.Add(1)
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer halves.Done()
				r.stopOn(ctx, token, half, s)
			})
		}
		halves.Wait(ctx)
		return
	}
	for _, id := range ids {
		if _, found := s.found[id]; !found && err != nil {
			s.trouble[id] = r.sentence(ctx, err)
		}
	}
}

// confirm watches a stop until it has ended everywhere, and reads what it found.
func (r *runCommand) confirm(ctx workflow.Context, stop activities.InvokeShellCommandResult, token string, ids []string, s stops) error {
	nodes := make(activities.NodeStatuses, len(ids))
	for i, id := range ids {
		nodes[i] = activities.NodeStatus{InstanceID: id, State: activities.Running}
	}
	for !nodes.Ended() {
		left := r.stopBy.Sub(workflow.Now(ctx))
		var seen activities.ListInvocationStatusResult
		err := workflow.ExecuteActivity(watching(ctx, left, left+patienceOverdue, "watch the stop on "+Nodes(len(ids))),
			activity.ListInvocationStatus, activities.ListInvocationStatusInput{
				ClusterID: r.in.ClusterID, CommandID: stop.CommandID, Nodes: nodes,
				Milestones: activities.Milestones{SubmittedAt: stop.SubmittedAt}, Deadline: r.stopBy,
			}).Get(ctx, &seen)
		if err != nil {
			return err
		}
		for _, now := range seen.Changed {
			for i := range nodes {
				if nodes[i].InstanceID == now.InstanceID {
					nodes[i] = now
				}
			}
		}
		if seen.DeadlinePassed || len(seen.Gone) > 0 {
			break
		}
	}
	var ended []string
	for _, node := range nodes {
		if node.State.Ended() {
			ended = append(ended, node.InstanceID)
		} else {
			s.trouble[node.InstanceID] = fmt.Sprintf("the stop was not seen to end within %v", r.in.stopWithin())
		}
	}
	if len(ended) == 0 {
		return nil
	}
	var results activities.ListInvocationResultsResult
	err := workflow.ExecuteActivity(collecting(ctx, patienceOverdue+oneCall, "results of the stop on "+Nodes(len(ended))),
		activity.ListInvocationResults, activities.ListInvocationResultsInput{
			ClusterID: r.in.ClusterID, CommandID: stop.CommandID, InstanceIDs: ended, SubmittedAt: stop.SubmittedAt,
			Token: token, Stop: true, OutputLimit: stopOutput,
		}).Get(ctx, &results)
	for _, record := range results.Records {
		s.found[record.InstanceID] = record.Stopping
		switch record.Stopping {
		case guard.Stopped, guard.Finished, guard.Prevented:
		case guard.Left:
			s.trouble[record.InstanceID] = "processes are left that not even KILL ended: " + oneLine(record.Output)
		default:
			s.trouble[record.InstanceID] = "the stop could not do its work: " + oneLine(record.Output)
		}
	}
	return err
}

// stopOutput is how much of what a stop printed is kept, in bytes.
const stopOutput = 500

// stopped gives every node the state that follows from what its stop found.
func (r *RunCommandResult) stopped(s stops) {
	for i := range r.Nodes {
		node := &r.Nodes[i]
		found := s.found[node.InstanceID]
		if why, unconfirmed := s.trouble[node.InstanceID]; unconfirmed {
			node.Reason = "could not be confirmed to be stopped: " + why
		}
		switch {
		case found == guard.Stopped:
			node.State, node.Reason = activities.Stopped, "stopped, and nothing of it is left"
		case found == guard.Prevented:
			node.State, node.Reason = activities.Skipped, "it had not been started here, and will not be"
		case found == guard.Left:
			node.State = activities.Running // whatever the service says
		case found == guard.Finished && !node.State.Ended():
			node.State, node.Reason = activities.Failed, "it had already finished; its outcome was not seen"
		case found == guard.Finished && node.Reason == "":
			node.Reason = "it had already finished"
		}
	}
}

// unended are the nodes of a command that were not seen to end, those among them where
// a copy of it came first that was not found.
func (r *RunCommandResult) unended(command Command) []string {
	var ids []string
	if command.CommandID == "" { // in doubt
		for _, node := range r.Nodes[command.From : command.From+command.Nodes] {
			ids = append(ids, node.InstanceID)
		}
		return ids
	}
	for _, status := range r.nodesOf(command) {
		if !status.State.Ended() {
			ids = append(ids, status.InstanceID)
		}
	}
	for _, id := range command.Refused {
		if r.node(id).State == activities.Unknown {
			ids = append(ids, id)
		}
	}
	return ids
}

// cancelReason says how a run stands that was cancelled.
func (r *RunCommandResult) cancelReason(raw, stopped, reset bool) string {
	going := len(r.Nodes) - r.EndedNodes()
	switch {
	case reset && !stopped:
		return "cancelled before the command was submitted again; what was submitted before the reset was not stopped"
	case len(r.Commands) == 0 && !stopped && going == 0:
		return "cancelled before the command was submitted"
	case stopped && going == 0:
		return "cancelled; " + CountsText(r.Counts())
	case stopped:
		return fmt.Sprintf("cancelled; %s; on %d of %s it could not be confirmed that the command is stopped", CountsText(r.Counts()), going, Nodes(len(r.Nodes)))
	case going > 0 && raw:
		return fmt.Sprintf("the wait was cancelled; the command was sent raw, cannot be stopped, and may still be running on %d of %s", going, Nodes(len(r.Nodes)))
	case going > 0:
		return fmt.Sprintf("the wait was cancelled; the command was not stopped and may still be running on %d of %s", going, Nodes(len(r.Nodes)))
	}
	return "cancelled after every node had ended, before the results were read"
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func oneLine(text string) string { return shorten(strings.Join(strings.Fields(text), " "), 200) }
