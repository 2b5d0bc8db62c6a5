package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/ehpc"
)

// InvokeShellCommandInput is a command and the nodes that it is for.
type InvokeShellCommandInput struct {
	ClusterID   string   `json:"clusterId"`
	Command     string   `json:"command"`
	InstanceIDs []string `json:"instanceIds"` // never empty
	WorkingDir  string   `json:"workingDir,omitempty"`
	Timeout     int      `json:"timeoutSeconds"`

	// OriginalRunID is the id of the run as it was started. A reset run has
	// another id, and is refused: its command was submitted before.
	OriginalRunID string `json:"originalRunId,omitempty"`
}

// ErrResetRun is the type of the error that refuses to submit for a reset run.
const ErrResetRun = "ResetRun"

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
	if run := activity.GetInfo(ctx).WorkflowExecution.RunID; in.OriginalRunID != "" && in.OriginalRunID != run {
		return nil, temporal.NewApplicationErrorWithOptions(
			"this run was reset to before its submit, and its command may be running: it was not sent again; start a new run to run it anew",
			ErrResetRun, temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{SubmitFailure{MayHaveRun: true}}})
	}
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
