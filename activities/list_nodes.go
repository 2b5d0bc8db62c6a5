package activities

import (
	"context"
	"time"

	"ehpcflow/ehpc"
)

// ListNodesInput names a cluster.
type ListNodesInput struct {
	ClusterID string `json:"clusterId"`
}

// ListNodesResult holds every node of the cluster.
type ListNodesResult struct {
	Nodes []Node `json:"nodes"`
}

// Node is a machine of a cluster.
type Node struct {
	InstanceID string `json:"instanceId"`
	HostName   string `json:"hostName,omitempty"`

	// Unfit says, in the vendor's word, why the node cannot run a command now;
	// "" when it can.
	Unfit string `json:"unfit,omitempty"`
}

// ListNodes reads every node of a cluster.
func (a *Activities) ListNodes(ctx context.Context, in ListNodesInput) (*ListNodesResult, error) {
	result := &ListNodesResult{}
	listed := make(map[string]bool)
	for page, read := 1, 0; ; page++ {
		answer, err := a.EHPC.ListNodes(ctx, ehpc.ListNodesRequest{
			ClusterID:  in.ClusterID,
			PageNumber: page,
			PageSize:   ehpc.MaxNodesPage,
		})
		if err != nil {
			return nil, a.readFailure(ctx, err, time.Time{})
		}
		for _, node := range answer.Nodes {
			if !listed[node.ID] {
				listed[node.ID] = true
				result.Nodes = append(result.Nodes, Node{InstanceID: node.ID, HostName: node.HostName, Unfit: unfit(node)})
			}
		}
		read += len(answer.Nodes)
		if read >= answer.TotalCount || len(answer.Nodes) == 0 {
			return result, nil
		}
	}
}

func unfit(node ehpc.Node) string {
	switch node.Status {
	case ehpc.NodeRunning:
		return node.LockReason
	case "":
		return "of unknown status"
	}
	return node.Status
}
