package ehpc

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
)

// MaxNodesPage is the largest PageSize of ListNodes.
const MaxNodesPage = 100

// NodeRunning is the status word of a node that can run a command. Others are
// uninit, exception, initing, releasing, untracking and stopped.
const NodeRunning = "running"

// ListNodesRequest asks for one page of a cluster's nodes.
type ListNodesRequest struct {
	ClusterID  string
	PageNumber int // from 1
	PageSize   int // 1 to MaxNodesPage
}

// ListNodesResponse is one page of nodes.
type ListNodesResponse struct {
	RequestID  string
	TotalCount int
	Nodes      []Node
}

// Node is a machine of a cluster.
type Node struct {
	ID       string // its ECS instance id
	HostName string
	Status   string // NodeRunning or one of the other words

	// LockReason says why the cloud holds the machine back (financial,
	// security, recycling, …); "" when it does not.
	LockReason string
}

type listNodes struct {
	rpc
	ClusterID  string `position:"Query" name:"ClusterId"`
	PageNumber string `position:"Query" name:"PageNumber"`
	PageSize   string `position:"Query" name:"PageSize"`
}

func (r *listNodes) subject() subject {
	return subject{action: "ListNodes", clusterID: r.ClusterID}
}

// ListNodes reads one page of the nodes of a cluster.
func (c *Client) ListNodes(ctx context.Context, in ListNodesRequest) (*ListNodesResponse, error) {
	req := &listNodes{
		rpc:        newRPC("ListNodes"),
		ClusterID:  in.ClusterID,
		PageNumber: strconv.Itoa(in.PageNumber),
		PageSize:   strconv.Itoa(in.PageSize),
	}
	if problem := pageProblem(in.ClusterID, in.PageNumber, in.PageSize, MaxNodesPage); problem != "" {
		return nil, req.subject().badRequest(problem)
	}
	body, err := c.read(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID  scalar `json:"RequestId"`
		TotalCount scalar
		Nodes      list[struct {
			ID         scalar `json:"Id"`
			HostName   scalar
			Status     scalar
			LockReason scalar
		}]
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.TotalCount.number() == nil {
		return nil, req.subject().badResponse("the answer holds no TotalCount")
	}
	out := &ListNodesResponse{RequestID: string(answer.RequestID), TotalCount: *answer.TotalCount.number()}
	for _, node := range answer.Nodes {
		out.Nodes = append(out.Nodes, Node{
			ID:         string(node.ID),
			HostName:   string(node.HostName),
			Status:     string(node.Status),
			LockReason: string(node.LockReason),
		})
	}
	return out, nil
}

// Nodes yields every node of a cluster.
func (c *Client) Nodes(ctx context.Context, clusterID string) iter.Seq2[Node, error] {
	return allPages(func(node Node) string { return node.ID }, func(number int) (page[Node], error) {
		answer, err := c.ListNodes(ctx, ListNodesRequest{ClusterID: clusterID, PageNumber: number, PageSize: MaxNodesPage})
		if err != nil {
			return page[Node]{}, err
		}
		return page[Node]{answer.Nodes, answer.TotalCount}, nil
	})
}
