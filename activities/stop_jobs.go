package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// StopJobsInput names jobs that are to be stopped.
type StopJobsInput struct {
	ClusterID string   `json:"clusterId"`
	JobIDs    []string `json:"jobIds"`

	// SubmittedAt is when the jobs were submitted, at the latest. One younger than
	// Pace.NewFor that the scheduler does not know is not visible yet.
	SubmittedAt time.Time `json:"submittedAt,omitzero"`
}

// StopJobsResult says what the scheduler made of it. That it accepted a stop does not say
// that the job has ended: ListJobs tells.
type StopJobsResult struct {
	// Accepted are those whose stop the scheduler took.
	Accepted []string `json:"accepted,omitempty"`

	// Ended are those that had ended before, or that the scheduler never knew. A stop that
	// was tried before may be why, so that then none is named.
	Ended []string `json:"ended,omitempty"`
}

// StopJobs asks the scheduler to stop jobs, one by one, for a job that has ended refuses
// a call of several. Stopping a job twice does no harm, so that errors are retried, and
// so is what a job answers that may only be too young to be known.
func (a *Activities) StopJobs(ctx context.Context, in StopJobsInput) (*StopJobsResult, error) {
	result, info := &StopJobsResult{}, activity.GetInfo(ctx)
	var unknownAt int32 // the last attempt that stopped nothing, nor those before it
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &unknownAt) // 0 then, which names less
	}
	untried := info.Attempt == unknownAt+1
	for i, id := range in.JobIDs {
		_, err := a.EHPC.StopJobs(ctx, ehpc.StopJobsRequest{ClusterID: in.ClusterID, JobIDs: []string{id}})
		switch {
		case err == nil:
			result.Accepted = append(result.Accepted, id)
		case ehpc.AlreadyEnded(err) && time.Since(in.SubmittedAt) < a.Pace.NewFor:
			if untried && i == 0 {
				activity.RecordHeartbeat(ctx, info.Attempt)
			}
			return nil, a.failure(err, catalogue.Soon, info.Attempt)
		case ehpc.AlreadyEnded(err) && untried:
			result.Ended = append(result.Ended, id)
		case ehpc.AlreadyEnded(err):
		default:
			return nil, a.stopFailure(err, 1, info.Attempt)
		}
	}
	return result, nil
}
