package ehpc

import (
	"context"
	"encoding/json"
)

// DescribeClusterRequest names a cluster.
type DescribeClusterRequest struct {
	ClusterID string
}

// DescribeClusterResponse is one cluster.
type DescribeClusterResponse struct {
	RequestID string
	Cluster   Cluster
}

type describeCluster struct {
	rpc
	ClusterID string `position:"Query" name:"ClusterId"`
}

func (r *describeCluster) subject() subject {
	return subject{action: "DescribeCluster", clusterID: r.ClusterID}
}

// DescribeCluster reads one cluster.
func (c *Client) DescribeCluster(ctx context.Context, in DescribeClusterRequest) (*DescribeClusterResponse, error) {
	req := &describeCluster{rpc: newRPC("DescribeCluster"), ClusterID: in.ClusterID}
	if in.ClusterID == "" {
		return nil, req.subject().badRequest("no cluster id")
	}
	body, err := c.read(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID   scalar `json:"RequestId"`
		ClusterInfo clusterAnswer
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.ClusterInfo.ID == "" {
		return nil, unusable(req, "the answer holds no cluster")
	}
	return &DescribeClusterResponse{RequestID: string(answer.RequestID), Cluster: answer.ClusterInfo.cluster()}, nil
}
