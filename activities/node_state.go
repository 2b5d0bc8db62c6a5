package activities

import (
	"ehpcflow/activities/columns"
	"ehpcflow/ehpc"
)

// NodeState is how a node stands, in words of our own. They are recorded in
// histories: a new word of the vendor's cannot change what a replay decides.
type NodeState string

// The states of a node. A watch reports those up to TimedOut; the others are
// decided when the run is judged.
const (
	Pending   NodeState = "pending"   // not accepted by the service yet as far as seen
	Running   NodeState = "running"   // accepted by the service, and not seen to end
	Unknown   NodeState = "unknown"   // promised but not listed, or under a word never seen before
	Finished  NodeState = "finished"  // execution ended; the exit code is not read yet
	Failed    NodeState = "failed"    // could not be executed to its end, or its outcome was not seen
	Stopped   NodeState = "stopped"   // ended from outside
	TimedOut  NodeState = "timed_out" // killed at the command's timeout
	Succeeded NodeState = "succeeded" // exit code 0 was read
	Nonzero   NodeState = "nonzero"   // another exit code was read
	Lost      NodeState = "lost"      // never listed up to the deadline
	Skipped   NodeState = "skipped"   // never submitted
)

// NodeStates lists every state, best outcome first.
var NodeStates = []NodeState{
	Succeeded, Nonzero, Failed, TimedOut, Stopped, Lost, Skipped, Finished, Running, Pending, Unknown,
}

// Ended says whether nothing more is to be expected of the node.
func (s NodeState) Ended() bool {
	switch s {
	case Pending, Running, Unknown:
		return false
	case Finished, Failed, Stopped, TimedOut, Succeeded, Nonzero, Lost, Skipped:
	}
	return true
}

// statusWords maps the vendor's words. E-HPC documents Running, Finished, Failed
// and Stopped; the rest are its sister product's, ECS Cloud Assistant.
var statusWords = map[string]NodeState{
	"Pending":       Pending,
	"Scheduled":     Pending,
	"Running":       Running,
	"Stopping":      Running,
	"Finished":      Finished,
	"Success":       Finished,
	"Failed":        Failed,
	"PartialFailed": Failed,
	"Error":         Failed,
	"Invalid":       Failed,
	"Aborted":       Failed,
	"Timeout":       TimedOut,
	"Stopped":       Stopped,
	"Terminated":    Stopped,
	"Cancelled":     Stopped,
}

// NodeStatus is a node's state as a watch saw it.
type NodeStatus struct {
	InstanceID string    `json:"instanceId"`
	State      NodeState `json:"state"`

	// Word is the vendor's status word where it is not one of those known.
	Word string `json:"word,omitempty"`

	// CommandID of a node that nobody asked for, where several commands are
	// watched.
	CommandID string `json:"commandId,omitempty"`
}

// NodeStatuses are the states of many nodes; a long list is written as columns.
type NodeStatuses []NodeStatus

// MarshalJSON writes the list; see package columns.
func (n NodeStatuses) MarshalJSON() ([]byte, error) { return columns.Marshal(n) }

// UnmarshalJSON reads it, also as a plain array.
func (n *NodeStatuses) UnmarshalJSON(text []byte) error {
	return columns.Unmarshal(text, (*[]NodeStatus)(n))
}

// Ended says whether nothing more is to be expected of any of the nodes.
func (n NodeStatuses) Ended() bool {
	for _, node := range n {
		if !node.State.Ended() {
			return false
		}
	}
	return true
}

func statusOf(node ehpc.InvokeInstance) NodeStatus {
	state, known := statusWords[node.Status]
	if known {
		return NodeStatus{InstanceID: node.InstanceID, State: state}
	}
	return NodeStatus{InstanceID: node.InstanceID, State: Unknown, Word: node.Status}
}

// changes compares what is known of a command's nodes with a new listing. A node
// that has ended stays so, whatever a later listing says or omits. Nodes that are
// listed and not known are changes too: somebody runs the command where nobody
// asked for it.
func changes(known []NodeStatus, listed []ehpc.InvokeInstance) []NodeStatus {
	seen := make(map[string]NodeStatus, len(listed))
	for _, node := range listed {
		seen[node.InstanceID] = statusOf(node)
	}
	var changed []NodeStatus
	for _, before := range known {
		now, found := seen[before.InstanceID]
		if !found {
			now = NodeStatus{InstanceID: before.InstanceID, State: Unknown}
		}
		if now != before && !before.State.Ended() {
			changed = append(changed, now)
		}
		delete(seen, before.InstanceID)
	}
	for _, node := range listed {
		if now, unasked := seen[node.InstanceID]; unasked {
			changed = append(changed, now)
			delete(seen, node.InstanceID)
		}
	}
	return changed
}
