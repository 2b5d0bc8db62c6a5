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
// cancellation, unless the job had ended by itself and how was seen.
func (r *runJob) stop(ctx workflow.Context, canceled error) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	s := &r.status
	if s.State.Ended() {
		r.endCopies(ctx)
		return r.describeEnded(ctx, canceled)
	}
	r.enter(ctx, Stopping)
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
	told := r.stopAndWatch(ctx, s.JobID, stopBy, func(until time.Time) (JobState, error) {
		err := r.look(ctx, until, settleFor, patienceOverdue)
		return s.State, err
	})
	r.endCopies(ctx)
	switch {
	case s.State == JobFinished && told.before:
		return r.describeEnded(ctx, canceled)
	case !told.ended:
		s.State = JobUnknown
		s.addReason(fmt.Sprintf("cancelled; it could not be confirmed within %v that job %s is stopped, and it may still run: see in the cluster what became of it",
			r.in.stopWithin(), s.JobID))
		for _, text := range told.troubles {
			s.addReason(text)
		}
	case len(s.Copies) > 0:
		s.State = JobUnknown
		s.addReason("cancelled; the job was stopped, its copies were not seen to end")
	default:
		s.State = JobStopped
		s.addReason("cancelled; the job was stopped")
	}
	return canceled
}

// describeEnded reads how a job ended that a stop came too late for. Who cancelled does not
// wait for that longer than for a stop.
func (r *runJob) describeEnded(ctx workflow.Context, canceled error) error {
	err := r.describe(ctx, r.in.stopWithin())
	if err == nil {
		return nil
	}
	_, text := r.explain(err)
	r.status.addReason("cancelled; the job had ended, and how was not seen: " + text)
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

// stopped is what came of stopping a job.
type stopped struct {
	ended    bool // it was seen to have ended
	before   bool // it had ended before, or was never known to the scheduler
	accepted bool // the scheduler took a stop
	troubles []string
}

// stopAndWatch tells the scheduler to stop a job, again while that fails and when the job
// goes on, and watches the job meanwhile. A job that no look shows has ended only where the
// scheduler took the stop: else it may have been submitted where nothing is listed.
func (r *runJob) stopAndWatch(ctx workflow.Context, id string, stopBy time.Time, look func(until time.Time) (JobState, error)) stopped {
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	told := stopped{before: true}
	trouble := func(err error) {
		if err != nil && !temporal.IsCanceledError(err) {
			_, text := r.explain(err)
			told.troubles = append(told.troubles, text)
		}
	}
	var asked workflow.Future
	take := func() {
		var result activities.StopJobsResult
		trouble(asked.Get(ctx, &result))
		told.accepted = told.accepted || slices.Contains(result.Accepted, id)
		told.before = told.before && slices.Contains(result.Ended, id)
		asked = nil
	}
	var state JobState
	for failed := false; !state.Ended() && !failed && (asked == nil || workflow.Now(ctx).Before(stopBy)); {
		if asked == nil {
			asked = workflow.ExecuteActivity(stopping(ctx, stopBy.Sub(workflow.Now(ctx)), "stop job "+id), activity.StopJobs,
				activities.StopJobsInput{ClusterID: r.in.ClusterID, JobIDs: []string{id}, SubmittedAt: r.status.SubmittedAt})
		}
		until := earlier(workflow.Now(ctx).Add(stopJobAgainAfter), stopBy)
		for !state.Ended() && !failed && workflow.Now(ctx).Before(until) {
			var err error
			state, err = look(until)
			trouble(err)
			failed = err != nil
		}
		if asked.IsReady() && !state.Ended() && !failed && workflow.Now(ctx).Before(stopBy) {
			take()
		}
	}
	if !asked.IsReady() { // its answer tells whether the job ended by itself, and what was in the way
		wait := settleFor
		if state != JobFinished {
			wait = max(0, stopBy.Sub(workflow.Now(ctx)))
		}
		_, _ = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: wait + activities.SubmitAttempt, TimerOptions: workflow.TimerOptions{Summary: "answer to the stop"},
		}, asked.IsReady)
	}
	cancel()
	take()
	told.ended = state == JobFinished || state == JobMissing && told.accepted
	if state == JobMissing && !told.accepted {
		told.troubles = append(told.troubles, "the scheduler no longer lists it, and took no stop of it")
	}
	return told
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
	r.status.Copies = append(r.status.Copies, further...)
	text := strings.Join(further, ", ")
	r.status.addReason("the scheduler has the job more than once; the others were told to stop: " + text)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	err := workflow.ExecuteActivity(stopping(ctx, r.in.stopWithin(), "stop what the scheduler has twice: "+shorten(text, 200)), activity.StopJobs,
		activities.StopJobsInput{ClusterID: r.in.ClusterID, JobIDs: further, SubmittedAt: r.status.SubmittedAt}).Get(ctx, nil)
	if err != nil {
		_, text := r.explain(err)
		r.status.addReason("they could not be stopped: " + text)
	}
}

// endCopies stops the further jobs of the same name, again, and watches each until it is
// seen to have ended. Those that were not may still run.
func (r *runJob) endCopies(ctx workflow.Context) {
	for i := 0; i < len(r.others); i++ { // a look may show more of them
		id, state := r.others[i], JobRunning
		if !slices.Contains(r.status.Copies, id) {
			continue
		}
		r.enter(ctx, Stopping)
		told := r.stopAndWatch(ctx, id, workflow.Now(ctx).Add(r.in.stopWithin()), func(until time.Time) (JobState, error) {
			known := slices.DeleteFunc(append([]string{r.status.JobID}, r.others...), func(other string) bool { return other == id })
			seen, err := r.lookAt(ctx, activities.ListJobsInput{
				JobID: id, State: state, Others: known, Deadline: until, GoneAfterSeconds: int(settleFor.Seconds()),
			}, patienceOverdue)
			if err != nil {
				return state, err
			}
			state = seen.State
			r.stopOthers(ctx, slices.DeleteFunc(seen.Others, func(other string) bool { return other == r.status.JobID }))
			return state, nil
		})
		if ctx.Err() != nil { // the stop of the run does it
			return
		}
		if told.ended {
			r.status.Copies = slices.DeleteFunc(r.status.Copies, func(copied string) bool { return copied == id })
			continue
		}
		r.status.addReason(strings.Join(append([]string{fmt.Sprintf("job %s, which the scheduler has beside it, was not seen to end and may still run: see in the cluster what became of it", id)}, told.troubles...), "; "))
	}
}
