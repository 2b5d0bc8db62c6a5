package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// ListJobsInput is a job to watch, and what is known of it.
type ListJobsInput struct {
	ClusterID string `json:"clusterId"`
	JobID     string `json:"jobId,omitempty"`
	Name      string `json:"name"`           // unique in the cluster
	User      string `json:"user,omitempty"` // whose job it is

	// Tasks is how many tasks an array job has; 0 of any other.
	Tasks int `json:"tasks,omitempty"`

	// State, Word and Others as last seen: what changes is reported.
	State  JobState `json:"state"`
	Word   string   `json:"word,omitempty"`
	Others []string `json:"others,omitempty"`

	Milestones

	// Deadline after which an answer without a change ends the watch.
	Deadline time.Time `json:"deadline"`

	// GoneAfterSeconds is for how long no look may have shown the job before it is
	// believed to be missing. 0 is Pace.RefusedFor.
	GoneAfterSeconds int `json:"goneAfterSeconds,omitempty"`
}

// ListJobsResult is how the job stands.
type ListJobsResult struct {
	JobID string   `json:"jobId,omitempty"`
	State JobState `json:"state"`

	// Word is the scheduler's where it is not one of those documented.
	Word string `json:"word,omitempty"`

	Nodes     []string         `json:"nodes,omitempty"` // host names
	Tasks     map[JobState]int `json:"tasks,omitempty"` // of an array job that is listed task by task
	StartedAt time.Time        `json:"startedAt,omitzero"`

	// Others are further jobs of that name: the scheduler has it more than once.
	Others []string `json:"others,omitempty"`

	DeadlinePassed bool `json:"deadlinePassed,omitempty"`
}

// JobProgress is what the watch of a job shows in its heartbeats, and what the next
// attempt goes on from.
type JobProgress struct {
	Looks    int       `json:"looks"`
	LastLook time.Time `json:"lastLook,omitzero"`
	NextLook time.Time `json:"nextLook,omitzero"`
	State    JobState  `json:"state"`
	Jobs     int       `json:"jobs"` // that the looks are shared by

	// MissingSince is the first of the looks without a break that did not show the job,
	// MissingWhole says that one of them read every page, and RefusedSince is the first of
	// those that were refused.
	MissingSince time.Time `json:"missingSince,omitzero"`
	MissingWhole bool      `json:"missingWhole,omitempty"`
	RefusedSince time.Time `json:"refusedSince,omitzero"`
}

// ListJobs watches a job: it returns when the job's state has changed or the deadline has
// passed. One look at a cluster's jobs serves all of them that are watched there, see
// sharedLook. A job that no look shows is not missing yet: a new one may be listed late,
// and a listing shifts while it is read.
//
// It only begins: the Watcher completes it.
func (a *Activities) ListJobs(ctx context.Context, in ListJobsInput) (*ListJobsResult, error) {
	return nil, a.holdJob(ctx, &jobWatch{
		activities: a, in: in, progress: JobProgress{State: in.State},
		goneAfter: time.Duration(in.GoneAfterSeconds) * time.Second,
	})
}

// holdJob gives a watch to the Watcher. Its error is activity.ErrResultPending when it
// was taken.
func (a *Activities) holdJob(ctx context.Context, w *jobWatch) error {
	wait := a.Pace.UntilLook(w.in.Milestones, time.Now())
	left := w.resume(ctx)
	if left || activity.GetInfo(ctx).Attempt > 1 { // with an error's back-off or a lost worker's time behind it
		wait = time.Until(w.progress.NextLook)
	}
	w.shared = a.Watcher.jobs.of(a, w.in.ClusterID)
	if err := a.Watcher.hold(ctx, w, w.progress, wait); err != nil {
		return err
	}
	return activity.ErrResultPending
}
