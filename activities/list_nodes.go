package activities

import (
	"context"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"ehpcflow/activities/columns"
	"ehpcflow/ehpc"
)

// ListNodesInput names a cluster.
type ListNodesInput struct {
	ClusterID string `json:"clusterId"`

	// InstanceIDs of the nodes to tell of; none are all of the cluster.
	InstanceIDs []string `json:"instanceIds,omitempty"`

	// SubmittedAt is when a command was submitted to them; zero before that.
	SubmittedAt time.Time `json:"submittedAt,omitzero"`
}

// ListNodesResult holds the nodes of the cluster that were asked for.
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

// ListNodes reads the nodes of a cluster. One that is not in it is not in the result.
func (a *Activities) ListNodes(ctx context.Context, in ListNodesInput) (*ListNodesResult, error) {
	info := activity.GetInfo(ctx)
	result := &ListNodesResult{}
	for node, err := range a.EHPC.Nodes(ctx, in.ClusterID) {
		switch {
		case err != nil && in.SubmittedAt.IsZero():
			return nil, a.readFailure(err, info.Attempt)
		case err != nil:
			return nil, a.attendedFailure(err, in.SubmittedAt, info.ScheduledTime, info.Attempt)
		case len(in.InstanceIDs) > 0 && !slices.Contains(in.InstanceIDs, node.ID):
			continue
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
