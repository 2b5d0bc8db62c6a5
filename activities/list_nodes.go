package activities

import (
	"context"
	"maps"
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

	// Select tells of the nodes that it means, and Cluster and Unmatched with them.
	// Nil selects nothing.
	Select *Selector `json:"select,omitempty"`

	// Whole tells everything, for a plan: the roles, status and queues of each node,
	// Cluster, and the nodes that Select leaves out.
	Whole bool `json:"whole,omitempty"`
}

// ListNodesResult holds the nodes of the cluster that were asked for.
type ListNodesResult struct {
	Nodes Nodes `json:"nodes"`

	// LeftOut are the nodes that the selector does not mean, where they were asked for.
	LeftOut Nodes `json:"leftOut,omitempty"`

	// Cluster says what there is to select from.
	Cluster *ClusterNodes `json:"cluster,omitempty"`

	// Unmatched are the words of the selector that fit no node at all.
	Unmatched []string `json:"unmatched,omitempty"`
}

// ClusterNodes counts the nodes of a cluster: all, by role, and by status. A node may
// play several roles.
type ClusterNodes struct {
	Nodes    int         `json:"nodes"`
	Roles    []WordCount `json:"roles"`
	Statuses []WordCount `json:"statuses"`

	// Queues that the selector names, with those that no node serves; nil where it
	// names none. A node may serve several.
	Queues []WordCount `json:"queues,omitempty"`
}

// WordCount says how many nodes have one of the vendor's words, or serve a queue.
type WordCount struct {
	Word  string `json:"word"` // of the service
	Nodes int    `json:"nodes"`
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

	// Roles and Status are the vendor's words, told where they are asked for.
	Roles  []string `json:"roles,omitempty"`
	Status string   `json:"status,omitempty"`

	// Queues that the node serves, of those that the selector names, told with them.
	Queues []string `json:"queues,omitempty"`

	// LeftOut says why the selector does not mean the node; "" when it does.
	LeftOut LeftOut `json:"leftOut,omitempty"`
}

// ListNodes reads the nodes of a cluster. One that is not in it is not in the result.
func (a *Activities) ListNodes(ctx context.Context, in ListNodesInput) (*ListNodesResult, error) {
	stop := keepAlive(ctx, "listing")
	defer stop()
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
		result.Nodes = append(result.Nodes, Node{
			InstanceID: node.ID, HostName: node.HostName, Unfit: unfit(node), Roles: node.Roles, Status: node.Status,
		})
	}
	if in.Select != nil || in.Whole {
		result.Cluster = result.Nodes.count()
	}
	if in.Select != nil && len(in.Select.Queues) > 0 {
		queues, err := a.queuesOf(ctx, in.ClusterID, in.Select.Queues, result.Nodes)
		if err != nil {
			return nil, a.readFailure(err, info.Attempt)
		}
		result.Cluster.Queues = queues
	}
	if in.Select != nil {
		result.Nodes, result.LeftOut, result.Unmatched = in.Select.Choose(result.Nodes)
	}
	if !in.Whole {
		result.LeftOut = nil
		for i := range result.Nodes {
			result.Nodes[i].Roles, result.Nodes[i].Status, result.Nodes[i].Queues = nil, "", nil
		}
	}
	return result, nil
}

// queuesOf notes for each node which of the queues it serves, and counts them.
func (a *Activities) queuesOf(ctx context.Context, clusterID string, queues []string, nodes Nodes) ([]WordCount, error) {
	at := make(map[string]int, len(nodes))
	for i, node := range nodes {
		at[node.InstanceID] = i
	}
	counts := make(map[string]int)
	for _, queue := range queues {
		if _, asked := counts[queue]; asked {
			continue
		}
		counts[queue] = 0
		for node, err := range a.EHPC.NodesByQueue(ctx, clusterID, queue) {
			if err != nil {
				return nil, err
			}
			if i, listed := at[node.ID]; listed { // not one that has joined since
				nodes[i].Queues = append(nodes[i].Queues, queue)
				counts[queue]++
			}
		}
	}
	return inOrder(counts), nil
}

func (n Nodes) count() *ClusterNodes {
	roles, statuses := make(map[string]int), make(map[string]int)
	for _, node := range n {
		statuses[node.Status]++
		for _, role := range node.Roles {
			roles[role]++
		}
	}
	return &ClusterNodes{Nodes: len(n), Roles: inOrder(roles), Statuses: inOrder(statuses)}
}

func inOrder(counts map[string]int) []WordCount {
	list := []WordCount{}
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, WordCount{word, counts[word]})
	}
	return list
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
