package ehpc

import (
	"context"
	"encoding/json"
	"slices"
)

// MaxStopJobs is how many jobs one StopJobs takes.
const MaxStopJobs = 100

// StopJobsRequest names jobs that are queued or running.
type StopJobsRequest struct {
	ClusterID string
	JobIDs    []string // 1 to MaxStopJobs, none empty
}

// StopJobsResponse says that the request was accepted, not that the jobs have
// stopped: ListJobs tells.
type StopJobsResponse struct {
	RequestID string
}

type stopJobs struct {
	rpc
	ClusterID string `position:"Query" name:"ClusterId"`
	Jobs      string `position:"Query" name:"Jobs"` // JSON: [{"Id":"0.sched"}]
}

func (r *stopJobs) subject() subject { return subject{action: "StopJobs", clusterID: r.ClusterID} }

// StopJobs asks the scheduler to stop jobs. Stopping a job twice does no harm, so
// that a caller may repeat it; the client sends it once.
func (c *Client) StopJobs(ctx context.Context, in StopJobsRequest) (*StopJobsResponse, error) {
	type job struct{ Id string } //nolint:revive // the name is the wire's
	jobs := make([]job, len(in.JobIDs))
	for i, id := range in.JobIDs {
		jobs[i].Id = id
	}
	text, err := json.Marshal(jobs)
	req := &stopJobs{rpc: newRPC("StopJobs"), ClusterID: in.ClusterID, Jobs: string(text)}
	switch {
	case err != nil:
		return nil, req.subject().badRequest("the job ids could not be encoded")
	case in.ClusterID == "":
		return nil, req.subject().badRequest("no cluster id")
	case len(in.JobIDs) == 0 || slices.Contains(in.JobIDs, ""):
		return nil, req.subject().badRequest("no job ids, or an empty one")
	case len(in.JobIDs) > MaxStopJobs:
		return nil, req.subject().badRequest("more than 100 job ids in one call")
	}
	body, err := c.submit(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID scalar `json:"RequestId"`
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.RequestID == "" {
		return nil, unusable(req, "the answer holds no RequestId")
	}
	return &StopJobsResponse{RequestID: string(answer.RequestID)}, nil
}

// AlreadyEnded says whether the error of a StopJobs of one job means that there is nothing
// to stop: the job is not, or no longer, queued or running.
func AlreadyEnded(err error) bool { return Judge(err).Code == "ObjectNotFound" }
