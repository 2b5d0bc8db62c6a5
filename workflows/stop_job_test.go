package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

func TestAJobThatIsNotListedWasStoppedOnlyWhenTheSchedulerTookTheStop(t *testing.T) {
	t.Parallel()
	refusal := temporal.NewApplicationErrorWithOptions("it failed", "AgentError", temporal.ApplicationErrorOptions{NextRetryDelay: time.Minute})
	for name, c := range map[string]struct {
		told   activities.StopJobsResult
		err    error
		want   workflows.JobState
		reason string
	}{
		"it took the stop":           {told: activities.StopJobsResult{Accepted: []string{"7.manager"}}, want: workflows.JobStopped, reason: "was stopped"},
		"it refused every stop":      {err: refusal, want: workflows.JobUnknown, reason: "it failed"},
		"it does not know the job":   {told: activities.StopJobsResult{Ended: []string{"7.manager"}}, want: workflows.JobUnknown, reason: "may still run"},
		"an earlier stop may have":   {want: workflows.JobUnknown, reason: "took no stop"},
		"it took that of some other": {told: activities.StopJobsResult{Accepted: []string{"8.manager"}}, want: workflows.JobUnknown, reason: "may still run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScheduler(t)
			s.onSubmits(nil)
			s.onLooks(in(workflows.JobRunning), in(workflows.JobRunning), in(workflows.JobMissing))
			s.onStop(c.told, c.err)
			s.RegisterDelayedCallback(s.CancelWorkflow, 90*time.Second)
			_, err := s.run(jobInput())
			result := s.canceled(err)
			require.Equal(t, c.want, result.State)
			require.Contains(t, result.Reason, c.reason)
		})
	}
}

func TestAJobThatGoesOnAfterItsStopIsToldAgain(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(nil)
	s.onLooks(in(workflows.JobRunning), in(workflows.JobRunning), in(workflows.JobRunning), in(workflows.JobRunning), in(workflows.JobFinished))
	s.onStop(activities.StopJobsResult{Ended: []string{"7.manager"}}, nil)
	s.RegisterDelayedCallback(s.CancelWorkflow, 90*time.Second)
	s.onDescribe(status(0))
	_, err := s.run(jobInput())
	require.NoError(t, err)
	require.Len(t, s.stops, 2, "what it answered at first was not so")
	require.False(t, s.stops[0].SubmittedAt.IsZero(), "a young job may not be known yet")
}

func TestAJobThatAStopMayHaveEndedIsNotJudgedByItsEnd(t *testing.T) {
	t.Parallel()
	accepted, ended := &activities.StopJobsResult{Accepted: []string{"7.manager"}}, &activities.StopJobsResult{Ended: []string{"7.manager"}}
	for _, told := range [][]*activities.StopJobsResult{{accepted, ended}, {ended, accepted}} {
		s := newScheduler(t)
		s.onSubmits(nil)
		s.onLooks(in(workflows.JobRunning), in(workflows.JobRunning), in(workflows.JobRunning), in(workflows.JobRunning), in(workflows.JobFinished))
		for _, answer := range told {
			s.OnActivity(acts.StopJobs, mock.Anything, mock.Anything).Return(answer, nil).Once()
		}
		s.RegisterDelayedCallback(s.CancelWorkflow, 90*time.Second)
		_, err := s.run(jobInput())
		require.Equal(t, workflows.JobStopped, s.canceled(err).State)
	}
}

func TestAResetRunAsksBeforeItSubmitsAJobAgainThatIsNotListed(t *testing.T) {
	t.Parallel()
	s := newScheduler(t)
	s.onSubmits(doubtful(activities.ErrResetRun), nil)
	s.onFinds(activities.FindJobResult{})
	s.onLooks(in(workflows.JobFinished))
	s.onDescribe(status(0))
	s.RegisterDelayedCallback(func() { require.Len(t, s.submits, 1) }, time.Minute)
	taken := s.answer(2*time.Minute, workflows.Answer{Choice: workflows.Resubmit, By: "ann"})
	result, err := s.run(jobInput())
	require.NoError(t, err)
	require.NoError(t, *taken, "there was a question")
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.True(t, s.submits[1].Resubmit)
}

// onLooksAt answers ListJobs by the id of the job, the last answer again and again, each
// after a minute.
func (s *scheduler) onLooksAt(answers map[string][]activities.ListJobsResult) {
	s.OnActivity(acts.ListJobs, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ListJobsInput) (*activities.ListJobsResult, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.looks = append(s.looks, in)
			next := answers[in.JobID][0]
			if len(answers[in.JobID]) > 1 {
				answers[in.JobID] = answers[in.JobID][1:]
			}
			return &next, nil
		}).After(time.Minute)
}

func TestACopyOfTheJobIsWatchedUntilItsEndIsSeen(t *testing.T) {
	t.Parallel()
	copied := func(state workflows.JobState) activities.ListJobsResult {
		return activities.ListJobsResult{JobID: "8.manager", State: state, Others: []string{"7.manager"}}
	}
	accepted := activities.StopJobsResult{Accepted: []string{"8.manager", "7.manager"}}
	for name, c := range map[string]struct {
		of     []activities.ListJobsResult
		told   activities.StopJobsResult
		gone   bool
		cancel bool
	}{
		"it ends":                         {of: []activities.ListJobsResult{copied(workflows.JobRunning), copied(workflows.JobFinished)}, told: accepted, gone: true},
		"it is gone":                      {of: []activities.ListJobsResult{copied(workflows.JobMissing)}, told: accepted, gone: true},
		"it is gone, no stop was taken":   {of: []activities.ListJobsResult{copied(workflows.JobMissing)}},
		"it goes on":                      {of: []activities.ListJobsResult{copied(workflows.JobRunning)}, told: accepted},
		"it ends when all is cancelled":   {of: []activities.ListJobsResult{copied(workflows.JobFinished)}, told: accepted, gone: true, cancel: true},
		"it goes on after all cancelling": {of: []activities.ListJobsResult{copied(workflows.JobRunning)}, told: accepted, cancel: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScheduler(t)
			s.onSubmits(nil)
			twice, finished := in(workflows.JobRunning), in(workflows.JobFinished)
			twice.Others, finished.Others = []string{"8.manager"}, []string{"8.manager"}
			followed := []activities.ListJobsResult{twice, finished}
			if c.cancel {
				followed = []activities.ListJobsResult{twice, twice, finished}
				s.RegisterDelayedCallback(s.CancelWorkflow, 90*time.Second)
			}
			s.onLooksAt(map[string][]activities.ListJobsResult{"7.manager": followed, "8.manager": c.of})
			s.onStop(c.told, nil)
			s.onDescribe(status(0))
			result, err := s.run(jobInput())
			if c.cancel {
				result = s.canceled(err)
				require.Equal(t, c.gone, result.State == workflows.JobStopped, "%s", result.State)
				require.Equal(t, !c.gone, result.State == workflows.JobUnknown, "%s", result.State)
			} else {
				require.NoError(t, err)
				require.Equal(t, workflows.Failed, result.Verdict)
			}
			if c.gone {
				require.Empty(t, result.Copies)
				return
			}
			require.Equal(t, []string{"8.manager"}, result.Copies)
			require.Contains(t, result.Reason, "8.manager, which the scheduler has beside it")
		})
	}
}

func TestACancelledRunDoesNotWaitForADayToReadHowItsJobEnded(t *testing.T) {
	t.Parallel()
	for name, looks := range map[string][]activities.ListJobsResult{
		"ended before the stop": {in(workflows.JobRunning), in(workflows.JobFinished), in(workflows.JobFinished)},
		"ended before":          {in(workflows.JobFinished)},
	} {
		s := newScheduler(t)
		s.onSubmits(nil)
		s.onLooks(looks...)
		s.onStop(activities.StopJobsResult{Ended: []string{"7.manager"}}, nil)
		s.OnActivity(acts.DescribeJob, mock.Anything, mock.Anything).Return(nil, errors.New("no answer")).After(time.Minute)
		s.RegisterDelayedCallback(s.CancelWorkflow, 90*time.Second)
		began := s.Now()
		_, err := s.run(jobInput())
		result := s.canceled(err)
		require.Equal(t, workflows.JobFinished, result.State, name)
		require.Contains(t, result.Reason, "cancelled; the job had ended, and how was not seen: ", name)
		require.Contains(t, result.Reason, "no answer", name)
		require.Less(t, s.Now().Sub(began), 90*time.Second+workflows.DefaultStopWithin+2*time.Minute, name)
	}
}
