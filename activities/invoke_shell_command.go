package activities

import (
	"context"
	"time"

	"ehpcflow/ehpc"
)

// InvokeShellCommandInput is a command and the nodes that it is for.
type InvokeShellCommandInput struct {
	ClusterID   string   `json:"clusterId"`
	Command     string   `json:"command"`
	InstanceIDs []string `json:"instanceIds"` // never empty
	WorkingDir  string   `json:"workingDir,omitempty"`
	Timeout     int      `json:"timeoutSeconds"`
}

// InvokeShellCommandResult is what the service accepted.
type InvokeShellCommandResult struct {
	CommandID string `json:"commandId"`

	// InstanceIDs as the service names them; empty when it names none.
	InstanceIDs []string `json:"instanceIds,omitempty"`

	// SubmittedAt is the worker's time when the answer came.
	SubmittedAt time.Time `json:"submittedAt"`
}

// InvokeShellCommand starts the command on the nodes, once. Its error is
// retryable only when it is certain that nothing was started.
func (a *Activities) InvokeShellCommand(ctx context.Context, in InvokeShellCommandInput) (*InvokeShellCommandResult, error) {
	answer, err := a.EHPC.InvokeShellCommand(ctx, ehpc.InvokeShellCommandRequest{
		ClusterID:   in.ClusterID,
		Command:     in.Command,
		InstanceIDs: in.InstanceIDs,
		WorkingDir:  in.WorkingDir,
		Timeout:     in.Timeout,
	})
	if err != nil {
		return nil, a.submitFailure(ctx, err)
	}
	return &InvokeShellCommandResult{
		CommandID:   answer.CommandID,
		InstanceIDs: answer.InstanceIDs,
		SubmittedAt: time.Now().UTC(),
	}, nil
}
