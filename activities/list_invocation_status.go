package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/ehpc"
)

// ListInvocationStatusInput is a command to watch and what is known of it.
type ListInvocationStatusInput struct {
	ClusterID string `json:"clusterId"`
	CommandID string `json:"commandId"`

	// Nodes that were submitted to, as last seen: what changes is reported.
	Nodes []NodeStatus `json:"nodes"`

	SubmittedAt time.Time `json:"submittedAt"`

	// Deadline after which an answer without a change ends the watch. An API
	// that does not answer cannot pass it: nobody knows then how the nodes are.
	Deadline time.Time `json:"deadline"`
}

// ListInvocationStatusResult says what changed.
type ListInvocationStatusResult struct {
	Changed        []NodeStatus `json:"changed,omitempty"`
	DeadlinePassed bool         `json:"deadlinePassed,omitempty"`
}

// WatchProgress is what a watch shows in its heartbeats.
type WatchProgress struct {
	Looks    int               `json:"looks"`
	LastLook time.Time         `json:"lastLook"`
	Nodes    map[NodeState]int `json:"nodes"`
}

// ListInvocationStatus watches a command: it looks at it again and again, and
// returns when a node's state has changed or the deadline has passed. That a
// command still runs is neither an error nor an event. An error of the API fails
// the attempt under the API's code; the next attempt goes on from the input.
func (a *Activities) ListInvocationStatus(ctx context.Context, in ListInvocationStatusInput) (*ListInvocationStatusResult, error) {
	// An attempt after an error looks at once: its back-off is behind it.
	if activity.GetInfo(ctx).Attempt == 1 {
		if err := a.untilNextLook(ctx, in); err != nil {
			return nil, err
		}
	}
	progress := WatchProgress{Nodes: countStates(in.Nodes)}
	beat, stop := keepAlive(ctx, progress)
	defer stop()
	for {
		answer, err := a.EHPC.ListInvocationStatus(ctx, ehpc.ListInvocationStatusRequest{
			ClusterID: in.ClusterID,
			CommandID: in.CommandID,
		})
		if err != nil {
			return nil, a.readFailure(ctx, err, in.SubmittedAt)
		}
		result := &ListInvocationStatusResult{
			Changed:        changes(in.Nodes, answer.Instances),
			DeadlinePassed: time.Now().After(in.Deadline),
		}
		if len(result.Changed) > 0 || result.DeadlinePassed {
			return result, nil
		}
		progress.Looks++
		progress.LastLook = time.Now().UTC()
		beat(progress)
		if err := a.untilNextLook(ctx, in); err != nil {
			return nil, err
		}
	}
}

// untilNextLook waits, or returns early with an error when the run was cancelled
// or the worker is stopping.
func (a *Activities) untilNextLook(ctx context.Context, in ListInvocationStatusInput) error {
	wait := a.Pace.nextLook(time.Since(in.SubmittedAt))
	if left := time.Until(in.Deadline); left > 0 {
		wait = min(wait, left+a.Pace.Look.Min)
	}
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
				NextRetryDelay: a.Pace.Look.Min,
				Category:       temporal.ApplicationErrorCategoryBenign,
			})
	}
}

func countStates(nodes []NodeStatus) map[NodeState]int {
	counts := make(map[NodeState]int)
	for _, node := range nodes {
		counts[node.State]++
	}
	return counts
}
