package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/ehpc"
)

// ErrNoSecret is the type of the error of a submit that needs a secret which the worker
// cannot read; nothing was sent.
const ErrNoSecret = "NoSecret"

// SubmitJobInput is a job for a cluster's scheduler. What is left out is left to the
// scheduler.
type SubmitJobInput struct {
	ClusterID   string `json:"clusterId"`
	Name        string `json:"name"` // unique in the cluster: the job is looked for by it
	CommandLine string `json:"commandLine"`
	User        string `json:"user"`

	// PasswordSecret names the secret of the worker that holds the user's password.
	PasswordSecret string `json:"passwordSecret,omitempty"`

	Queue            string            `json:"queue,omitempty"`
	Priority         int               `json:"priority,omitempty"`
	Nodes            int               `json:"nodes,omitempty"`
	Tasks            int               `json:"tasks,omitempty"`
	Threads          int               `json:"threads,omitempty"`
	GPUs             int               `json:"gpus,omitempty"`
	Memory           string            `json:"memory,omitempty"`
	WallClockSeconds int               `json:"wallClockSeconds,omitempty"`
	Array            string            `json:"array,omitempty"`
	Directory        string            `json:"directory,omitempty"`
	Stdout           string            `json:"stdout,omitempty"`
	Stderr           string            `json:"stderr,omitempty"`
	Variables        map[string]string `json:"variables,omitempty"`

	// OriginalRunID and Resubmit are as of InvokeShellCommandInput.
	OriginalRunID string `json:"originalRunId,omitempty"`
	Resubmit      bool   `json:"resubmit,omitempty"`
}

// SubmitJobResult is what the scheduler accepted.
type SubmitJobResult struct {
	JobID       string    `json:"jobId"`
	SubmittedAt time.Time `json:"submittedAt"` // the worker's time when the answer came
}

// SubmitJob gives a job to the scheduler. Its error is retryable only when it is certain
// that the scheduler did not get it. No node keeps a job from running twice, so that a
// doubtful one has to be looked for by its name, see FindJob.
func (a *Activities) SubmitJob(ctx context.Context, in SubmitJobInput) (*SubmitJobResult, error) {
	info := activity.GetInfo(ctx)
	if left := info.Deadline.Sub(info.StartedTime); left < SubmitAttempt {
		return nil, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("with %v left there was no time to submit, which may take %v; nothing was sent", left.Round(time.Second), SubmitAttempt), ErrNoTimeLeft, nil)
	}
	if in.OriginalRunID != "" && in.OriginalRunID != info.WorkflowExecution.RunID && !in.Resubmit {
		return nil, temporal.NewApplicationErrorWithOptions(
			"this run was reset to before its submit, and the scheduler may have its job", ErrResetRun,
			temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{SubmitFailure{MayHaveRun: true}}})
	}
	password := ""
	if in.PasswordSecret != "" {
		var err error
		if password, err = a.Secrets.Read(in.PasswordSecret); err != nil {
			return nil, temporal.NewNonRetryableApplicationError(err.Error()+"; nothing was submitted", ErrNoSecret, nil)
		}
	}
	answer, err := a.EHPC.SubmitJob(ctx, ehpc.SubmitJobRequest{
		ClusterID: in.ClusterID, CommandLine: in.CommandLine, RunasUser: in.User, RunasPassword: password, Name: in.Name,
		JobQueue: in.Queue, Priority: in.Priority, Nodes: in.Nodes, Tasks: in.Tasks, Threads: in.Threads, GPUs: in.GPUs,
		Memory: in.Memory, ClockTime: clockTime(in.WallClockSeconds), ArrayRequest: in.Array, PackagePath: in.Directory,
		StdoutRedirect: in.Stdout, StderrRedirect: in.Stderr, Variables: variables(in.Variables),
	})
	if err != nil {
		return nil, a.submitFailure(err, "job was submitted", "", info.Attempt)
	}
	return &SubmitJobResult{JobID: answer.JobID, SubmittedAt: time.Now().UTC()}, nil
}

// clockTime is a length of time as hh:mm:ss; "" is none.
func clockTime(seconds int) string {
	if seconds == 0 {
		return ""
	}
	return fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

// variables are those of a job as the API takes them: [{"Name":"A","Value":"1"}].
func variables(of map[string]string) string {
	if len(of) == 0 {
		return ""
	}
	type variable struct{ Name, Value string }
	var all []variable
	for _, name := range slices.Sorted(maps.Keys(of)) {
		all = append(all, variable{name, of[name]})
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "" // of texts there is always one
	}
	return string(text)
}
