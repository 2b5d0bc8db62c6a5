// Package policy holds what a rollout decides by: in which waves nodes are started, how
// many at a time, how many may fail, how many are enough, and which are tried again. It
// is data and pure functions; it knows neither Temporal nor the API.
package policy

import (
	"cmp"
	"slices"
	"time"

	"ehpcflow/activities"
)

// Limits of a policy.
const (
	MaxWaves    = 1000
	MaxAttempts = 10
	MaxSoak     = 7 * 24 * time.Hour
	MaxWait     = 30 * 24 * time.Hour // for an approval
	MaxBackoff  = time.Hour           // between two attempts, however many there were

	DefaultBackoff = 30 * time.Second

	// LeastGather and MostGather bound how long a free place of a window may wait for
	// others, so that they are started in one command.
	LeastGather = 2 * time.Second
	MostGather  = time.Minute
)

// Policy says how a command is rolled out over many nodes. The zero value starts all of
// them at once and lets any number fail.
type Policy struct {
	// Waves are the sizes of the waves, each a number of nodes or a share of all of
	// them; the last one repeats until every node has its wave. A wave begins when
	// every node of the one before has ended. None is a single wave.
	Waves []Size `json:"waves,omitempty"`

	// Concurrency is how many nodes may run at a time, within the wave. As some end others
	// are started: at once up to ten at a time, in tenths of a larger window, or those that
	// there are after a twentieth of the time that the wave has taken. Zero does not limit it.
	Concurrency Size `json:"concurrency,omitzero"`

	// SoakSeconds to wait between two waves. 0 is not at all.
	SoakSeconds int `json:"soakSeconds,omitempty"`

	// Pause says where to wait for an approval.
	Pause []Pause `json:"pause,omitempty"`

	// Approvals that are needed, by as many people. 0 is 1.
	Approvals int `json:"approvals,omitempty"`

	// ApproveWithinSeconds after which a rollout that waits, for an approval or
	// because it was paused, ends as parked. 0 is never.
	ApproveWithinSeconds int `json:"approveWithinSeconds,omitempty"`

	Budget Budget `json:"budget,omitzero"`
	Quorum Quorum `json:"quorum,omitzero"`
	Retry  Retry  `json:"retry,omitzero"`
}

// Pause is a place at which a rollout waits for an approval.
type Pause string

// The places. After the last wave there is nothing to approve.
const (
	PauseStart  Pause = "start"  // before the first wave
	PauseFirst  Pause = "first"  // after the first wave
	PauseEach   Pause = "each"   // after each wave
	PauseFailed Pause = "failed" // after a wave in which a node failed
)

// Pauses lists every place.
var Pauses = []Pause{PauseStart, PauseFirst, PauseEach, PauseFailed}

// InFlight says what becomes of the nodes that run when nothing more is started.
type InFlight string

// What may become of them.
const (
	Drain InFlight = "drain" // they run to their end
	Stop  InFlight = "stop"  // the command is stopped there
)

// Budget is how many nodes may fail. More than that, strictly, breaches it: of 500
// nodes, 5% allows 25, and the 26th breaches it; 0 allows none. A node that is to be
// tried again has not failed yet.
type Budget struct {
	Whole   *Size `json:"whole,omitempty"`   // of all nodes; nil is any number
	PerWave *Size `json:"perWave,omitempty"` // of the nodes of a wave; nil is any number

	// Counts are the states that count as failed. None are all of FailureStates.
	Counts []activities.NodeState `json:"counts,omitempty"`

	OnBreach InFlight `json:"onBreach,omitempty"` // "" is Drain
}

// FailureStates are the states of nodes that may be counted as failed, or tried again.
// Unknown stands for every node of which it was not seen how the command ended.
var FailureStates = []activities.NodeState{
	activities.Nonzero, activities.Failed, activities.TimedOut, activities.Stopped, activities.Lost, activities.Unknown,
}

// Any says whether there is a budget.
func (b Budget) Any() bool { return b.Whole != nil || b.PerWave != nil }

// Failed says whether a node failed that is over in that state, as the budget counts.
// What was left without an outcome is unknown.
func (b Budget) Failed(state activities.NodeState) bool {
	switch state {
	case activities.Succeeded, activities.Skipped:
		return false
	case activities.Running, activities.Pending, activities.Finished:
		state = activities.Unknown
	case activities.Nonzero, activities.Failed, activities.TimedOut, activities.Stopped, activities.Lost, activities.Unknown:
	}
	return len(b.Counts) == 0 || slices.Contains(b.Counts, state)
}

// Quorum is how many nodes have to succeed for the rollout to end successfully.
type Quorum struct {
	Nodes  Size     `json:"nodes,omitzero"`   // a number, or a share of all nodes; zero is none
	OnDone InFlight `json:"onDone,omitempty"` // "" is Drain
}

// Retry says which nodes are tried again after an attempt that did not succeed.
type Retry struct {
	// Attempts at the most on a node, the first included. 0 and 1 try nothing again.
	Attempts int `json:"attempts,omitempty"`

	// On are the states after which a node is tried again, and ExitCodes the exit
	// codes, where it is not after any (nonzero).
	On        []activities.NodeState `json:"on,omitempty"`
	ExitCodes []int                  `json:"exitCodes,omitempty"`

	// BackoffSeconds before the second attempt, and twice as long before each that
	// follows, up to an hour. 0 is DefaultBackoff.
	BackoffSeconds int `json:"backoffSeconds,omitempty"`

	// Elsewhere tries nodes that were not started yet in the place of those that
	// failed: no more nodes are started than the quorum still needs, and no node
	// twice. It needs a quorum, and neither attempts nor states.
	Elsewhere bool `json:"elsewhere,omitempty"`
}

// RetryStates are the states after which a node may be tried again. Where it is not
// known how the command ended it may be running still.
var RetryStates = []activities.NodeState{activities.Nonzero, activities.Failed, activities.TimedOut, activities.Lost}

// Again says whether a node is tried again after so many attempts, the last of which
// ended in that state.
func (r Retry) Again(state activities.NodeState, exitCode *int, attempts int) bool {
	if attempts >= r.Attempts {
		return false
	}
	return slices.Contains(r.On, state) ||
		state == activities.Nonzero && exitCode != nil && slices.Contains(r.ExitCodes, *exitCode)
}

// Backoff is how long to wait after so many attempts.
func (r Retry) Backoff(attempts int) time.Duration {
	wait := cmp.Or(time.Duration(r.BackoffSeconds)*time.Second, DefaultBackoff)
	for range attempts - 1 {
		wait = min(2*wait, MaxBackoff)
	}
	return wait
}

// ApprovalsNeeded is how many people have to approve.
func (p Policy) ApprovalsNeeded() int { return max(p.Approvals, 1) }

// OnBreach is what becomes of the nodes that run when the budget is breached.
func (p Policy) OnBreach() InFlight { return cmp.Or(p.Budget.OnBreach, Drain) }

// OnQuorum is what becomes of the nodes that run when the quorum is reached.
func (p Policy) OnQuorum() InFlight { return cmp.Or(p.Quorum.OnDone, Drain) }

// Split says how many nodes each wave has, of n.
func (p Policy) Split(n int) []int {
	if len(p.Waves) == 0 {
		return []int{n}
	}
	var waves []int
	for left := n; left > 0; left -= waves[len(waves)-1] {
		size := p.Waves[min(len(waves), len(p.Waves)-1)].Of(n)
		waves = append(waves, min(max(size, 1), left))
	}
	return waves
}

// IsZero says that it starts all nodes at once and lets any number fail.
func (p Policy) IsZero() bool {
	b, r := p.Budget, p.Retry
	return len(p.Waves) == 0 && p.Concurrency.IsZero() && p.SoakSeconds == 0 &&
		len(p.Pause) == 0 && p.Approvals == 0 && p.ApproveWithinSeconds == 0 &&
		b.Whole == nil && b.PerWave == nil && len(b.Counts) == 0 && b.OnBreach == "" &&
		p.Quorum == Quorum{} &&
		r.Attempts == 0 && len(r.On) == 0 && len(r.ExitCodes) == 0 && r.BackoffSeconds == 0 && !r.Elsewhere
}

// PausesAfter says whether an approval is asked for after a wave, from 0 among those that
// began.
func (p Policy) PausesAfter(wave int, failed bool) bool {
	return slices.Contains(p.Pause, PauseEach) ||
		wave == 0 && slices.Contains(p.Pause, PauseFirst) ||
		failed && slices.Contains(p.Pause, PauseFailed)
}
