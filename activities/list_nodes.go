package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"ehpcflow/activities/columns"
	"ehpcflow/ehpc"
)

// ListNodesInput names a cluster.
type ListNodesInput struct {
	ClusterID string `json:"clusterId"`
}

// ListNodesResult holds every node of the cluster.
type ListNodesResult struct {
	Nodes Nodes `json:"nodes"`
}

// Nodes are the machines of a cluster; a long list is written as columns.
type Nodes []Node

// MarshalJSON writes the list; see package columns.
func (n Nodes) MarshalJSON() ([]byte, error) { return columns.Marshal(n) }

// UnmarshalJSON reads it, also as a plain array.
func (n *Nodes) UnmarshalJSON(text []byte) error { return columns.Unmarshal(text, (*[]Node)(n)) }

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
	for node, err := range a.EHPC.Nodes(ctx, in.ClusterID) {
		if err != nil {
			return nil, a.readFailure(err, time.Time{}, activity.GetInfo(ctx).Attempt)
		}
		result.Nodes = append(result.Nodes, Node{InstanceID: node.ID, HostName: node.HostName, Unfit: unfit(node)})
	}
	return result, nil
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
