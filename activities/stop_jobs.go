package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"ehpcflow/ehpc"
)

// StopJobsInput names jobs that are to be stopped.
type StopJobsInput struct {
	ClusterID string   `json:"clusterId"`
	JobIDs    []string `json:"jobIds"`
}

// StopJobsResult says what the scheduler made of it. That it accepted a stop does not say
// that the job has ended: ListJobs tells.
type StopJobsResult struct {
	// Ended are those that had ended before. A stop that was tried before may be why, so
	// that then none is named.
	Ended []string `json:"ended,omitempty"`
}

// StopJobs asks the scheduler to stop jobs, one by one, for a job that has ended refuses
// a call of several. Stopping a job twice does no harm, so that errors are retried.
func (a *Activities) StopJobs(ctx context.Context, in StopJobsInput) (*StopJobsResult, error) {
	result, info := &StopJobsResult{}, activity.GetInfo(ctx)
	for _, id := range in.JobIDs {
		_, err := a.EHPC.StopJobs(ctx, ehpc.StopJobsRequest{ClusterID: in.ClusterID, JobIDs: []string{id}})
		switch {
		case ehpc.AlreadyEnded(err) && info.Attempt == 1:
			result.Ended = append(result.Ended, id)
		case ehpc.AlreadyEnded(err):
		case err != nil:
			return nil, a.stopFailure(err, 1, info.Attempt)
		}
	}
	return result, nil
}
