package ehpc

import (
	"context"
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

// Node is a machine of a cluster.
type Node struct {
	ID       string // its ECS instance id
	HostName string
	Status   string // NodeRunning or one of the other words

	// Roles that it plays: Compute, Login, Scheduler, SchedulerBackup, Account,
	// AccountBackup. One node may play several.
	Roles []string

	// LockReason says why the cloud holds the machine back (financial,
	// security, recycling, …); "" when it does not.
	LockReason string
}

type nodeAnswer struct {
	ID         scalar `json:"Id"`
	HostName   scalar
	Status     scalar
	Roles      list[string]
	LockReason scalar
}

func (a nodeAnswer) node() Node {
	return Node{
		ID: string(a.ID), HostName: string(a.HostName), Status: string(a.Status), Roles: a.Roles, LockReason: string(a.LockReason),
	}
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
func (c *Client) ListNodes(ctx context.Context, in ListNodesRequest) (*Page[Node], error) {
	req := &listNodes{
		rpc:        newRPC("ListNodes"),
		ClusterID:  in.ClusterID,
		PageNumber: strconv.Itoa(in.PageNumber),
		PageSize:   strconv.Itoa(in.PageSize),
	}
	if problem := pageProblem(in.ClusterID, in.PageNumber, in.PageSize, MaxNodesPage); problem != "" {
		return nil, req.subject().badRequest(problem)
	}
	return readPage(ctx, c.read, req, "Nodes", nodeAnswer.node)
}

// Nodes yields every node of a cluster.
func (c *Client) Nodes(ctx context.Context, clusterID string) iter.Seq2[Node, error] {
	return allPages(func(node Node) string { return node.ID }, func(number int) (*Page[Node], error) {
		return c.ListNodes(ctx, ListNodesRequest{ClusterID: clusterID, PageNumber: number, PageSize: MaxNodesPage})
	})
}
