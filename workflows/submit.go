package workflows

import (
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// submitsAtOnce bounds the parts of a long list of nodes that are submitted at a
// time.
const submitsAtOnce = 8

// Command is one that the run submitted, for a part of its nodes.
type Command struct {
	CommandID   string    `json:"commandId"`
	SubmittedAt time.Time `json:"submittedAt"`

	// From and Nodes say which part of the run's nodes it is for: the place of
	// the first, from 0, and how many.
	From  int `json:"from"`
	Nodes int `json:"nodes"`

	// Unasked are further nodes on which the service reports it.
	Unasked []string `json:"unasked,omitempty"`
}

// submit starts the command on the frozen nodes, once, in parts if they are many.
// The first part goes alone: what refuses it would refuse them all. After an error
// no further part is submitted, and the nodes without the command are skipped, or
// unknown when the error leaves a doubt. It is the error of the run unless
// commands were started that have to be followed.
func (r *runCommand) submit(ctx workflow.Context) error {
	r.enter(ctx, Submitting)
	size, asked := r.in.nodesPerCommand(), len(r.status.Nodes) // nodes that nobody asked for may be added
	for from, atOnce := 0, 1; from < asked; atOnce = submitsAtOnce {
		until := min(from+atOnce*size, asked)
		if err := r.submitParts(ctx, from, until, size); err != nil {
			r.status.set(r.status.Nodes[until:asked], activities.Skipped, "")
			if len(r.status.Commands) == 0 || temporal.IsCanceledError(err) {
				return err
			}
			_, message := r.explain(ctx, err)
			r.status.addReason("the command was not started on every node: " + message)
			return nil
		}
		from = until
	}
	return nil
}

// submitParts submits to the nodes between two places, in parts, all at once.
func (r *runCommand) submitParts(ctx workflow.Context, from, until, size int) error {
	type part struct {
		from, until int
		future      workflow.Future
	}
	var parts []part
	for ; from < until; from += size {
		nodes := r.status.Nodes[from:min(from+size, until)]
		parts = append(parts, part{from, from + len(nodes), workflow.ExecuteActivity(
			submitting(ctx, r.patience(ctx, patienceBefore), "start on "+Nodes(len(nodes))), activity.InvokeShellCommand,
			activities.InvokeShellCommandInput{
				ClusterID:   r.in.ClusterID,
				Command:     r.in.Command,
				InstanceIDs: nodes.ids(),
				WorkingDir:  r.in.WorkingDir,
				Timeout:     r.in.TimeoutSeconds,

				OriginalRunID: workflow.GetInfo(ctx).OriginalRunID,
			})})
	}
	var failure error
	for _, part := range parts {
		var submitted activities.InvokeShellCommandResult
		switch err := part.future.Get(ctx, &submitted); {
		case err == nil:
			r.status.accept(submitted, part.from, part.until-part.from)
			continue
		case mayHaveRun(err):
			r.status.set(r.status.Nodes[part.from:part.until], activities.Unknown, "whether the command was started here is not known")
			failure = err
		default:
			r.status.set(r.status.Nodes[part.from:part.until], activities.Skipped, "")
			if failure == nil {
				failure = err
			}
		}
	}
	return failure
}

// accept takes a command that the service started. Nodes that nobody asked for are
// followed and shown too, and spoil the verdict.
func (r *RunCommandResult) accept(submitted activities.InvokeShellCommandResult, from, nodes int) {
	r.Commands = append(r.Commands, Command{
		CommandID: submitted.CommandID, SubmittedAt: submitted.SubmittedAt, From: from, Nodes: nodes,
	})
	if len(r.Commands) == 1 {
		r.CommandID, r.SubmittedAt = submitted.CommandID, submitted.SubmittedAt
	}
	if submitted.Accepted {
		r.set(r.Nodes[from:from+nodes], activities.Running, "")
		return
	}
	for _, id := range submitted.InstanceIDs {
		if node := r.node(id); node != nil {
			node.State = activities.Running
			continue
		}
		r.addUnasked(activities.NodeStatus{InstanceID: id, State: activities.Running, CommandID: submitted.CommandID})
	}
}

// addUnasked adds a node that nobody asked for to its command.
func (r *RunCommandResult) addUnasked(status activities.NodeStatus) {
	for i := range r.Commands {
		if r.Commands[i].CommandID == status.CommandID {
			r.Commands[i].Unasked = append(r.Commands[i].Unasked, status.InstanceID)
		}
	}
	r.Nodes = append(r.Nodes, NodeResult{InstanceID: status.InstanceID, State: status.State, Word: status.Word})
	r.addReason(fmt.Sprintf("the service reports the command on %s, which was not asked for", status.InstanceID))
}

// mayHaveRun says whether a submit that ended with this error may have started
// its command: its worker was lost on the way, or the activity says so. A timeout
// wraps the error of the attempt before it, so it is looked for first. The other
// timeouts are of submits that no worker began with, or that were refused up to
// the end: an attempt does not begin with less time left than it may take.
func mayHaveRun(err error) bool {
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE
	}
	var application *temporal.ApplicationError
	var detail activities.SubmitFailure
	return errors.As(err, &application) && application.HasDetails() &&
		application.Details(&detail) == nil && detail.MayHaveRun
}
