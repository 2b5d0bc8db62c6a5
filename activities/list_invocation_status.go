package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// ListInvocationStatusInput is what to watch, and what is known of it: the one
// command of a run with its nodes, or its several Commands.
type ListInvocationStatusInput struct {
	ClusterID string           `json:"clusterId"`
	CommandID string           `json:"commandId,omitempty"`
	Nodes     NodeStatuses     `json:"nodes,omitempty"` // as last seen: what changes is reported
	Commands  []WatchedCommand `json:"commands,omitempty"`

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
}

// ListInvocationStatus watches commands: it looks at them again and again, and
// returns when nodes have changed or the deadline has passed. Changes of which
// nothing depends are held back for a while and reported together; the last node
// to end is reported at once. That a command still runs is neither an error nor an
// event. An error of the API fails the attempt under the API's code; the next
// attempt goes on from the heartbeat.
func (a *Activities) ListInvocationStatus(ctx context.Context, in ListInvocationStatusInput) (*ListInvocationStatusResult, error) {
	w := a.newWatch(in)
	wait := a.Pace.UntilLook(in.Milestones, time.Now())
	if w.resume(ctx) || activity.GetInfo(ctx).Attempt > 1 { // with an error's back-off or a lost worker's time behind it
		wait = time.Until(w.progress.NextLook)
	}
	alive := keepAlive(ctx, w.progress)
	defer alive.stop()
	for {
		if err := a.untilLook(ctx, wait); err != nil {
			alive.beat(w.progress)
			return nil, err
		}
		failed, err := w.look(ctx)
		if err != nil {
			alive.beat(w.progress)
			return nil, a.readFailure(ctx, err, failed.SubmittedAt)
		}
		if report := w.report(time.Now()); report != nil {
			return report, nil
		}
		wait = w.untilLook(time.Now())
		if w.changedInLook {
			alive.beat(w.progress)
		} else {
			alive.set(w.progress)
		}
	}
}

// untilLook waits, or returns early with an error when the run was cancelled or
// the worker is stopping.
func (a *Activities) untilLook(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-activity.GetWorkerStopChannel(ctx):
		return temporal.NewApplicationErrorWithOptions("the worker is stopping; another one goes on", WorkerStopping,
			temporal.ApplicationErrorOptions{
				NextRetryDelay: handOver,
				Category:       temporal.ApplicationErrorCategoryBenign,
			})
	}
}

// handOver is how long a watch that left a stopping worker is left alone, for that
// worker to have stopped asking for work.
const handOver = 500 * time.Millisecond
