package activities

import (
	"context"
	"time"
)

// FindJobInput names a job of which it is not known whether it was submitted.
type FindJobInput struct {
	ClusterID string `json:"clusterId"`
	Name      string `json:"name"`
	User      string `json:"user,omitempty"`

	// DoubtAt is when it may have arrived at the latest. It may be listed later.
	DoubtAt time.Time `json:"doubtAt"`
}

// FindJobResult is what was found; JobID is empty when nothing was.
type FindJobResult struct {
	JobID  string   `json:"jobId,omitempty"`
	Others []string `json:"others,omitempty"` // further jobs of that name
}

// FindJob looks for a job by its name, until it is listed or has not been listed for so
// long, see Pace.NewFor, that it was not submitted. Its looks are those of ListJobs.
//
// It only begins: the Watcher completes it.
func (a *Activities) FindJob(ctx context.Context, in FindJobInput) (*FindJobResult, error) {
	return nil, a.holdJob(ctx, &jobWatch{
		activities: a, finds: true, progress: JobProgress{State: JobPending},
		in: ListJobsInput{
			ClusterID: in.ClusterID, Name: in.Name, User: in.User, State: JobPending, Milestones: Milestones{SubmittedAt: in.DoubtAt},
		},
		goneAfter: time.Millisecond, // two looks
	})
}
