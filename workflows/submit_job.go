package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// agentTries is how often a submit is made that the cluster's own agent failed, without a
// trace of the job, before that is taken for the scheduler's refusal.
const agentTries = 2

// submit gives the job to the scheduler. When that is in doubt, the job is looked for by
// its name: found, it is the one; not found for so long that it would be listed, it is
// submitted again under the same name. What cannot be found out becomes a question. Once
// there was a doubt, no error means that nothing was submitted.
func (r *runJob) submit(ctx workflow.Context) error {
	r.enter(ctx, Submitting)
	giveUp := workflow.Now(ctx).Add(patienceBefore)
	in := r.in.submission(r.status.Name)
	in.OriginalRunID = workflow.GetInfo(ctx).OriginalRunID
	for failures := 0; ; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var accepted activities.SubmitJobResult
		err := workflow.ExecuteActivity(submitting(ctx, patienceBefore, "submit job "+r.status.Name), activity.SubmitJob, in).Get(ctx, &accepted)
		switch {
		case err == nil:
			r.submitted(accepted.JobID, accepted.SubmittedAt, false)
			return nil
		case !mayHaveRun(err) && !r.inDoubt:
			return err
		}
		countDoubt(ctx, submitsInDoubt)
		r.inDoubt = true
		if mayHaveRun(err) && ofAgent(err) {
			failures++
		}
		again := mayHaveRun(err) && !isReset(err) && workflow.Now(ctx).Before(giveUp)
		answered, err := r.resolve(ctx, err, again, failures >= agentTries)
		if err != nil || r.status.JobID != "" {
			return err
		}
		if answered {
			giveUp, failures = workflow.Now(ctx).Add(patienceBefore), 0
		}
		in.Resubmit = true
		r.enter(ctx, Submitting)
	}
}

// ofAgent says whether it is the cluster's agent that failed, to which the service passed
// the submit on: so it says also of a job that the scheduler refuses.
func ofAgent(err error) bool {
	var application *temporal.ApplicationError
	return errors.As(err, &application) && strings.HasPrefix(application.Type(), "AgentError")
}

func (r *runJob) submitted(id string, at time.Time, adopted bool) {
	r.status.JobID, r.status.SubmittedAt, r.status.Adopted = id, at, adopted
	r.status.State, r.inDoubt = JobQueued, false
}

// resolve finds out what became of a submit that may have reached the scheduler. Without
// an error and a job, it is to be submitted again, as a person may have answered. Refused
// says that a job of which nothing is found was refused.
func (r *runJob) resolve(ctx workflow.Context, doubt error, again, refused bool) (answered bool, err error) {
	doubtAt := workflow.Now(ctx)
	sentAt := doubtAt.Add(-activities.SubmitAttempt)
	_, why := r.explain(doubt)
	found, err := r.find(ctx, doubtAt, patienceBefore)
	switch {
	case temporal.IsCanceledError(err):
		return false, err
	case err == nil && found.JobID != "":
		r.submitted(found.JobID, sentAt, true)
		r.stopOthers(ctx, found.Others)
		return false, nil
	case err == nil && refused:
		r.inDoubt = false
		return false, doubt
	case err == nil && again:
		return false, nil
	case err == nil:
		why += ". An earlier try may have submitted it, and no job of its name is listed"
	default:
		_, text := r.explain(err)
		why += ". The cluster's jobs could not be listed: " + text
	}
	answer, err := r.ask(ctx, Question{
		Text:    fmt.Sprintf("Was the job %s submitted to cluster %s? %s.", r.status.Name, r.in.ClusterID, why),
		Choices: []Choice{Adopt, Resubmit, Abandon},
	})
	switch {
	case err != nil:
		return false, err
	case answer.Choice == Adopt:
		r.submitted(strings.TrimSpace(answer.CommandID), sentAt, true)
		return true, nil
	case answer.Choice == Resubmit:
		return true, nil
	}
	countDoubt(ctx, submitsLeftInDoubt)
	return false, doubt
}

// find looks for the job by its name.
func (r *runJob) find(ctx workflow.Context, doubtAt time.Time, patience time.Duration) (activities.FindJobResult, error) {
	if r.status.Phase != Stopping {
		r.enter(ctx, Seeking)
	}
	var found activities.FindJobResult
	err := workflow.ExecuteActivity(lookingFor(ctx, patience, "look for job "+r.status.Name), activity.FindJob, activities.FindJobInput{
		ClusterID: r.in.ClusterID, Name: r.status.Name, User: r.in.Job.User, DoubtAt: doubtAt,
	}).Get(ctx, &found)
	return found, err
}

// ask puts a question and waits for its answer.
func (r *runJob) ask(ctx workflow.Context, question Question) (Answer, error) {
	if err := r.desk.put(ctx, question); err != nil {
		return Answer{}, err
	}
	defer func() { r.status.Question = nil }()
	r.enter(ctx, Parked)
	if err := workflow.Await(ctx, func() bool { return r.desk.answered != nil }); err != nil {
		return Answer{}, err
	}
	return *r.desk.answered, nil
}
