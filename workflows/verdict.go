package workflows

import (
	"fmt"
	"time"

	"ehpcflow/activities"
)

// collectable lists the nodes that may have left a result.
func (r *RunCommandResult) collectable() []string {
	var ids []string
	for _, node := range r.Nodes {
		switch node.State {
		case activities.Finished, activities.Failed, activities.Stopped, activities.TimedOut:
			ids = append(ids, node.InstanceID)
		case activities.Pending, activities.Running, activities.Unknown, activities.Succeeded,
			activities.Nonzero, activities.Lost, activities.Skipped:
		}
	}
	return ids
}

// judge gives every node that ended its final state.
func (r *RunCommandResult) judge(records []activities.ResultRecord, timeout time.Duration) {
	byNode := make(map[string]activities.ResultRecord, len(records))
	for _, record := range records {
		byNode[record.InstanceID] = record
	}
	for _, id := range r.collectable() {
		node := r.node(id)
		record, found := byNode[id]
		node.State, node.Reason = judgeNode(node.State, record, found, r.SubmittedAt.Add(timeout))
		if node.State == activities.TimedOut {
			node.Reason = fmt.Sprintf("killed at its timeout of %v", timeout)
		}
		node.ExitCode = record.ExitCode
		node.Output = record.Output
		node.OutputBytes = record.OutputBytes
		node.FinishedAt = record.FinishedAt
	}
}

// judgeNode decides from the state that a node ended in and the record that it
// left. Success needs an exit code of 0 that was really read, on an execution
// that the service calls finished and collected. The service has no word of its
// own for a command that it killed at its timeout: it is Failed from killedAt on.
func judgeNode(ended NodeState, record activities.ResultRecord, found bool, killedAt time.Time) (NodeState, string) {
	collected := record.Collected == nil || *record.Collected
	switch {
	case !found:
		return lastSeen(ended), "it ended, but the service holds no result of it"
	case ended == activities.Failed && !record.FinishedAt.Before(killedAt.Truncate(time.Second)):
		return activities.TimedOut, ""
	case ended == activities.Failed && record.ExitCode != nil && *record.ExitCode > 0 && collected:
		return activities.Nonzero, ""
	case ended == activities.Failed:
		return activities.Failed, "the service could not run it to its end"
	case ended != activities.Finished:
		return ended, ""
	case !record.State.Ended():
		return activities.Failed, fmt.Sprintf("its status says finished, its result says %s", record.State)
	case record.ExitCode == nil:
		return activities.Failed, "the service gave no exit code"
	case *record.ExitCode != 0:
		return activities.Nonzero, ""
	case !collected:
		return activities.Failed, "the service reports that collecting the result failed"
	case record.State != activities.Finished:
		return activities.Failed, fmt.Sprintf("its status says finished, its result says %s", record.State)
	}
	return activities.Succeeded, ""
}

// lastSeen keeps the state of a node without a record, but never as finished,
// which would say that an exit code is still to come.
func lastSeen(ended NodeState) NodeState {
	if ended == activities.Finished {
		return activities.Failed
	}
	return ended
}

// verdict follows from the nodes alone. Nodes that nobody asked for spoil it.
func (r *RunCommandResult) verdict() Verdict {
	succeeded := r.Counts()[activities.Succeeded]
	switch {
	case succeeded == 0:
		return Failed
	case succeeded == len(r.Nodes) && r.Reason == "":
		return Succeeded
	}
	return Partial
}
