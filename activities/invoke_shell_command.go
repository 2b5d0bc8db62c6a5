package activities

import (
	"context"
	"fmt"
	"slices"
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

// SubmitAttempt bounds an attempt to submit: 10 s of waiting for the request
// budget, 15 s of call. After it, a silent worker is taken for lost.
const SubmitAttempt = 30 * time.Second

// ErrNoTimeLeft is the type of the error of a submit that could not have been
// awaited: were it begun, its timeout would leave a doubt.
const ErrNoTimeLeft = "NoTimeLeft"

// ErrResetRun is the type of the error that refuses to submit for a reset run.
const ErrResetRun = "ResetRun"

// InvokeShellCommandResult is what the service accepted.
type InvokeShellCommandResult struct {
	CommandID string `json:"commandId"`

	// Accepted says that the service names the very nodes that were asked for.
	// If not, InstanceIDs are those that it names; empty when it names none.
	Accepted    bool     `json:"accepted,omitempty"`
	InstanceIDs []string `json:"instanceIds,omitempty"`

	// SubmittedAt is the worker's time when the answer came.
	SubmittedAt time.Time `json:"submittedAt"`
}

// InvokeShellCommand starts the command on the nodes, once. Its error is
// retryable only when it is certain that nothing was started.
func (a *Activities) InvokeShellCommand(ctx context.Context, in InvokeShellCommandInput) (*InvokeShellCommandResult, error) {
	info := activity.GetInfo(ctx)
	if left := info.Deadline.Sub(info.StartedTime); left < SubmitAttempt {
		return nil, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("with %v left there was no time for another try to submit; nothing was sent", left.Round(time.Second)), ErrNoTimeLeft, nil)
	}
	if run := info.WorkflowExecution.RunID; in.OriginalRunID != "" && in.OriginalRunID != run {
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
		return nil, a.submitFailure(err, info.Attempt)
	}
	result := &InvokeShellCommandResult{CommandID: answer.CommandID, SubmittedAt: time.Now().UTC()}
	if result.Accepted = slices.Equal(slices.Sorted(slices.Values(answer.InstanceIDs)), slices.Sorted(slices.Values(in.InstanceIDs))); !result.Accepted {
		result.InstanceIDs = answer.InstanceIDs
	}
	return result, nil
}
