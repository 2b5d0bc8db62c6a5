package workflows

import (
	"time"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
)

// JobQuery is the query that a run of a job answers with a JobStatus, also after its end.
const JobQuery = "job"

// JobInput is a job for a cluster's scheduler.
type JobInput struct {
	ClusterID string `json:"clusterId"`

	// Job says what to run. Its cluster is ClusterID.
	Job pipeline.Job `json:"job"`

	// StopWithinSeconds is how long stopping may take before the run ends although it
	// could not be confirmed. 0 is DefaultStopWithin.
	StopWithinSeconds int `json:"stopWithinSeconds,omitempty"`

	// FailUnless says whether the run fails for Temporal when its verdict is another.
	FailUnless FailUnless `json:"failUnless,omitempty"`
}

// JobStatus is how a run of a job stands.
type JobStatus struct {
	Phase Phase `json:"phase"` // Submitting, Seeking, Parked, Watching, Collecting, Stopping or Ended
	JobResult

	// Question that the run cannot answer by itself: a submit in doubt.
	Question *Question `json:"question,omitempty"`
	Answers  []Answer  `json:"answers,omitempty"`
}

// JobState is where a job is; see the constants of package activities.
type JobState = activities.JobState

// The states of a job.
const (
	JobPending  = activities.JobPending // not submitted
	JobQueued   = activities.JobQueued
	JobRunning  = activities.JobRunning
	JobFinished = activities.JobFinished // the scheduler says so; ExitStatus says how, where it is known
	JobStopped  = activities.JobStopped  // on cancel, confirmed
	JobMissing  = activities.JobMissing  // the scheduler no longer knows it, and how it ended was not seen
	JobUnknown  = activities.JobUnknown  // whether it was submitted, or stopped, is not known
)

// JobResult is what became of a job.
type JobResult struct {
	ClusterID string `json:"clusterId"`
	Name      string `json:"name"`            // unique in the cluster
	JobID     string `json:"jobId,omitempty"` // the scheduler's
	Adopted   bool   `json:"adopted,omitempty"`

	// Copies are further jobs of that name which the scheduler has, were told to stop, and
	// were not seen to end.
	Copies []string `json:"copies,omitempty"`

	State JobState `json:"state"`
	Word  string   `json:"word,omitempty"` // the scheduler's, where it is none of the documented ones

	// ExitStatus is nil where the scheduler gives none.
	ExitStatus *int     `json:"exitStatus,omitempty"`
	Nodes      []string `json:"nodes,omitempty"` // host names

	// Tasks says how many of an array job's tasks are in each state.
	Tasks map[JobState]int `json:"tasks,omitempty"`

	// Log is the end of what the job printed, where the service gives it.
	Log string `json:"log,omitempty"`

	Verdict     Verdict   `json:"verdict,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	SubmittedAt time.Time `json:"submittedAt,omitzero"`
	StartedAt   time.Time `json:"startedAt,omitzero"` // by the scheduler
	EndedAt     time.Time `json:"endedAt,omitzero"`
}
