package activities

import (
	"strings"

	"ehpcflow/ehpc"
)

// JobState is where a job of a scheduler is.
type JobState string

// The states of a job.
const (
	JobPending  JobState = "pending" // not submitted
	JobQueued   JobState = "queued"
	JobRunning  JobState = "running"
	JobFinished JobState = "finished" // the scheduler says so
	JobStopped  JobState = "stopped"  // on cancel, confirmed
	JobMissing  JobState = "missing"  // the scheduler no longer knows it, and how it ended was not seen
	JobUnknown  JobState = "unknown"  // whether it was submitted, or stopped, is not known
)

// Ended says that nothing more is to be seen of the job.
func (s JobState) Ended() bool { return s == JobFinished || s == JobStopped || s == JobMissing }

var jobWords = map[string]JobState{
	ehpc.JobQueued: JobQueued, ehpc.JobRunning: JobRunning, ehpc.JobFinished: JobFinished,
}

// jobState reads the scheduler's word; false of one that is not documented.
func jobState(word string) (JobState, bool) {
	state, known := jobWords[strings.ToUpper(word)]
	return state, known
}
