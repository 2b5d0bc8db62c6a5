package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// stop ends the job after the run was cancelled, and watches it until it is seen to have
// ended. What could not be confirmed within the limit is said to be so. It returns the
// cancellation, unless the job had ended by itself.
func (r *runJob) stop(ctx workflow.Context, canceled error) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if r.status.State.Ended() {
		return r.describe(ctx)
	}
	r.enter(ctx, Stopping)
	s := &r.status
	stopBy := workflow.Now(ctx).Add(r.in.stopWithin())
	if r.inDoubt {
		r.findToStop(ctx, stopBy)
	}
	if s.JobID == "" {
		if !r.inDoubt {
			s.addReason("cancelled before the job was submitted")
		}
		return canceled
	}
	told, trouble := r.stopAndWatch(ctx, stopBy)
	switch {
	case s.State.Ended() && told.before && s.State == JobFinished:
		return r.describe(ctx)
	case s.State.Ended():
		s.State = JobStopped
		s.addReason("cancelled; the job was stopped")
	default:
		s.State = JobUnknown
		s.addReason(fmt.Sprintf("cancelled; it could not be confirmed within %v that job %s is stopped, and it may still run: see in the cluster what became of it",
			r.in.stopWithin(), s.JobID))
		for _, err := range trouble {
			_, text := r.explain(err)
			s.addReason(text)
		}
	}
	return canceled
}

// findToStop looks for a job of which it is not known whether it was submitted.
func (r *runJob) findToStop(ctx workflow.Context, stopBy time.Time) {
	now := workflow.Now(ctx)
	found, err := r.find(ctx, now, stopBy.Sub(now))
	switch {
	case err != nil:
		r.status.State = JobUnknown
		_, text := r.explain(err)
		r.status.addReason(fmt.Sprintf("cancelled; whether job %s was submitted is not known, and it may run: look for it in the cluster; %s", r.status.Name, text))
	case found.JobID == "":
		r.inDoubt = false
		r.status.addReason(fmt.Sprintf("cancelled; no job %s is listed", r.status.Name))
	default:
		r.submitted(found.JobID, now, true)
		r.stopOthers(ctx, found.Others)
	}
}

// stopped is how the scheduler took a stop.
type stopped struct {
	before bool // the job had ended before
}

// stopAndWatch tells the scheduler to stop the job, again while that fails, and watches
// the job meanwhile.
func (r *runJob) stopAndWatch(ctx workflow.Context, stopBy time.Time) (told stopped, trouble []error) {
	left := stopBy.Sub(workflow.Now(ctx))
	ctx, cancel := workflow.WithCancel(ctx)
	asked := workflow.ExecuteActivity(stopping(ctx, left, "stop job "+r.status.JobID), activity.StopJobs,
		activities.StopJobsInput{ClusterID: r.in.ClusterID, JobIDs: []string{r.status.JobID}})
	for !r.status.State.Ended() && workflow.Now(ctx).Before(stopBy) {
		if err := r.look(ctx, stopBy, settleFor, patienceOverdue); err != nil {
			trouble = append(trouble, err)
			break
		}
	}
	if !asked.IsReady() { // its answer tells whether the job ended by itself
		_, _ = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: activities.SubmitAttempt, TimerOptions: workflow.TimerOptions{Summary: "answer to the stop"},
		}, asked.IsReady)
	}
	cancel()
	var result activities.StopJobsResult
	err := asked.Get(ctx, &result)
	if err != nil && !temporal.IsCanceledError(err) {
		trouble = append(trouble, err)
	}
	return stopped{err == nil && slices.Contains(result.Ended, r.status.JobID)}, trouble
}

// stopOthers stops further jobs of the same name, which a submit that was in doubt or was
// doubled on its way has left.
func (r *runJob) stopOthers(ctx workflow.Context, ids []string) {
	var further []string
	for _, id := range ids {
		if !slices.Contains(r.others, id) {
			further = append(further, id)
		}
	}
	if len(further) == 0 {
		return
	}
	r.others = append(r.others, further...)
	text := strings.Join(further, ", ")
	r.status.addReason("the scheduler has the job more than once; the others were told to stop: " + text)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	err := workflow.ExecuteActivity(stopping(ctx, r.in.stopWithin(), "stop what the scheduler has twice: "+shorten(text, 200)), activity.StopJobs,
		activities.StopJobsInput{ClusterID: r.in.ClusterID, JobIDs: further}).Get(ctx, nil)
	if err != nil {
		_, text := r.explain(err)
		r.status.addReason("they could not be stopped: " + text)
	}
}
