package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
)

// runJob is the state of a run of one job.
type runJob struct {
	in     JobInput
	status JobStatus
	runID  string
	logger log.Logger
	desk   *desk
	entry  entry

	inDoubt bool     // it was sent, and whether it was submitted is not known
	others  []string // further jobs of its name, seen to have ended or not
	outcome Outcome
}

// RunJob gives a job to a cluster's scheduler, once, watches it until the scheduler says
// that it has finished, and judges it by its exit status.
//
// It returns a result whenever the job could be followed to its end, be that a success or
// not, unless FailUnless asks for a success. It fails, under the API's code, when the job
// could not be submitted or followed; what is known by then is in the error's details, and
// in those of the CanceledError when it was cancelled. Cancelling stops the job and waits
// until it is seen to have ended. AnswerUpdate answers its questions.
func RunJob(ctx workflow.Context, in JobInput) (*JobResult, error) {
	countStarted(ctx, false)
	r, err := setupJob(ctx, in)
	if err != nil {
		countEnded(ctx, "", nil, err)
		return nil, err
	}
	err = r.run(ctx)
	if temporal.IsCanceledError(err) {
		err = r.stop(ctx, err)
	}
	return r.finish(ctx, err)
}

func setupJob(ctx workflow.Context, in JobInput) (*runJob, error) {
	info := workflow.GetInfo(ctx)
	r := &runJob{in: in, runID: info.WorkflowExecution.ID, logger: workflow.GetLogger(ctx), entry: openEntry(ctx)}
	r.status = JobStatus{Phase: Submitting, JobResult: JobResult{
		ClusterID: in.ClusterID, Name: jobName(in.Job.Name, info.OriginalRunID), State: JobPending,
	}}
	r.desk = &desk{
		noun: "job", phase: &r.status.Phase, question: &r.status.Question, answers: &r.status.Answers,
		follows: func(id string) bool { return id == r.status.JobID },
	}
	if err := workflow.SetQueryHandler(ctx, JobQuery, func() (JobStatus, error) { return r.status, nil }); err != nil {
		return nil, err
	}
	if err := r.desk.open(ctx); err != nil {
		return nil, err
	}
	if problems := in.problems(); len(problems) > 0 {
		return nil, temporal.NewNonRetryableApplicationError((&InputError{problems}).Error(), ErrInvalidInput, nil)
	}
	return r, nil
}

func (r *runJob) run(ctx workflow.Context) error {
	if err := r.submit(ctx); err != nil {
		return err
	}
	if err := r.watch(ctx); err != nil {
		return err
	}
	r.endCopies(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.describe(ctx, patienceAfter)
}

// watch follows the job until it has ended.
func (r *runJob) watch(ctx workflow.Context) error {
	for !r.status.State.Ended() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.enter(ctx, Watching)
		if err := r.look(ctx, workflow.Now(ctx).Add(watchJobFor), 0, patienceAfter); err != nil {
			return err
		}
	}
	return nil
}

// look waits until the state of the job has changed, at most until a deadline.
func (r *runJob) look(ctx workflow.Context, deadline time.Time, goneAfter, patience time.Duration) error {
	seen, err := r.lookAt(ctx, activities.ListJobsInput{
		JobID: r.status.JobID, State: r.status.State, Word: r.status.Word, Others: r.others,
		Deadline: deadline, GoneAfterSeconds: int(goneAfter.Seconds()),
	}, patience)
	if err != nil {
		return err
	}
	r.apply(ctx, seen)
	return nil
}

// lookAt looks at the job or at a copy of it.
func (r *runJob) lookAt(ctx workflow.Context, of activities.ListJobsInput, patience time.Duration) (seen activities.ListJobsResult, err error) {
	of.ClusterID, of.Name, of.User, of.Milestones = r.in.ClusterID, r.status.Name, r.in.Job.User, r.milestones()
	of.Tasks, _ = arrayTasks(r.in.Job.Array)
	timeout := of.Deadline.Sub(workflow.Now(ctx))
	err = workflow.ExecuteActivity(
		watching(ctx, timeout, max(timeout, 0)+patience, fmt.Sprintf("watch job %s: %s", of.JobID, of.State)), activity.ListJobs, of).Get(ctx, &seen)
	return seen, err
}

// milestones are around when the job is likely to end.
func (r *runJob) milestones() activities.Milestones {
	m := activities.Milestones{SubmittedAt: r.status.SubmittedAt}
	if limit := r.in.Job.WallClock; limit > 0 && !r.status.StartedAt.IsZero() {
		m.KilledAt = r.status.StartedAt.Add(time.Duration(limit))
	}
	return m
}

// apply takes what a look saw.
func (r *runJob) apply(ctx workflow.Context, seen activities.ListJobsResult) {
	s := &r.status
	if seen.State != s.State {
		r.logger.Info("the job changed", "JobID", s.JobID, "State", seen.State)
	}
	s.State, s.Word = seen.State, seen.Word
	if len(seen.Nodes) > 0 {
		s.Nodes = seen.Nodes
	}
	s.Tasks = seen.Tasks
	if s.StartedAt.IsZero() {
		switch {
		case seen.StartedAt.After(s.SubmittedAt):
			s.StartedAt = seen.StartedAt
		case s.State == JobRunning:
			s.StartedAt = workflow.Now(ctx)
		}
	}
	r.stopOthers(ctx, seen.Others)
}

// describe reads how the job ended. It is missing for nobody who could tell.
func (r *runJob) describe(ctx workflow.Context, patience time.Duration) error {
	if r.status.State == JobMissing {
		return nil
	}
	r.enter(ctx, Collecting)
	var told activities.DescribeJobResult
	err := workflow.ExecuteActivity(collecting(ctx, patience, "read job "+r.status.JobID), activity.DescribeJob,
		activities.DescribeJobInput{
			ClusterID: r.in.ClusterID, JobID: r.status.JobID, SubmittedAt: r.status.SubmittedAt,
			AwaitStatus: r.in.Job.Success != pipeline.ByEnd,
		}).Get(ctx, &told)
	if err != nil {
		return err
	}
	r.status.ExitStatus, r.status.Log = told.ExitStatus, told.Log
	for _, trouble := range told.Troubles {
		r.status.addReason(trouble)
	}
	return nil
}

// finish turns the end of the steps into the end of the run.
func (r *runJob) finish(ctx workflow.Context, err error) (*JobResult, error) {
	s := &r.status
	switch {
	case err == nil:
		verdict, reason := s.verdict(r.in.Job.Success, r.others)
		s.Verdict, s.Reason = verdict, strings.Join(nonEmpty([]string{reason, s.Reason}), "; ")
	case temporal.IsCanceledError(err):
		s.Verdict = Canceled
		err = temporal.NewCanceledError(s.JobResult)
	default:
		code, message := r.explain(err)
		if r.inDoubt {
			s.State = JobUnknown
		}
		if s.JobID != "" && !s.State.Ended() {
			message += fmt.Sprintf("; job %s was not stopped and may still run", s.JobID)
		}
		s.addReason(message)
		err = temporal.NewApplicationErrorWithOptions(message, code, temporal.ApplicationErrorOptions{
			NonRetryable: true, Cause: err, Details: []any{s.JobResult},
		})
	}
	s.EndedAt = workflow.Now(ctx)
	r.outcome = outcomeOf(s.Verdict, err)
	r.entry.endJob(ctx, s, r.outcome)
	r.enter(ctx, Ended)
	countEnded(ctx, s.Verdict, nil, err)
	if err == nil {
		err = r.in.FailUnless.judge(s.Verdict, s.JobResult, "job "+s.JobID, s.Reason)
	}
	if err != nil {
		return nil, err
	}
	return &s.JobResult, nil
}

// verdict judges a job by what was seen of its end.
func (r *JobResult) verdict(by pipeline.JobSuccess, others []string) (verdict Verdict, reason string) {
	switch {
	case r.State == JobMissing:
		return Failed, "the scheduler no longer lists the job, and how it ended was not seen: see in the cluster what became of it"
	case r.Word != "":
		return Failed, fmt.Sprintf("the scheduler says %q, which is no plain end", r.Word)
	case r.ExitStatus != nil && *r.ExitStatus != 0:
		return Failed, fmt.Sprintf("its exit status is %d", *r.ExitStatus)
	case r.ExitStatus == nil && cmp.Or(by, pipeline.ByExitStatus) == pipeline.ByExitStatus:
		return Failed, "it finished, and the scheduler gives no exit status, so that it was not seen to succeed: say success: finished if the end is enough"
	case len(others) > 0:
		return Failed, "the scheduler had the job more than once"
	}
	return Succeeded, ""
}

// addReason adds a sentence to what is to be known of the job.
func (r *JobResult) addReason(reason string) {
	r.Reason = shorten(strings.Join(nonEmpty([]string{r.Reason, reason}), "; "), mostOfMessage)
}

// explain gives an error of a step the code and the sentence of its cause.
func (r *runJob) explain(err error) (code, message string) {
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &timeout) && r.status.Phase == Submitting && timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE:
		return ErrSubmitInDoubt, fmt.Sprintf("the worker was lost while it submitted the job to cluster %s", r.in.ClusterID)
	case errors.As(err, &timeout) && errors.As(timeout.Unwrap(), &application):
		return application.Type(), "gave up after trying for too long: " + application.Message()
	case errors.As(err, &timeout):
		return "Timeout", fmt.Sprintf("gave up %s: no worker reported for too long; see that one serves the task queue", r.status.Phase)
	case errors.As(err, &application):
		return application.Type(), application.Message()
	}
	return "Unknown", err.Error()
}

// enter moves the run to a phase and refreshes what the Web UI shows.
func (r *runJob) enter(ctx workflow.Context, phase Phase) {
	r.status.Phase = phase
	r.entry.enterJob(ctx, &r.status)
	workflow.SetCurrentDetails(ctx, r.details())
}
