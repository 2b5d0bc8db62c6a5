package workflows

import (
	"fmt"
	"slices"
	"time"

	"ehpcflow/activities"
)

// StatusQuery is the query that answers with a RunCommandStatus, also after the
// end of the run.
const StatusQuery = "status"

// Phase is what a run is doing.
type Phase string

// The phases, in their order.
const (
	Resolving  Phase = "resolving"  // finding out which nodes the target is
	Submitting Phase = "submitting" // starting the command
	Watching   Phase = "watching"   // until every node has ended
	Collecting Phase = "collecting" // reading exit codes and output
	Ended      Phase = "ended"
)

// Verdict sums the nodes up.
type Verdict string

// The verdicts.
const (
	Succeeded Verdict = "succeeded" // every node was seen to succeed
	Partial   Verdict = "partial"   // some were
	Failed    Verdict = "failed"    // none was
)

// NodeState is how a node stands; see the constants of package activities.
type NodeState = activities.NodeState

// RunCommandStatus is how a run stands.
type RunCommandStatus struct {
	Phase Phase `json:"phase"`
	RunCommandResult
}

// RunCommandResult is what became of a run. Verdict is empty while it goes on and
// when it could not be followed to its end; Reason then says why.
type RunCommandResult struct {
	ClusterID   string       `json:"clusterId"`
	Command     string       `json:"command"`
	CommandID   string       `json:"commandId,omitempty"`
	Verdict     Verdict      `json:"verdict,omitempty"`
	Reason      string       `json:"reason,omitempty"`
	SubmittedAt time.Time    `json:"submittedAt,omitzero"`
	EndedAt     time.Time    `json:"endedAt,omitzero"`
	Nodes       []NodeResult `json:"nodes"`
}

// NodeResult is how one node stands, or what became of it.
type NodeResult struct {
	InstanceID string    `json:"instanceId"`
	HostName   string    `json:"hostName,omitempty"` // known when the cluster was listed
	State      NodeState `json:"state"`

	// Word is the vendor's status word where it is not one of those known.
	Word string `json:"word,omitempty"`

	ExitCode    *int      `json:"exitCode"` // null until one was read
	Output      string    `json:"output,omitempty"`
	OutputBytes int       `json:"outputBytes,omitempty"` // more than len(Output) when it was cut
	FinishedAt  time.Time `json:"finishedAt,omitzero"`

	// Reason says why the node did not succeed, where its state alone does not.
	Reason string `json:"reason,omitempty"`
}

// Counts says how many nodes are in each state.
func (r RunCommandResult) Counts() map[NodeState]int {
	counts := make(map[NodeState]int)
	for _, node := range r.Nodes {
		counts[node.State]++
	}
	return counts
}

// EndedNodes says of how many nodes nothing more is to be expected.
func (r RunCommandResult) EndedNodes() int {
	ended := 0
	for _, node := range r.Nodes {
		if node.State.Ended() {
			ended++
		}
	}
	return ended
}

func (r *RunCommandResult) allEnded() bool { return r.EndedNodes() == len(r.Nodes) }

func (r *RunCommandResult) instanceIDs() []string {
	ids := make([]string, len(r.Nodes))
	for i, node := range r.Nodes {
		ids[i] = node.InstanceID
	}
	return ids
}

func (r *RunCommandResult) nodeStatuses() []activities.NodeStatus {
	statuses := make([]activities.NodeStatus, len(r.Nodes))
	for i, node := range r.Nodes {
		statuses[i] = activities.NodeStatus{InstanceID: node.InstanceID, State: node.State, Word: node.Word}
	}
	return statuses
}

func (r *RunCommandResult) node(id string) *NodeResult {
	i := slices.IndexFunc(r.Nodes, func(node NodeResult) bool { return node.InstanceID == id })
	if i < 0 {
		return nil
	}
	return &r.Nodes[i]
}

func (r *RunCommandResult) apply(changed []activities.NodeStatus) {
	for _, now := range changed {
		if node := r.node(now.InstanceID); node != nil {
			node.State, node.Word = now.State, now.Word
		}
	}
}

func (r *RunCommandResult) setAll(state NodeState, reason string) {
	for i := range r.Nodes {
		r.Nodes[i].State, r.Nodes[i].Reason = state, reason
	}
}

// accept takes the nodes that the service says it runs the command on. Those that
// nobody asked for are followed and shown too, and spoil the verdict.
func (r *RunCommandResult) accept(accepted []string) {
	for _, id := range accepted {
		if node := r.node(id); node != nil {
			node.State = activities.Running
			continue
		}
		r.Nodes = append(r.Nodes, NodeResult{InstanceID: id, State: activities.Running})
		r.Reason = fmt.Sprintf("the service reports the command on nodes that were not asked for, such as %s", id)
	}
}

// overdue marks what was not seen to end by the deadline.
func (r *RunCommandResult) overdue() {
	for i := range r.Nodes {
		node := &r.Nodes[i]
		switch {
		case node.State.Ended():
		case node.State == activities.Unknown && node.Word == "":
			node.State, node.Reason = activities.Lost, "not in the service's listing up to the deadline"
		default:
			node.Reason = "not seen to end by the deadline; it may still be running"
		}
	}
	r.Reason = "the deadline passed before every node was seen to end"
}

func (r *RunCommandResult) cancelReason() string {
	switch going := len(r.Nodes) - r.EndedNodes(); {
	case r.CommandID == "":
		return "cancelled before the command was submitted"
	case going > 0:
		return fmt.Sprintf("the wait was cancelled; the command was not stopped and may still be running on %d of %s", going, Nodes(len(r.Nodes)))
	default:
		return "cancelled after every node had ended, before the results were read"
	}
}
