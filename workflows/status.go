package workflows

import (
	"cmp"
	"time"

	"ehpcflow/activities"
	"ehpcflow/activities/columns"
)

// StatusQuery is the query that answers with a RunCommandStatus, also after the
// end of the run. It takes a StatusRequest, or nothing.
const StatusQuery = "status"

// StatusRequest asks for a part of the nodes: From a place, from 0, and how many.
// 0 nodes are StatusNodes.
type StatusRequest struct {
	From  int `json:"from"`
	Nodes int `json:"nodes"`
}

// StatusNodes is how many nodes a status holds at the most, unless it is asked for
// more.
const StatusNodes = 1000

// Phase is what a run is doing.
type Phase string

// The phases, in their order.
const (
	Resolving  Phase = "resolving"  // finding out which nodes the target is
	Submitting Phase = "submitting" // starting the command
	Seeking    Phase = "seeking"    // whether, and as what, the command was started
	Parked     Phase = "parked"     // a question has to be answered; see Question
	Watching   Phase = "watching"   // until every node has ended
	Collecting Phase = "collecting" // reading exit codes and output
	Stopping   Phase = "stopping"   // ending what runs, after the run was cancelled
	Rolling    Phase = "rolling"    // a rollout starts nodes, wave by wave
	Waiting    Phase = "waiting"    // a rollout waits, for a person or between waves; see its Wait
	Draining   Phase = "draining"   // a rollout starts nothing more, and waits for what runs
	Ended      Phase = "ended"
)

// Verdict sums the nodes up.
type Verdict string

// The verdicts.
const (
	Succeeded  Verdict = "succeeded" // every node was seen to succeed
	Partial    Verdict = "partial"   // some were
	Failed     Verdict = "failed"    // none was
	Gone       Verdict = "gone"      // the service no longer knows the command
	Aborted    Verdict = "aborted"   // a rollout ended early; see its Halt
	Canceled   Verdict = "cancelled" // the run was cancelled
	Unattended Verdict = "parked"    // a rollout waited in vain for a person, and left nodes out
)

// NodeState is how a node stands; see the constants of package activities.
type NodeState = activities.NodeState

// RunCommandStatus is how a run stands. Its Nodes may be a part of all.
type RunCommandStatus struct {
	Phase Phase `json:"phase"`

	// NodeCount says how many nodes there are, and States in which states.
	NodeCount int               `json:"nodeCount"`
	States    map[NodeState]int `json:"states,omitempty"`

	// Question that the run waits to have answered; nil when there is none.
	Question *Question `json:"question,omitempty"`

	runID    string // its name, for what people are to type
	attached bool   // it follows a command of elsewhere
	raw      bool   // its command was sent as it is

	outcome Outcome // that it is listed under, from its end on

	RunCommandResult
}

// RunCommandResult is what became of a run. Verdict is empty while it goes on and
// when it could not be followed to its end; Reason then says why.
type RunCommandResult struct {
	ClusterID string    `json:"clusterId"`
	Command   string    `json:"command"`
	Verdict   Verdict   `json:"verdict,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	StartedAt time.Time `json:"startedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`

	// CommandID and SubmittedAt are those of the first of the Commands, which is
	// the only one unless the nodes are many.
	CommandID   string    `json:"commandId,omitempty"`
	SubmittedAt time.Time `json:"submittedAt,omitzero"`

	Nodes    NodeResults `json:"nodes"`
	Commands Commands    `json:"commands,omitempty"`

	// From and Lineage are those of the input.
	From    []string `json:"from,omitempty"`
	Lineage *Lineage `json:"lineage,omitempty"`

	// Rollout is how a rollout stands; nil of a plain run.
	Rollout *RolloutReport `json:"rollout,omitempty"`

	// Answers that were given to the run's questions.
	Answers []Answer `json:"answers,omitempty"`

	index map[string]int // of the nodes, by id
}

// NodeResults are the nodes of a run, in the order of its target, those that it skipped
// from the start behind the others; a long list is written as columns.
type NodeResults []NodeResult

// MarshalJSON writes the list; see package columns.
func (n NodeResults) MarshalJSON() ([]byte, error) { return columns.Marshal(n) }

// UnmarshalJSON reads it, also as a plain array.
func (n *NodeResults) UnmarshalJSON(text []byte) error {
	return columns.Unmarshal(text, (*[]NodeResult)(n))
}

func (n NodeResults) ids() []string {
	ids := make([]string, len(n))
	for i, node := range n {
		ids[i] = node.InstanceID
	}
	return ids
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
	OutputBytes int       `json:"outputBytes,omitempty"` // as the service gave it
	OutputCut   bool      `json:"outputCut,omitempty"`   // Output is its beginning and its end, or what the service kept
	FinishedAt  time.Time `json:"finishedAt,omitzero"`

	// OutputRaw are the bytes of Output where they are not all UTF-8; U+FFFD
	// replaces those in Output.
	OutputRaw []byte `json:"outputBytesBase64,omitempty"`

	// OutputURI is where the worker stored the complete output, and OutputSHA256
	// its digest, in hexadecimal. OutputRemark says why it could not be stored.
	OutputURI    string `json:"outputUri,omitempty"`
	OutputSHA256 string `json:"outputSha256,omitempty"`
	OutputRemark string `json:"outputRemark,omitempty"`

	// Reason says why the node did not succeed, where its state alone does not.
	Reason string `json:"reason,omitempty"`

	// Wave of a rollout that the node is in, from 1. Tries is how often it was tried, where
	// that is more than once; Attempts are those before the last one, which the rest
	// tells of.
	Wave     int       `json:"wave,omitempty"`
	Tries    int       `json:"tries,omitempty"`
	Attempts []Attempt `json:"attempts,omitempty"`

	// RetryAt is when a node is to be tried again; zero of one that is not.
	RetryAt time.Time `json:"retryAt,omitzero"`
}

// Attempt is what became of a node before it was tried again.
type Attempt struct {
	CommandID  string    `json:"commandId,omitempty"`
	State      NodeState `json:"state"`
	ExitCode   *int      `json:"exitCode"`
	Reason     string    `json:"reason,omitempty"`
	Output     string    `json:"output,omitempty"` // its end
	FinishedAt time.Time `json:"finishedAt,omitzero"`
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

// commandsEnded says whether every command has ended on each of its nodes.
func (r *RunCommandResult) commandsEnded() bool {
	for _, command := range r.Commands {
		if !r.nodesOf(command).Ended() {
			return false
		}
	}
	return true
}

// addReason adds a sentence to what keeps the run from being a plain success. A
// long list of them is cut.
func (r *RunCommandResult) addReason(reason string) {
	const most = 2000
	switch {
	case r.Reason == "":
		r.Reason = reason
	case len(r.Reason) < most:
		r.Reason += "; " + reason
	}
}

func (r *RunCommandResult) node(id string) *NodeResult {
	if len(r.index) != len(r.Nodes) {
		r.index = make(map[string]int, len(r.Nodes))
		for i, node := range r.Nodes {
			r.index[node.InstanceID] = i
		}
	}
	if i, found := r.index[id]; found {
		return &r.Nodes[i]
	}
	return nil
}

// nodesOf are the states of the nodes on which a command runs.
func (r *RunCommandResult) nodesOf(command Command) activities.NodeStatuses {
	var statuses activities.NodeStatuses
	add := func(node NodeResult) {
		statuses = append(statuses, activities.NodeStatus{InstanceID: node.InstanceID, State: node.State, Word: node.Word})
	}
	for _, node := range r.Nodes[command.From : command.From+command.Nodes] {
		if command.follows(node.InstanceID) {
			add(node)
		}
	}
	for _, id := range command.Unasked {
		add(*r.node(id))
	}
	return statuses
}

func (r *RunCommandResult) set(nodes NodeResults, state NodeState, reason string) {
	for i := range nodes {
		nodes[i].State, nodes[i].Reason = state, reason
	}
}

// page answers a query with a part of the nodes.
func (s *RunCommandStatus) page(asked StatusRequest) (RunCommandStatus, error) {
	page := *s
	page.NodeCount, page.States = len(s.Nodes), s.RunCommandResult.Counts()
	from := min(max(asked.From, 0), len(s.Nodes))
	page.Nodes = s.Nodes[from:min(from+cmp.Or(max(asked.Nodes, 0), StatusNodes), len(s.Nodes))]
	return page, nil
}

// Apply adds what is newly known of nodes.
func (s *RunCommandStatus) Apply(changed []activities.NodeStatus) {
	for _, now := range changed {
		before := activities.Running
		if node := s.node(now.InstanceID); node != nil {
			if node.State.Ended() {
				continue
			}
			before, node.State, node.Word = node.State, now.State, now.Word
		}
		if s.States != nil {
			s.States[before]--
			s.States[now.State]++
		}
	}
}

// Counts says how many nodes are in each state, those beyond this part included.
func (s RunCommandStatus) Counts() map[NodeState]int {
	if s.States != nil {
		return s.States
	}
	return s.RunCommandResult.Counts()
}
