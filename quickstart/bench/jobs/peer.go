package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
	"ehpcflow/workflows"
)

// own names the peer's activities by their methods. No method of it is called.
var own *lookers

// lookers look for each job by itself, at the pace of ehpcflow.
type lookers struct {
	api  *ehpc.Client
	pace activities.Pace
}

// OneLookPerJob submits a job and has an activity of its own look for it to the end, as a
// plugin of a workflow engine does.
func OneLookPerJob(ctx workflow.Context, in workflows.JobInput) (string, error) {
	name := fmt.Sprintf("job.%s", workflow.GetInfo(ctx).WorkflowExecution.ID[:13])
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour, HeartbeatTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second},
	})
	var id string
	if err := workflow.ExecuteActivity(ctx, own.Submit, in, name).Get(ctx, &id); err != nil {
		return "", err
	}
	return name, workflow.ExecuteActivity(ctx, own.AwaitEnd, in.ClusterID, id, workflow.Now(ctx)).Get(ctx, nil)
}

// Submit gives the job to the scheduler.
func (l *lookers) Submit(ctx context.Context, in workflows.JobInput, name string) (string, error) {
	answer, err := l.api.SubmitJob(ctx, ehpc.SubmitJobRequest{ClusterID: in.ClusterID, CommandLine: in.Job.Run, RunasUser: in.Job.User, Name: name})
	if err != nil {
		return "", err
	}
	return answer.JobID, nil
}

// AwaitEnd looks for one job with DescribeJob, one request a look, until it is finished.
func (l *lookers) AwaitEnd(ctx context.Context, clusterID, id string, submittedAt time.Time) error {
	for {
		answer, err := l.api.DescribeJob(ctx, ehpc.DescribeJobRequest{ClusterID: clusterID, JobID: id})
		if err != nil {
			return err
		}
		var job struct{ State string }
		if err := json.Unmarshal([]byte(answer.JobInfo), &job); err != nil {
			return err
		}
		activity.RecordHeartbeat(ctx, job.State)
		if job.State == ehpc.JobFinished {
			return nil
		}
		select {
		case <-time.After(l.pace.UntilLook(activities.Milestones{SubmittedAt: submittedAt}, time.Now())):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
