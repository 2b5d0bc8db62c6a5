package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"go.uber.org/zap"

	"ehpcflow/activities/secrets"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/pipeline"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// startJob starts a run of a job, as a step of a pipeline does; listed among the runs or
// not.
func (s *system) startJob(job pipeline.Job, listed bool) string {
	s.t.Helper()
	if job.User == "" {
		job.User = "hpcuser"
	}
	id := runs.NewID()
	options := client.StartWorkflowOptions{ID: id, TaskQueue: s.queue}
	if listed {
		options.TypedSearchAttributes = workflows.StartAttributes(workflows.Resolving, []string{stack.ClusterID}, "golden", "")
	}
	_, err := s.Client.ExecuteWorkflow(s.t.Context(), options, workflows.RunJob, workflows.JobInput{ClusterID: stack.ClusterID, Job: job})
	require.NoError(s.t, err)
	return id
}

// endJob waits for the end of a run of a job. Of one that did not complete it is what is
// in the details of its error.
func (s *system) endJob(id string) (workflows.JobResult, error) {
	s.t.Helper()
	var result workflows.JobResult
	err := s.Client.GetWorkflow(s.t.Context(), id, "").Get(s.t.Context(), &result)
	var canceled *sdk.CanceledError
	var application *sdk.ApplicationError
	switch {
	case errors.As(err, &canceled):
		require.NoError(s.t, canceled.Details(&result))
	case errors.As(err, &application):
		require.NoError(s.t, application.Details(&result))
	}
	return result, err
}

func (s *system) job(id string) workflows.JobStatus {
	s.t.Helper()
	value, err := s.Client.QueryWorkflow(s.t.Context(), id, "", workflows.JobQuery)
	require.NoError(s.t, err)
	var status workflows.JobStatus
	require.NoError(s.t, value.Get(&status))
	return status
}

func TestGoldenAJobIsSubmittedWatchedAndJudged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hpcuser"), []byte("hunter2\n"), 0o600))
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Secrets: secrets.Dir(dir)})
	job := pipeline.Job{
		Run: `echo "$MESH on $HOSTNAME"; sleep 2; exit 3`, Name: "solve", Variables: map[string]string{"MESH": "fine"},
		Password: &pipeline.Secret{Name: "hpcuser"},
	}
	for _, listed := range []bool{false, true} {
		id := s.startJob(job, listed)
		result, err := s.endJob(id)
		require.NoError(t, err)
		require.Equal(t, workflows.Failed, result.Verdict, "%+v", result)
		require.Equal(t, 3, *result.ExitStatus)
		require.Equal(t, "fine on compute000\n", result.Log)
		require.Equal(t, []string{"compute000"}, result.Nodes)
		require.Equal(t, 1, s.Simulator.JobsNamed(".solve")[result.Name])
		require.Less(t, len(s.history(id).GetEvents()), 40)
		for _, event := range s.history(id).GetEvents() {
			require.NotContains(t, event.String(), "hunter2")
		}
		s.keep("job", id)
	}
}

func TestGoldenAJobWhoseAnswerIsLostIsFoundAndAdopted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "SubmitJob", Drop: ehpcsim.DropAfter, Times: -1})
	id := s.startJob(pipeline.Job{Run: "true"}, true)
	result, err := s.endJob(id)
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict, "%+v", result)
	require.True(t, result.Adopted)
	require.Equal(t, map[string]int{result.Name: 1}, s.Simulator.JobsNamed(".job"))
	s.keep("job-adopted", id)
}

func TestGoldenAJobThatDidNotArriveIsSubmittedAgain(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "SubmitJob", Drop: ehpcsim.DropBefore})
	id := s.startJob(pipeline.Job{Run: "true"}, false)
	result, err := s.endJob(id)
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict, "%+v", result)
	require.Equal(t, map[string]int{result.Name: 1}, s.Simulator.JobsNamed(".job"))
	s.keep("job-submitted-again", id)
}

func TestGoldenACancelledJobIsStopped(t *testing.T) {
	t.Parallel()
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Jobs: ehpcsim.JobSettings{StopTakes: time.Second}})
	id := s.startJob(pipeline.Job{Run: "sleep 600"}, true)
	await(t, 20*time.Second, "it runs", func() bool { return s.job(id).State == workflows.JobRunning })
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), id, ""))
	result, err := s.endJob(id)
	require.True(t, sdk.IsCanceledError(err), "%v", err)
	require.Equal(t, workflows.JobStopped, result.State, "%+v", result)
	require.Equal(t, 1, s.Simulator.Requests("StopJobs"))
	s.keep("job-stopped", id)
}

func TestGoldenASubmitOfAJobUnderWayIsAwaitedAndTheJobStopped(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "SubmitJob", Delay: 4 * time.Second})
	id := s.startJob(pipeline.Job{Run: "sleep 600"}, false)
	await(t, 20*time.Second, "the submit is under way", func() bool { return len(s.Simulator.JobsNamed(".job")) == 1 })
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), id, ""))
	result, err := s.endJob(id)
	require.True(t, sdk.IsCanceledError(err), "%v", err)
	require.Equal(t, workflows.JobStopped, result.State, "%+v", result)
	require.NotEmpty(t, result.JobID)
	s.keep("job-stopped-at-submit", id)
}

func TestGoldenADoubtAboutAJobThatCannotBeResolvedIsAsked(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "SubmitJob", Drop: ehpcsim.DropAfter})
	s.Simulator.Inject(ehpcsim.Fault{Action: "ListJobs", Code: "NotAuthorized", Times: -1})
	id := s.startJob(pipeline.Job{Run: "true"}, true)
	await(t, 30*time.Second, "a question", func() bool { return s.job(id).Question != nil })
	require.Contains(t, s.job(id).Question.Text, "ehpc:ListJobs", "what would have saved the question")
	s.Simulator.SetFaults(ehpcsim.Faults{})
	answer := func(given workflows.Answer) error {
		handle, err := s.Client.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateName: workflows.AnswerUpdate, WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{given},
		})
		if err != nil {
			return err
		}
		return handle.Get(t.Context(), nil)
	}
	require.ErrorContains(t, answer(workflows.Answer{Choice: workflows.Adopt}), "needs the id of the job")
	require.NoError(t, answer(workflows.Answer{Choice: workflows.Adopt, CommandID: "1.manager", By: "ann"}))
	result, err := s.endJob(id)
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict, "%+v", result)
	s.keep("job-asked", id)
}

func TestGoldenAnArrayIsWatchedTaskByTask(t *testing.T) {
	t.Parallel()
	for _, form := range []ehpcsim.JobStatusForm{ehpcsim.PBSStatus, ehpcsim.SlurmStatus} {
		t.Run("form "+string(form), func(t *testing.T) {
			t.Parallel()
			s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Jobs: ehpcsim.JobSettings{ListTasks: true, Status: form}})
			id := s.startJob(pipeline.Job{Run: `sleep $PBS_ARRAY_INDEX; echo "task $PBS_ARRAY_INDEX"`, Array: "1-5:2"}, true)
			result, err := s.endJob(id)
			require.NoError(t, err)
			require.Equal(t, workflows.Succeeded, result.Verdict, "%+v", result)
			require.Equal(t, map[workflows.JobState]int{workflows.JobFinished: 3}, result.Tasks)
			require.Equal(t, "task 1\ntask 3\ntask 5\n", result.Log)
			if form == ehpcsim.PBSStatus {
				s.keep("job-array", id)
			}
		})
	}
}

func TestAJobWithoutAnExitStatusHasNotBeenSeenToSucceed(t *testing.T) {
	t.Parallel()
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Jobs: ehpcsim.JobSettings{Status: ehpcsim.NoStatus}})
	byEnd := s.startJob(pipeline.Job{Run: "true", Success: pipeline.ByEnd}, false)
	byStatus := s.startJob(pipeline.Job{Run: "true"}, false)
	result, err := s.endJob(byEnd)
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict, result.Reason)
	result, err = s.endJob(byStatus)
	require.NoError(t, err)
	require.Equal(t, workflows.Failed, result.Verdict)
	require.Contains(t, result.Reason, "say success: finished")
}

func TestAJobThatTheSchedulerGotTwiceRunsOnceAndIsNotASuccess(t *testing.T) {
	t.Parallel()
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Nodes: 1})
	s.Simulator.Inject(ehpcsim.Fault{Action: "SubmitJob", Twice: true})
	id := s.startJob(pipeline.Job{Run: "sleep 3"}, false)
	result, err := s.endJob(id)
	require.NoError(t, err)
	require.Equal(t, workflows.Failed, result.Verdict)
	require.Contains(t, result.Reason, "more than once")
	require.Contains(t, strings.ToLower(result.Reason), "told to stop")
}
