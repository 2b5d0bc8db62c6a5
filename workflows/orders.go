package workflows

import (
	"fmt"
	"strings"
	"time"

	"ehpcflow/workflows/policy"
)

// The updates that steer a rollout that goes on. Each takes an Order, and answers with
// the OrderTaken; what cannot be done is refused with the reason, and changes nothing.
const (
	PauseUpdate   = "pause"       // start nothing more until it is resumed
	ResumeUpdate  = "resume"      // go on
	ApproveUpdate = "approve"     // let the next wave begin
	RejectUpdate  = "reject"      // end the rollout instead; what runs is waited for
	AbandonUpdate = "abandon"     // end it at once; what runs is left running, and is not waited for
	SetUpdate     = "set"         // change the policy, the deadline or the pace
	SkipUpdate    = "skip-nodes"  // leave out nodes that were not started, or try them no more
	AddUpdate     = "add-nodes"   // put further nodes of the cluster into the last wave
	RetryUpdate   = "retry-nodes" // try nodes again that ended without success, beyond their attempts
)

// Order is what a person tells a rollout. By and Why are always needed; the rest
// belongs to single updates.
type Order struct {
	By  string `json:"by"`  // who
	Why string `json:"why"` // for what reason

	// Nodes of skip-nodes, add-nodes and retry-nodes: ECS instance ids.
	Nodes []string `json:"nodes,omitempty"`

	// Set is what set changes; what is not in it stays.
	Set *Settings `json:"set,omitempty"`

	// NodesLeftOut counts the nodes that are not in a result any more, beyond the first
	// 20. It, Action and At are filled in by the rollout.
	NodesLeftOut int `json:"nodesLeftOut,omitempty"`

	Action string    `json:"action,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// String reads "set max-failures 10%, deadline 2h0m0s" or "skip-nodes i-a, i-b".
func (o Order) String() string {
	var parts []string
	if n := len(o.Nodes) + o.NodesLeftOut; n > 0 {
		parts = append(parts, o.Nodes[:min(len(o.Nodes), 3)]...)
		if n > 3 {
			parts = append(parts, fmt.Sprintf("%d more", n-3))
		}
	}
	if set := o.Set; set != nil {
		for _, size := range []struct {
			name string
			of   fmt.Stringer
			is   bool
		}{
			{"concurrency", set.Concurrency, set.Concurrency != nil},
			{"max-failures", set.MaxFailures, set.MaxFailures != nil},
			{"max-failures-per-wave", set.MaxFailuresPerWave, set.MaxFailuresPerWave != nil},
		} {
			if size.is {
				parts = append(parts, size.name+" "+size.of.String())
			}
		}
		for _, length := range []struct {
			name    string
			seconds *int
		}{{"deadline", set.DeadlineSeconds}, {"look-every", set.LookSeconds}} {
			if length.seconds != nil {
				parts = append(parts, fmt.Sprintf("%s %v", length.name, seconds(*length.seconds)))
			}
		}
	}
	return strings.TrimSpace(o.Action + " " + strings.Join(parts, ", "))
}

// Settings are what can be changed while a rollout goes on. Nil stays as it is.
type Settings struct {
	Concurrency *policy.Size `json:"concurrency,omitempty"` // 0 is no limit

	MaxFailures        *policy.Size `json:"maxFailures,omitempty"`
	MaxFailuresPerWave *policy.Size `json:"maxFailuresPerWave,omitempty"`

	// DeadlineSeconds from the start of the rollout; 0 is none.
	DeadlineSeconds *int `json:"deadlineSeconds,omitempty"`

	// LookSeconds between two looks at a command, 1 to 600, however old it is; 0 leaves
	// the pace to the worker.
	LookSeconds *int `json:"lookSeconds,omitempty"`
}

// OrderTaken is how a rollout stands after an order.
type OrderTaken struct {
	Phase Phase `json:"phase"`
	Order Order `json:"order"`
}
