package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// ListInvocationStatusInput is what to watch, and what is known of it: the one
// command of a run with its nodes, or its several Commands.
type ListInvocationStatusInput struct {
	ClusterID string           `json:"clusterId"`
	CommandID string           `json:"commandId,omitempty"`
	Nodes     NodeStatuses     `json:"nodes,omitempty"` // as last seen: what changes is reported
	Commands  []WatchedCommand `json:"commands,omitempty"`

	// TellAtOnce says that something depends on each change: none is held back.
	TellAtOnce bool `json:"tellAtOnce,omitempty"`

	// LookSeconds between two looks, whatever the age of the command; 0 leaves the
	// pace to the worker.
	LookSeconds int `json:"lookSeconds,omitempty"`

	// Milestones of the command; of several, of the first.
	Milestones

	// Deadline after which an answer without a change ends the watch. An API
	// that does not answer cannot pass it: nobody knows then how the nodes are.
	Deadline time.Time `json:"deadline"`
}

// ListInvocationStatusResult says what changed.
type ListInvocationStatusResult struct {
	Changed        NodeStatuses `json:"changed,omitempty"`
	DeadlinePassed bool         `json:"deadlinePassed,omitempty"`

	// Unmatched are commands whose nodes are not those that were packed: they
	// have to be watched with the state of each.
	Unmatched []string `json:"unmatched,omitempty"`

	// Gone are commands that the service no longer knows.
	Gone []string `json:"gone,omitempty"`
}

// WatchProgress is what a watch shows in its heartbeats, and what the next attempt
// goes on from.
type WatchProgress struct {
	Looks    int               `json:"looks"`
	LastLook time.Time         `json:"lastLook,omitzero"`
	NextLook time.Time         `json:"nextLook,omitzero"`
	Nodes    map[NodeState]int `json:"nodes"`

	// Changed nodes that are not reported yet, so that several are reported
	// together, and since when there are some.
	Changed      NodeStatuses `json:"changed,omitempty"`
	ChangedSince time.Time    `json:"changedSince,omitzero"`

	// Refused says since when looks at a command have been refused without a break.
	Refused map[string]time.Time `json:"refused,omitempty"`
}

// ListInvocationStatus watches commands: it looks at them again and again, and
// returns when nodes have changed or the deadline has passed. Changes of which
// nothing depends are held back for a while and reported together; the last node
// to end is reported at once. That a command still runs is neither an error nor an
// event. An error of the API fails the attempt under the API's code; the next
// attempt goes on from the heartbeat.
//
// It only begins: the Watcher completes it.
func (a *Activities) ListInvocationStatus(ctx context.Context, in ListInvocationStatusInput) (*ListInvocationStatusResult, error) {
	w := a.newWatch(in)
	wait := w.untilNext(time.Now())
	if w.resume(ctx) || activity.GetInfo(ctx).Attempt > 1 { // with an error's back-off or a lost worker's time behind it
		wait = time.Until(w.progress.NextLook)
	}
	if err := a.Watcher.hold(ctx, w, w.progress, wait); err != nil {
		return nil, err
	}
	return nil, activity.ErrResultPending
}
