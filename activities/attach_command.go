package activities

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities/guard"
	"ehpcflow/ehpc"
)

// ErrNotListed is the type of the error that ends an attachment because the service
// lists no node of the command.
const ErrNotListed = "NoNodeListed"

// AttachCommandInput names a command that somebody else submitted.
type AttachCommandInput struct {
	ClusterID string `json:"clusterId"`
	CommandID string `json:"commandId"`
}

// AttachCommandResult is what the service tells of it. It does not tell who submitted it,
// or when.
type AttachCommandResult struct {
	// Nodes of the command, as it stands on them.
	Nodes NodeStatuses `json:"nodes"`

	// Known says that the service listed the command itself; what follows is empty
	// otherwise.
	Known bool `json:"known,omitempty"`

	Command    string `json:"command,omitempty"`
	WorkingDir string `json:"workingDir,omitempty"`

	// TimeoutSeconds after which the service kills it; 0 is not known.
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"`

	// Token of a command that was submitted by a run of ours, and under which its output
	// is read; "" of others. Command is then the text without its wrapper.
	Token string `json:"token,omitempty"`
}

// AttachCommand reads what there is to know of a command that was submitted elsewhere: its
// nodes from ListInvocationStatus, its text from ListCommands. The service may show the
// nodes of a new command one by one, so they are listed until two listings, Pace.NewFor
// apart, name the same. A command that the service does not find is asked for again while
// it may be too new to be found. That its text may not be listed is no error.
func (a *Activities) AttachCommand(ctx context.Context, in AttachCommandInput) (*AttachCommandResult, error) {
	info := activity.GetInfo(ctx)
	stop := keepAlive(ctx, "making sure of the nodes")
	defer stop()
	nodes, err := a.settledNodes(ctx, in, info)
	if err != nil {
		return nil, err
	}
	result := &AttachCommandResult{Nodes: nodes}
	page, err := a.EHPC.ListCommands(ctx, ehpc.ListCommandsRequest{ClusterID: in.ClusterID, CommandID: in.CommandID, PageNumber: 1, PageSize: ehpc.MaxCommandsPage})
	switch {
	case err != nil && refuses(err):
		return result, nil
	case err != nil:
		return nil, a.readFailure(err, info.Attempt)
	}
	for _, command := range page.Items {
		if command.ID == in.CommandID {
			result.know(command)
		}
	}
	return result, nil
}

// settledNodes lists the nodes of a command until two listings name the same, and returns
// the last one.
func (a *Activities) settledNodes(ctx context.Context, in AttachCommandInput, info activity.Info) (NodeStatuses, error) {
	nodes, err := a.listedNodes(ctx, in, info)
	for err == nil {
		select {
		case <-time.After(a.Pace.NewFor):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		before := digest(nodes)
		if nodes, err = a.listedNodes(ctx, in, info); err == nil && digest(nodes) == before {
			return nodes, nil
		}
	}
	return nil, err
}

// listedNodes are the nodes that the service lists for a command; none is an error.
func (a *Activities) listedNodes(ctx context.Context, in AttachCommandInput, info activity.Info) (NodeStatuses, error) {
	answer, err := a.EHPC.ListInvocationStatus(ctx, ehpc.ListInvocationStatusRequest{ClusterID: in.ClusterID, CommandID: in.CommandID})
	if err != nil {
		return nil, a.newFailure(err, info)
	}
	if len(answer.Instances) == 0 {
		old := time.Since(info.ScheduledTime) >= a.Pace.NewFor
		return nil, temporal.NewApplicationErrorWithOptions(
			fmt.Sprintf("the service lists no node of command %s of cluster %s (%s)", in.CommandID, in.ClusterID, answer.InvokeStatus),
			ErrNotListed, temporal.ApplicationErrorOptions{NonRetryable: old, NextRetryDelay: a.Pace.Look.Min})
	}
	var nodes NodeStatuses
	for _, node := range answer.Instances {
		nodes = append(nodes, statusOf(node))
	}
	return nodes, nil
}

// newFailure is the error of a read about something of which nobody knows since when it
// exists: since the step began at the latest.
func (a *Activities) newFailure(err error, info activity.Info) error {
	if ehpc.Judge(err).Code == codeGone && time.Since(info.ScheduledTime) >= a.Pace.NewFor {
		return temporal.NewNonRetryableApplicationError(err.Error(), codeGone, nil)
	}
	return a.readFailure(err, info.Attempt)
}

func (r *AttachCommandResult) know(command ehpc.Command) {
	r.Known = true
	r.Command, r.WorkingDir = textOf(command.Content), command.WorkingDir
	if token, text, ours := guard.Unwrap(r.Command); ours {
		r.Token, r.Command = token, text
	}
	if command.Timeout != nil {
		r.TimeoutSeconds = max(*command.Timeout, 0)
	}
}

// textOf is the text of a command as it is listed: in base64 where it is one of ours, for
// any other text may happen to look like that.
func textOf(content string) string {
	if decoded, err := base64.StdEncoding.DecodeString(content); err == nil {
		if _, _, ours := guard.Unwrap(string(decoded)); ours {
			return string(decoded)
		}
	}
	return content
}
