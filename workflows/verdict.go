package workflows

import (
	"fmt"
	"time"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
)

// judgeNode decides from the state that a node ended in and the record that it
// left. Success needs an exit code of 0 that was really read, on an execution
// that the service calls finished and collected. The service has no word of its
// own for a command that it killed at its timeout: it is Failed from killedAt on.
func judgeNode(ended NodeState, record activities.ResultRecord, found bool, killedAt time.Time) (NodeState, string) {
	collected := record.Collected == nil || *record.Collected
	switch {
	case record.Refusal == guard.Unrecorded:
		return activities.Failed, "the node could not record that the command runs, so it was not run: see its output"
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

// gone says whether the service knows none of the commands any more.
func (r *RunCommandResult) gone() bool {
	for _, command := range r.Commands {
		if !command.Gone {
			return false
		}
	}
	return len(r.Commands) > 0
}

// verdict follows from the nodes alone. What is worth a reason, such as nodes that
// nobody asked for, spoils it.
func (r *RunCommandResult) verdict() Verdict {
	succeeded := r.Counts()[activities.Succeeded]
	switch {
	case succeeded == 0 && r.gone():
		return Gone
	case succeeded == 0:
		return Failed
	case succeeded == len(r.Nodes) && r.Reason == "":
		return Succeeded
	}
	return Partial
}
