package activities

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities/guard"
	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// InvokeShellCommandInput is a command and the nodes that it is for.
type InvokeShellCommandInput struct {
	ClusterID   string   `json:"clusterId"`
	Command     string   `json:"command,omitempty"`
	InstanceIDs []string `json:"instanceIds"` // never empty
	WorkingDir  string   `json:"workingDir,omitempty"`
	Timeout     int      `json:"timeoutSeconds"`

	// OriginalRunID is the id of the run as it was started. A reset run has
	// another id: its command may have been submitted before.
	OriginalRunID string `json:"originalRunId,omitempty"`

	// Token of this submit, under which a node runs the command at most once and
	// the command can be looked for; see package guard. Raw sends the text
	// untouched, without it.
	Token string `json:"token,omitempty"`
	Raw   bool   `json:"raw,omitempty"`

	// Resubmit is set when it is certain, or was decided by a person, that the
	// command may be submitted although it was tried before.
	Resubmit bool `json:"resubmit,omitempty"`

	// Stop makes it the command that ends what runs under the token. It may be
	// sent any number of times.
	Stop *Stop `json:"stop,omitempty"`
}

// Stop says how what runs under a token is ended: TERM, KILL after the grace, and
// after Within it is given up.
type Stop struct {
	GraceSeconds  int `json:"graceSeconds"`
	WithinSeconds int `json:"withinSeconds"`
}

// SubmitAttempt bounds an attempt to submit: 10 s of waiting for the request
// budget, 15 s of call. After it, a silent worker is taken for lost.
const SubmitAttempt = 30 * time.Second

// Types of the errors that refuse a submit before it is sent.
const (
	// ErrNoTimeLeft: it could not have been awaited; were it begun, its timeout
	// would leave a doubt.
	ErrNoTimeLeft = "NoTimeLeft"

	// ErrResetRun: the run was reset, and what was submitted before has to be
	// looked for first.
	ErrResetRun = "ResetRun"

	// ErrTooLong: with what makes it run once, the command has more characters
	// than the API takes.
	ErrTooLong = "CommandTooLong"
)

// InvokeShellCommandResult is what the service accepted.
type InvokeShellCommandResult struct {
	CommandID string `json:"commandId"`

	// Token under which the command runs. "" when it was sent by a worker that
	// knew of none.
	Token string `json:"token,omitempty"`

	// Accepted says that the service names the very nodes that were asked for.
	// If not, InstanceIDs are those that it names; empty when it names none.
	Accepted    bool     `json:"accepted,omitempty"`
	InstanceIDs []string `json:"instanceIds,omitempty"`

	// SubmittedAt is the worker's time when the answer came.
	SubmittedAt time.Time `json:"submittedAt"`
}

// InvokeShellCommand starts the command on the nodes. Its error is retryable only
// when it is certain that nothing was started, or that starting it again does no
// harm.
func (a *Activities) InvokeShellCommand(ctx context.Context, in InvokeShellCommandInput) (*InvokeShellCommandResult, error) {
	info := activity.GetInfo(ctx)
	if left := info.Deadline.Sub(info.StartedTime); left < SubmitAttempt {
		return nil, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("with %v left there was no time to submit, which may take %v; nothing was sent", left.Round(time.Second), SubmitAttempt), ErrNoTimeLeft, nil)
	}
	if in.OriginalRunID != "" && in.OriginalRunID != info.WorkflowExecution.RunID && !in.Resubmit {
		return nil, temporal.NewApplicationErrorWithOptions(
			"this run was reset to before its submit, and its command may be running", ErrResetRun,
			temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{SubmitFailure{MayHaveRun: true, Token: in.Token}}})
	}
	text := in.text()
	if length := utf8.RuneCountInString(text); length > ehpc.MaxCommandLength {
		return nil, temporal.NewNonRetryableApplicationError(fmt.Sprintf(
			"with what makes it run once, the command has %d characters, the API takes %d; nothing was sent: put a longer script on shared storage and call it, or send it raw",
			length, ehpc.MaxCommandLength), ErrTooLong, nil)
	}
	answer, err := a.EHPC.InvokeShellCommand(ctx, ehpc.InvokeShellCommandRequest{
		ClusterID:   in.ClusterID,
		Command:     text,
		InstanceIDs: in.InstanceIDs,
		WorkingDir:  in.WorkingDir,
		Timeout:     in.Timeout,
	})
	switch {
	case err != nil && in.Stop != nil:
		return nil, a.stopFailure(err, len(in.InstanceIDs), info.Attempt)
	case err != nil && in.Resubmit && refusesSubmit(err) && !a.believed(info.ScheduledTime):
		return nil, a.failure(err, catalogue.Later, info.Attempt)
	case err != nil:
		return nil, a.submitFailure(err, "command was started", in.Token, info.Attempt)
	}
	result := &InvokeShellCommandResult{CommandID: answer.CommandID, Token: in.Token, SubmittedAt: time.Now().UTC()}
	if result.Accepted = slices.Equal(slices.Sorted(slices.Values(answer.InstanceIDs)), slices.Sorted(slices.Values(in.InstanceIDs))); !result.Accepted {
		result.InstanceIDs = answer.InstanceIDs
	}
	return result, nil
}

// text is what is sent.
func (in InvokeShellCommandInput) text() string {
	switch {
	case in.Stop != nil:
		return guard.Stop(in.Token, time.Duration(in.Stop.GraceSeconds)*time.Second, time.Duration(in.Stop.WithinSeconds)*time.Second)
	case in.Token == "", in.Raw:
		return in.Command
	}
	return guard.Wrap(in.Token, in.Command)
}
