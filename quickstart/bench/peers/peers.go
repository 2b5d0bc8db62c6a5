// Package peers holds the ways to wait for something outside that Temporal's users
// copy from its samples, each as a workflow that does what workflows.RunCommand
// does: submit, wait, collect. They submit and collect by ehpcflow's own activities,
// so that only the wait differs.
package peers

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
	"ehpcflow/workflows"
)

// Every is how often each of them polls.
const Every = time.Second

const (
	oneCall     = 30 * time.Second
	outputLimit = 1 << 10
)

// Activities holds what the polling activities work with.
type Activities struct{ EHPC *ehpc.Client }

// The activities by their methods. No method of them is called.
var (
	own    *Activities
	shared *activities.Activities
)

// Command is what is polled.
type Command struct {
	ClusterID string `json:"clusterId"`
	CommandID string `json:"commandId"`
	Nodes     int    `json:"nodes"` // that it was submitted to
}

// Seen is what a poll tells the workflow: the nodes that have ended by now.
type Seen struct {
	Ended []string `json:"ended"`
}

func (s Seen) all(c Command) bool { return len(s.Ended) == c.Nodes }

// look polls once.
func (a *Activities) look(ctx context.Context, c Command) (Seen, error) {
	answer, err := a.EHPC.ListInvocationStatus(ctx, ehpc.ListInvocationStatusRequest{ClusterID: c.ClusterID, CommandID: c.CommandID})
	if err != nil {
		return Seen{}, err
	}
	var seen Seen
	for _, node := range answer.Instances {
		if node.Status != "Running" {
			seen.Ended = append(seen.Ended, node.InstanceID)
		}
	}
	return seen, nil
}

// run is what all of them do around their wait.
func run(
	ctx workflow.Context, in workflows.RunCommandInput, wait func(workflow.Context, Command) error,
) (*activities.ListInvocationResultsResult, error) {
	once := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: oneCall,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	var submitted activities.InvokeShellCommandResult
	if err := workflow.ExecuteActivity(once, shared.InvokeShellCommand, activities.InvokeShellCommandInput{
		ClusterID: in.ClusterID, Command: in.Command, InstanceIDs: in.Target.Nodes, Timeout: in.TimeoutSeconds,
	}).Get(ctx, &submitted); err != nil {
		return nil, err
	}
	if err := wait(ctx, Command{in.ClusterID, submitted.CommandID, len(in.Target.Nodes)}); err != nil {
		return nil, err
	}
	var results activities.ListInvocationResultsResult
	err := workflow.ExecuteActivity(oftenEnough(ctx), shared.ListInvocationResults, activities.ListInvocationResultsInput{
		ClusterID: in.ClusterID, CommandID: submitted.CommandID, InstanceIDs: in.Target.Nodes,
		SubmittedAt: submitted.SubmittedAt, OutputLimit: outputLimit,
	}).Get(ctx, &results)
	return &results, err
}

// oftenEnough is for a call that may be repeated, at the server's default pace.
func oftenEnough(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: oneCall})
}
