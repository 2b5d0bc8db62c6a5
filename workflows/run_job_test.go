package workflows_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// scheduler answers the activities of a job as a scheduler does that has one.
type scheduler struct {
	*bundle
	submits []activities.SubmitJobInput
	looks   []activities.ListJobsInput
	stops   []activities.StopJobsInput
	finds   []activities.FindJobInput
}

func newScheduler(t *testing.T) *scheduler {
	t.Helper()
	return &scheduler{bundle: newBundle(t)}
}

// onSubmits answers SubmitJob, one after the other; nil accepts the job as 7.manager.
func (s *scheduler) onSubmits(errs ...error) {
	s.OnActivity(acts.SubmitJob, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.SubmitJobInput) (*activities.SubmitJobResult, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.submits = append(s.submits, in)
			require.LessOrEqual(s.t, len(s.submits), len(errs), "one more submit than expected")
			if err := errs[len(s.submits)-1]; err != nil {
				return nil, err
			}
			return &activities.SubmitJobResult{JobID: "7.manager", SubmittedAt: s.Now()}, nil
		})
}

// onLooks answers ListJobs, one after the other, each after a minute.
func (s *scheduler) onLooks(answers ...activities.ListJobsResult) {
	s.OnActivity(acts.ListJobs, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ListJobsInput) (*activities.ListJobsResult, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.looks = append(s.looks, in)
			require.LessOrEqual(s.t, len(s.looks), len(answers), "one more look than expected")
			return &answers[len(s.looks)-1], nil
		}).After(time.Minute)
}

func (s *scheduler) onFinds(answers ...activities.FindJobResult) {
	s.OnActivity(acts.FindJob, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.FindJobInput) (*activities.FindJobResult, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.finds = append(s.finds, in)
			require.LessOrEqual(s.t, len(s.finds), len(answers), "one more search than expected")
			return &answers[len(s.finds)-1], nil
		})
}

func (s *scheduler) onStop(result activities.StopJobsResult, err error) {
	s.OnActivity(acts.StopJobs, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.StopJobsInput) (*activities.StopJobsResult, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.stops = append(s.stops, in)
			return &result, err
		})
}

func (s *scheduler) onDescribe(result activities.DescribeJobResult) {
	s.OnActivity(acts.DescribeJob, mock.Anything, mock.Anything).Return(&result, nil)
}

func (s *scheduler) run(in workflows.JobInput) (workflows.JobResult, error) {
	s.ExecuteWorkflow(workflows.RunJob, in)
	require.True(s.t, s.IsWorkflowCompleted())
	var result workflows.JobResult
	if err := s.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(s.t, s.GetWorkflowResult(&result))
	return result, nil
}

func (s *scheduler) jobStatus() workflows.JobStatus {
	value, err := s.QueryWorkflow(workflows.JobQuery)
	require.NoError(s.t, err)
	var status workflows.JobStatus
	require.NoError(s.t, value.Get(&status))
	return status
}

func jobInput() workflows.JobInput {
	return workflows.JobInput{ClusterID: "ehpc-1", Job: pipeline.Job{Run: "./solve", User: "hpcuser", Name: "solve", Password: &pipeline.Secret{Name: "hpcuser"}}}
}

func in(state workflows.JobState) activities.ListJobsResult {
	return activities.ListJobsResult{JobID: "7.manager", State: state, Nodes: []string{"compute000"}}
}

func status(code int) activities.DescribeJobResult {
	return activities.DescribeJobResult{ExitStatus: &code, Log: "done\n"}
}

// doubtful is the error of a submit of which it is not known whether it arrived.
func doubtful(code string) error {
	return temporal.NewApplicationErrorWithOptions("no whole answer in time", code, temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{activities.SubmitFailure{MayHaveRun: true}},
	})
}

func TestAJobIsSubmittedOnceWatchedAndJudgedByItsExitStatus(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(nil)
	s.onLooks(in(workflows.JobRunning), in(workflows.JobFinished))
	s.onDescribe(status(0))
	result, err := s.run(jobInput())
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, workflows.JobFinished, result.State)
	require.Equal(t, "7.manager", result.JobID)
	require.Equal(t, "done\n", result.Log)
	require.Equal(t, []string{"compute000"}, result.Nodes)
	require.Zero(t, *result.ExitStatus)
	require.False(t, result.StartedAt.IsZero())
	require.Len(t, s.submits, 1)
	require.Regexp(t, regexp.MustCompile(`^j[a-z2-7]{13}\.solve$`), s.submits[0].Name, "letters, digits and dots, 6 to 30 of them")
	require.Equal(t, "hpcuser", s.submits[0].PasswordSecret)
	require.Equal(t, []workflows.JobState{workflows.JobQueued, workflows.JobRunning}, []workflows.JobState{s.looks[0].State, s.looks[1].State})
	require.Equal(t, workflows.Ended, s.jobStatus().Phase)
}

func TestAJobSucceedsOnlyWhenThatWasSeen(t *testing.T) {
	t.Parallel()
	failed := 3
	for name, c := range map[string]struct {
		success pipeline.JobSuccess
		last    activities.ListJobsResult
		told    activities.DescribeJobResult
		want    workflows.Verdict
		reason  string
	}{
		"exit status 0":                       {told: status(0), want: workflows.Succeeded},
		"exit status 3":                       {told: status(3), want: workflows.Failed, reason: "exit status is 3"},
		"no exit status":                      {want: workflows.Failed, reason: "say success: finished"},
		"no exit status, the end is enough":   {success: pipeline.ByEnd, want: workflows.Succeeded},
		"exit status 3, the end is enough":    {success: pipeline.ByEnd, told: activities.DescribeJobResult{ExitStatus: &failed}, want: workflows.Failed, reason: "3"},
		"another word than finished":          {success: pipeline.ByEnd, last: activities.ListJobsResult{State: workflows.JobFinished, Word: "CANCELLED"}, want: workflows.Failed, reason: "CANCELLED"},
		"missing, although the end is enough": {success: pipeline.ByEnd, last: activities.ListJobsResult{State: workflows.JobMissing}, want: workflows.Failed, reason: "no longer lists"},
		"a log that cannot be read":           {told: activities.DescribeJobResult{ExitStatus: new(int), Troubles: []string{"its log could not be read: x"}}, want: workflows.Succeeded, reason: "its log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScheduler(t)
			s.onSubmits(nil)
			if c.last.State == "" {
				c.last.State = workflows.JobFinished
			}
			s.onLooks(c.last)
			s.onDescribe(c.told)
			input := jobInput()
			input.Job.Success = c.success
			result, err := s.run(input)
			require.NoError(t, err)
			require.Equal(t, c.want, result.Verdict)
			require.Contains(t, result.Reason, c.reason)
		})
	}
}

func TestAJobThatMayHaveBeenSubmittedIsLookedForByItsName(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(doubtful("Client.Timeout"))
	s.onFinds(activities.FindJobResult{JobID: "9.manager"})
	s.onLooks(in(workflows.JobFinished))
	s.onDescribe(status(0))
	result, err := s.run(jobInput())
	require.NoError(t, err)
	require.Equal(t, "9.manager", result.JobID)
	require.True(t, result.Adopted)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, s.submits[0].Name, s.finds[0].Name)
}

func TestAJobThatIsNotListedIsSubmittedAgainUnderTheSameName(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(doubtful("Client.ConnectionLost"), nil)
	s.onFinds(activities.FindJobResult{})
	s.onLooks(in(workflows.JobFinished))
	s.onDescribe(status(0))
	result, err := s.run(jobInput())
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Len(t, s.submits, 2)
	require.Equal(t, s.submits[0].Name, s.submits[1].Name)
	require.False(t, s.submits[0].Resubmit)
	require.True(t, s.submits[1].Resubmit)
}

func TestAJobThatTheClustersAgentKeepsRefusingIsNotSubmittedForAnHour(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(doubtful("AgentError.Job.SubmitFailure"), doubtful("AgentError.Job.SubmitFailure"))
	s.onFinds(activities.FindJobResult{}, activities.FindJobResult{})
	_, err := s.run(jobInput())
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "AgentError.Job.SubmitFailure", failure.Type())
	var result workflows.JobResult
	require.NoError(t, failure.Details(&result))
	require.Equal(t, workflows.JobPending, result.State, "no job of its name was listed")
}

func TestWhatBecameOfAJobThatCannotBeFoundOutIsAsked(t *testing.T) {
	t.Parallel()
	for choice, want := range map[workflows.Choice]workflows.JobState{
		workflows.Adopt: workflows.JobFinished, workflows.Resubmit: workflows.JobFinished, workflows.Abandon: workflows.JobUnknown,
	} {
		t.Run(string(choice), func(t *testing.T) {
			t.Parallel()
			s := newScheduler(t)
			s.onSubmits(doubtful("Client.Timeout"), nil)
			s.OnActivity(acts.FindJob, mock.Anything, mock.Anything).Return(nil, temporal.NewNonRetryableApplicationError("not allowed", "NotAuthorized", nil))
			s.onLooks(in(workflows.JobFinished))
			s.onDescribe(status(0))
			s.RegisterDelayedCallback(func() {
				status := s.jobStatus()
				require.Equal(t, workflows.Parked, status.Phase)
				require.Contains(t, status.Question.Text, "not allowed")
			}, time.Minute)
			refused := s.answer(time.Minute, workflows.Answer{Choice: workflows.Adopt})
			answer := workflows.Answer{Choice: choice, By: "alice"}
			if choice == workflows.Adopt {
				answer.CommandID = "8.manager"
			}
			taken := s.answer(2*time.Minute, answer)
			result, err := s.run(jobInput())
			if choice == workflows.Abandon {
				var failure *temporal.ApplicationError
				require.ErrorAs(t, err, &failure)
				require.Equal(t, "Client.Timeout", failure.Type())
				require.NoError(t, failure.Details(&result))
			} else {
				require.NoError(t, err)
			}
			require.ErrorContains(t, *refused, "needs the id of the job")
			require.NoError(t, *taken)
			require.Equal(t, want, result.State)
			require.Equal(t, choice, s.jobStatus().Answers[0].Choice)
			if choice == workflows.Adopt {
				require.Equal(t, "8.manager", result.JobID)
			}
		})
	}
}

func TestACancelledJobIsStoppedAndSeenToEnd(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(nil)
	s.onLooks(in(workflows.JobRunning), in(workflows.JobFinished), in(workflows.JobFinished))
	s.onStop(activities.StopJobsResult{}, nil)
	s.RegisterDelayedCallback(s.CancelWorkflow, 90*time.Second)
	_, err := s.run(jobInput())
	require.Equal(t, workflows.JobStopped, s.canceled(err).State)
	require.Equal(t, []string{"7.manager"}, s.stops[0].JobIDs)
	require.Len(t, s.looks, 3, "the one that was cancelled, and one more until the end")
	require.Equal(t, 60, s.looks[2].GoneAfterSeconds)
}

// canceled is the result of a run that ends as cancelled.
func (s *scheduler) canceled(err error) workflows.JobResult {
	s.t.Helper()
	var canceled *temporal.CanceledError
	require.ErrorAs(s.t, err, &canceled)
	var result workflows.JobResult
	require.NoError(s.t, canceled.Details(&result))
	require.Equal(s.t, workflows.Canceled, result.Verdict)
	return result
}

func TestAJobThatIsNotSeenToEndIsNotCalledStopped(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(nil)
	running := in(workflows.JobRunning)
	running.DeadlinePassed = true
	answers := []activities.ListJobsResult{in(workflows.JobRunning)}
	for range 10 {
		answers = append(answers, running)
	}
	s.onLooks(answers...)
	s.onStop(activities.StopJobsResult{}, temporal.NewApplicationErrorWithOptions("it failed", "AgentError", temporal.ApplicationErrorOptions{NextRetryDelay: time.Minute}))
	s.RegisterDelayedCallback(s.CancelWorkflow, 90*time.Second)
	_, err := s.run(jobInput())
	result := s.canceled(err)
	require.Equal(t, workflows.JobUnknown, result.State)
	require.Contains(t, result.Reason, "may still run")
	require.Contains(t, result.Reason, "it failed")
	require.Greater(t, len(s.stops), 3, "it is told to stop again while that fails")
}

func TestAJobThatEndedBeforeItsStopIsJudgedByItsEnd(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(nil)
	s.onLooks(in(workflows.JobRunning), in(workflows.JobFinished), in(workflows.JobFinished))
	s.onStop(activities.StopJobsResult{Ended: []string{"7.manager"}}, nil)
	s.onDescribe(status(0))
	s.RegisterDelayedCallback(s.CancelWorkflow, 90*time.Second)
	result, err := s.run(jobInput())
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
}

func TestADoubtfulJobIsLookedForToBeStopped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		found activities.FindJobResult
		want  workflows.JobState
		stops int
	}{
		"found":     {activities.FindJobResult{JobID: "9.manager"}, workflows.JobStopped, 1},
		"not there": {activities.FindJobResult{}, workflows.JobPending, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScheduler(t)
			s.onSubmits(doubtful("Client.Timeout"))
			s.OnActivity(acts.FindJob, mock.Anything, mock.Anything).Return(&c.found, nil).After(time.Minute)
			s.onLooks(in(workflows.JobFinished))
			s.onStop(activities.StopJobsResult{}, nil)
			s.RegisterDelayedCallback(s.CancelWorkflow, 5*time.Second)
			_, err := s.run(jobInput())
			require.Equal(t, c.want, s.canceled(err).State)
			require.Len(t, s.stops, c.stops)
		})
	}
}

func TestACopyOfTheJobIsStoppedAndSpoilsTheVerdict(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(nil)
	twice, finished := in(workflows.JobQueued), in(workflows.JobFinished)
	twice.Others, finished.Others = []string{"8.manager"}, []string{"8.manager"}
	copied := finished
	copied.Others = []string{"7.manager"}
	s.onLooks(twice, finished, copied)
	s.onStop(activities.StopJobsResult{}, nil)
	s.onDescribe(status(0))
	result, err := s.run(jobInput())
	require.NoError(t, err)
	require.Equal(t, workflows.Failed, result.Verdict)
	require.Contains(t, result.Reason, "8.manager")
	require.Equal(t, []string{"8.manager"}, s.stops[0].JobIDs)
	require.Len(t, s.stops, 2, "when it is seen, and before its end is awaited")
	require.Equal(t, "8.manager", s.looks[2].JobID)
	require.Empty(t, result.Copies)
}

func TestAJobThatCannotBeRightIsRefused(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	_, err := s.run(workflows.JobInput{Job: pipeline.Job{
		Run: " ", Priority: 10, Nodes: -1, Array: "5-2", Success: "luck", Variables: map[string]string{"a-b": "1"},
		Password: &pipeline.Secret{Name: "../x"},
	}})
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, workflows.ErrInvalidInput, failure.Type())
	for _, part := range []string{"no cluster", "command line is empty", "no user", "priority", "nodes is -1", "array", "luck", "a-b", "name of a secret"} {
		require.Contains(t, failure.Message(), part)
	}
	require.Empty(t, s.submits)
}

func TestTheNameOfAJobIsWhatTheAPITakes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "s", "9lives", "a name with blanks", strings.Repeat("x", 60), "löser", "under_score", "..."} {
		s := newScheduler(t)
		s.onSubmits(nil)
		s.onLooks(in(workflows.JobFinished))
		s.onDescribe(status(0))
		input := jobInput()
		input.Job.Name = name
		_, err := s.run(input)
		require.NoError(t, err)
		require.Regexp(t, `^[A-Za-z][A-Za-z0-9.]{5,29}$`, s.submits[0].Name)
	}
}
