package workflows

import (
	"time"

	"ehpcflow/workflows/policy"
)

// RolloutReport is how a rollout stands, beside its nodes.
type RolloutReport struct {
	// Policy as it is now: orders may have changed it.
	Policy policy.Policy `json:"policy"`

	Waves []Wave `json:"waves"`

	// Wait is what it waits for before it starts more; nil when for nothing.
	Wait *Wait `json:"wait,omitempty"`

	// Paused says that a person paused it.
	Paused bool `json:"paused,omitempty"`

	// Halt says why nothing more is started; nil while it is.
	Halt *policy.Halt `json:"halt,omitempty"`

	// Orders are what people told it, in their order.
	Orders []Order `json:"orders,omitempty"`

	// OrdersLeftOut, CommandsLeftOut and AttemptsLeftOut count what is not in the result
	// because it would outgrow what Temporal takes: more than the last 200 orders, more than
	// 2,000 commands that have ended or 10,000 nodes that these name, and more than 2,000
	// attempts beside the last ones. The history has them all.
	OrdersLeftOut   int `json:"ordersLeftOut,omitempty"`
	CommandsLeftOut int `json:"commandsLeftOut,omitempty"`
	AttemptsLeftOut int `json:"attemptsLeftOut,omitempty"`
}

// Wave is how a wave stands.
type Wave struct {
	Nodes     int               `json:"nodes"`
	States    map[NodeState]int `json:"states,omitempty"`
	StartedAt time.Time         `json:"startedAt,omitzero"`
	EndedAt   time.Time         `json:"endedAt,omitzero"`

	// ApprovedBy are the people who approved that it begins.
	ApprovedBy []string `json:"approvedBy,omitempty"`
}

// Soaks says that it is a soak that ends at the time of Wait.Until. Such a time is no end of
// the wait where an approval is awaited too.
func (r *RolloutReport) Soaks() bool {
	wait := r.Wait
	if wait == nil || wait.For == ForResume || wait.Wave < 2 || wait.Wave > len(r.Waves) || r.Policy.SoakSeconds == 0 || wait.Until.IsZero() {
		return false
	}
	return wait.Until.Equal(r.Waves[wait.Wave-2].EndedAt.Add(seconds(r.Policy.SoakSeconds)))
}

// WaitFor is what a rollout waits for.
type WaitFor string

// What it may wait for.
const (
	ForApproval WaitFor = "approval" // of the next wave
	ForResume   WaitFor = "resume"   // after it was paused
	ForSoak     WaitFor = "soak"     // the time between two waves
)

// Wait is a wait before a wave.
type Wait struct {
	For   WaitFor   `json:"for"`
	Wave  int       `json:"wave"` // that would begin or go on, from 1
	Since time.Time `json:"since"`

	// Until the wait ends by itself: a soak is over then, and a rollout that nobody
	// attends to ends. Zero is never.
	Until time.Time `json:"until,omitzero"`
}
