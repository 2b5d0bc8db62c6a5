package ehpc

import (
	"context"
	"iter"
	"strconv"
	"strings"
)

// MaxQueueNodesPage is the largest PageSize of ListNodesByQueue.
const MaxQueueNodesPage = 50

// ListNodesByQueueRequest asks for one page of the nodes that serve a queue.
type ListNodesByQueueRequest struct {
	ClusterID  string
	QueueName  string
	PageNumber int // from 1
	PageSize   int // 1 to MaxQueueNodesPage
}

type listNodesByQueue struct {
	rpc
	ClusterID  string `position:"Query" name:"ClusterId"`
	QueueName  string `position:"Query" name:"QueueName"`
	PageNumber string `position:"Query" name:"PageNumber"`
	PageSize   string `position:"Query" name:"PageSize"`
}

func (r *listNodesByQueue) subject() subject {
	return subject{action: "ListNodesByQueue", clusterID: r.ClusterID}
}

// ListNodesByQueue reads one page of the nodes that serve a queue of the cluster's
// scheduler. What the service answers for a queue that there is not is undocumented:
// it may be an empty page or an error.
func (c *Client) ListNodesByQueue(ctx context.Context, in ListNodesByQueueRequest) (*Page[Node], error) {
	req := &listNodesByQueue{
		rpc:        newRPC("ListNodesByQueue"),
		ClusterID:  in.ClusterID,
		QueueName:  in.QueueName,
		PageNumber: strconv.Itoa(in.PageNumber),
		PageSize:   strconv.Itoa(in.PageSize),
	}
	problem := pageProblem(in.ClusterID, in.PageNumber, in.PageSize, MaxQueueNodesPage)
	if problem == "" && strings.TrimSpace(in.QueueName) == "" {
		problem = "no queue name"
	}
	if problem != "" {
		return nil, req.subject().badRequest(problem)
	}
	return readPage(ctx, c.read, req, "Nodes", nodeAnswer.node)
}

// NodesByQueue yields every node that serves a queue.
func (c *Client) NodesByQueue(ctx context.Context, clusterID, queueName string) iter.Seq2[Node, error] {
	return allPages(func(node Node) string { return node.ID }, func(number int) (*Page[Node], error) {
		return c.ListNodesByQueue(ctx, ListNodesByQueueRequest{
			ClusterID: clusterID, QueueName: queueName, PageNumber: number, PageSize: MaxQueueNodesPage,
		})
	})
}
