package ehpc

import (
	"context"
	"encoding/json"
)

// DescribeJobRequest names a job.
type DescribeJobRequest struct {
	ClusterID string
	JobID     string
}

// DescribeJobResponse is what the scheduler says of a job, in a text of its own
// form (JSON as a rule).
type DescribeJobResponse struct {
	RequestID string
	JobInfo   string
}

type describeJob struct {
	rpc
	ClusterID string `position:"Query" name:"ClusterId"`
	JobID     string `position:"Query" name:"JobId"`
}

func (r *describeJob) subject() subject {
	return subject{action: "DescribeJob", clusterID: r.ClusterID}
}

// DescribeJob reads what the scheduler says of a job.
func (c *Client) DescribeJob(ctx context.Context, in DescribeJobRequest) (*DescribeJobResponse, error) {
	req := &describeJob{rpc: newRPC("DescribeJob"), ClusterID: in.ClusterID, JobID: in.JobID}
	if in.ClusterID == "" || in.JobID == "" {
		return nil, req.subject().badRequest("cluster id and job id are both needed")
	}
	body, err := c.read(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID scalar `json:"RequestId"`
		Message   struct{ JobInfo json.RawMessage }
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || len(answer.Message.JobInfo) == 0 {
		return nil, unusable(req, "the answer holds no JobInfo")
	}
	info := string(answer.Message.JobInfo)
	var text string
	if json.Unmarshal(answer.Message.JobInfo, &text) == nil {
		info = text
	}
	return &DescribeJobResponse{RequestID: string(answer.RequestID), JobInfo: info}, nil
}
