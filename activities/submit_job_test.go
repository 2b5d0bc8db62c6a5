package activities_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/activities/secrets"
	"ehpcflow/ehpcsim"
)

const jobName = "solve.aaaabbbbcccc7"

func (b *bundle) submitJob(line string, change func(*activities.SubmitJobInput)) (activities.SubmitJobResult, error) {
	b.t.Helper()
	in := activities.SubmitJobInput{ClusterID: clusterID, Name: jobName, CommandLine: line, User: "user1"}
	if change != nil {
		change(&in)
	}
	return execute[activities.SubmitJobResult](b, b.acts.SubmitJob, in)
}

func (b *bundle) mustSubmitJob(line string) activities.SubmitJobResult {
	b.t.Helper()
	submitted, err := b.submitJob(line, nil)
	require.NoError(b.t, err)
	return submitted
}

// watchJob watches a job that was last seen in a state.
func (b *bundle) watchJob(submitted activities.SubmitJobResult, state activities.JobState, change func(*activities.ListJobsInput)) (activities.ListJobsResult, error) {
	b.t.Helper()
	in := activities.ListJobsInput{
		ClusterID: clusterID, JobID: submitted.JobID, Name: jobName, User: "user1", State: state,
		Milestones: activities.Milestones{SubmittedAt: submitted.SubmittedAt}, Deadline: time.Now().Add(time.Minute),
	}
	if change != nil {
		change(&in)
	}
	return awaitResult[activities.ListJobsResult](b, b.acts.ListJobs, in)
}

func TestAJobIsSubmittedWithAllThatIsAskedFor(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hpc"), []byte("hunter2\n"), 0o600))
	b.acts.Secrets = secrets.Dir(dir)
	submitted, err := b.submitJob(`echo "$A $B"; sleep 600`, func(in *activities.SubmitJobInput) {
		in.PasswordSecret, in.Variables, in.WallClockSeconds = "hpc", map[string]string{"B": `"quoted"`, "A": "it's"}, 1
	})
	require.NoError(t, err)
	require.Equal(t, map[string]int{jobName: 1}, b.sim.JobsNamed(jobName))
	seen, err := b.watchJob(submitted, activities.JobRunning, nil)
	require.NoError(t, err)
	require.Equal(t, activities.JobFinished, seen.State)
	told, err := execute[activities.DescribeJobResult](b, b.acts.DescribeJob, activities.DescribeJobInput{ClusterID: clusterID, JobID: submitted.JobID, SubmittedAt: submitted.SubmittedAt})
	require.NoError(t, err)
	require.Equal(t, "it's \"quoted\"\n", told.Log)
	require.Equal(t, 271, *told.ExitStatus, "its limit killed it")
}

func TestASecretThatCannotBeReadSubmitsNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large"), []byte(strings.Repeat("s3cret", 1000)), 0o600))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "link")))
	for name, reason := range map[string]string{"missing": "has no secret missing", "../x": "cannot be the name", "empty": "is empty", "large": "larger", "link": "cannot be read"} {
		b.acts.Secrets = secrets.Dir(dir)
		_, err := b.submitJob("true", func(in *activities.SubmitJobInput) { in.PasswordSecret = name })
		failure := applicationError(t, err)
		require.Equal(t, activities.ErrNoSecret, failure.Type())
		require.True(t, failure.NonRetryable())
		require.Contains(t, failure.Message(), reason)
		require.NotContains(t, failure.Message(), "s3cret")
	}
	b.acts.Secrets = ""
	_, err := b.submitJob("true", func(in *activities.SubmitJobInput) { in.PasswordSecret = "hpc" })
	require.ErrorContains(t, err, "--secrets-dir")
	require.Zero(t, b.sim.Requests("SubmitJob"))
}

func TestASubmitOfAJobIsRetriedOnlyWhenItIsCertainThatItDidNotArrive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault    ehpcsim.Fault
		mayExist bool
	}{
		"throttled":      {ehpcsim.Fault{Code: "Throttling.User"}, false},
		"busy":           {ehpcsim.Fault{Code: "ConflictOpt"}, false},
		"no answer":      {ehpcsim.Fault{Drop: ehpcsim.DropAfter}, true},
		"garbage":        {ehpcsim.Fault{Body: ehpcsim.GarbageBody}, true},
		"an agent fails": {ehpcsim.Fault{Code: "AgentError"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, 1)
			c.fault.Action = "SubmitJob"
			b.sim.Inject(c.fault)
			_, err := b.submitJob("true", nil)
			failure := applicationError(t, err)
			var detail activities.SubmitFailure
			if failure.HasDetails() {
				require.NoError(t, failure.Details(&detail))
			}
			require.Equal(t, c.mayExist, detail.MayHaveRun)
			require.Equal(t, c.mayExist, failure.NonRetryable())
			require.Equal(t, 1, b.sim.Requests("SubmitJob"), "it is sent once")
		})
	}
}

func TestAResetRunDoesNotSubmitItsJobAgain(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	_, err := b.submitJob("true", func(in *activities.SubmitJobInput) { in.OriginalRunID = "another" })
	require.Equal(t, activities.ErrResetRun, applicationError(t, err).Type())
	require.Zero(t, b.sim.Requests("SubmitJob"))
	_, err = b.submitJob("true", func(in *activities.SubmitJobInput) { in.OriginalRunID, in.Resubmit = "another", true })
	require.NoError(t, err)
}

func TestTheWatchOfAJobTellsEachChange(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmitJob("sleep 1")
	seen, err := b.watchJob(submitted, activities.JobQueued, nil)
	require.NoError(t, err)
	require.Equal(t, activities.JobRunning, seen.State)
	require.Equal(t, []string{"compute000"}, seen.Nodes)
	seen, err = b.watchJob(submitted, activities.JobRunning, nil)
	require.NoError(t, err)
	require.Equal(t, activities.JobFinished, seen.State)
	require.Empty(t, seen.Others)
}

func TestTheWatchOfAJobEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmitJob("sleep 600")
	seen, err := b.watchJob(submitted, activities.JobRunning, func(in *activities.ListJobsInput) { in.Deadline = time.Now().Add(200 * time.Millisecond) })
	require.NoError(t, err)
	require.True(t, seen.DeadlinePassed)
	require.Equal(t, activities.JobRunning, seen.State)
}

func TestAJobIsMissingOnlyAfterAWhileOfLooksThatAnswered(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.RefusedFor, b.acts.Pace.NewFor = 600*time.Millisecond, 0
	submitted := b.mustSubmitJob("sleep 600")
	b.sim.RemoveJob(clusterID, submitted.JobID)
	before := time.Now()
	seen, err := b.watchJob(submitted, activities.JobRunning, nil)
	require.NoError(t, err)
	require.Equal(t, activities.JobMissing, seen.State)
	require.Greater(t, time.Since(before), 600*time.Millisecond)

	b.acts.Pace.RefusedFor, b.acts.Pace.NewFor = 0, time.Hour
	submitted = b.mustSubmitJob("sleep 600")
	b.sim.RemoveJob(clusterID, submitted.JobID)
	seen, err = b.watchJob(submitted, activities.JobRunning, func(in *activities.ListJobsInput) { in.Deadline = time.Now().Add(500 * time.Millisecond) })
	require.NoError(t, err)
	require.Equal(t, activities.JobRunning, seen.State, "a new job may be listed late")
}

func TestAJobThatIsListedLateIsNotMissing(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.RefusedFor = 0
	b.sim.SetFaults(ehpcsim.Faults{ListLate: time.Second})
	seen, err := b.watchJob(b.mustSubmitJob("true"), activities.JobQueued, nil)
	require.NoError(t, err)
	require.Equal(t, activities.JobFinished, seen.State)
}

func TestAnErrorOfTheListingEndsTheAttemptUnderItsCode(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.Soon = activities.Bounds{Min: time.Millisecond, Max: time.Millisecond}
	submitted := b.mustSubmitJob("sleep 600")
	b.sim.Inject(ehpcsim.Fault{Action: "ListJobs", Code: "ServiceUnavailable", Times: 2})
	_, err := b.watchJob(submitted, activities.JobRunning, nil)
	require.Equal(t, "ServiceUnavailable", applicationError(t, err).Type())
	require.False(t, applicationError(t, err).NonRetryable())
	require.Equal(t, 2, b.sim.Requests("ListJobs"), "a page is asked for once more")
	b.acts.Pace.RefusedFor = time.Hour
	b.sim.Inject(ehpcsim.Fault{Action: "ListJobs", Code: "NotAuthorized"})
	_, err = b.watchJob(submitted, activities.JobRunning, nil)
	require.Equal(t, "NotAuthorized", applicationError(t, err).Type())
	require.False(t, applicationError(t, err).NonRetryable(), "losing sight of it is worse than asking in vain")
	b.acts.Pace.RefusedFor = 0
	b.sim.Inject(ehpcsim.Fault{Action: "ListJobs", Code: "NotAuthorized"})
	_, err = b.watchJob(submitted, activities.JobRunning, nil)
	require.True(t, applicationError(t, err).NonRetryable())
}

func TestAJobThatTheSchedulerHasTwiceIsReported(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.sim.Inject(ehpcsim.Fault{Action: "SubmitJob", Twice: true})
	submitted := b.mustSubmitJob("sleep 600")
	require.Equal(t, "2.manager", submitted.JobID)
	seen, err := b.watchJob(submitted, activities.JobQueued, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"1.manager"}, seen.Others)
	require.Equal(t, activities.JobQueued, seen.State)
	found, err := awaitResult[activities.FindJobResult](b, b.acts.FindJob, activities.FindJobInput{ClusterID: clusterID, Name: jobName, DoubtAt: time.Now()})
	require.NoError(t, err)
	require.Equal(t, activities.FindJobResult{JobID: "1.manager", Others: []string{"2.manager"}}, found)
}

func TestAJobIsFoundByItsNameWhetherItRunsOrHasEnded(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{"runs": "sleep 600", "ended": "true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, 1)
			b.sim.SetFaults(ehpcsim.Faults{ListLate: 300 * time.Millisecond})
			submitted := b.mustSubmitJob(line)
			found, err := awaitResult[activities.FindJobResult](b, b.acts.FindJob, activities.FindJobInput{
				ClusterID: clusterID, Name: jobName, User: "user1", DoubtAt: time.Now(),
			})
			require.NoError(t, err)
			require.Equal(t, submitted.JobID, found.JobID)
		})
	}
}

func TestAJobThatIsNotThereIsLookedForUntilItWouldBeListed(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.NewFor = 500 * time.Millisecond
	b.mustSubmitJob("true")
	before := time.Now()
	found, err := awaitResult[activities.FindJobResult](b, b.acts.FindJob, activities.FindJobInput{
		ClusterID: clusterID, Name: "another.aaaabbbbcccc7", User: "user1", DoubtAt: before,
	})
	require.NoError(t, err)
	require.Empty(t, found.JobID)
	require.Greater(t, time.Since(before), 500*time.Millisecond)
}

func TestAJobIsStoppedAndASecondStopDoesNoHarm(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmitJob("sleep 600")
	stop := func() activities.StopJobsResult {
		told, err := execute[activities.StopJobsResult](b, b.acts.StopJobs, activities.StopJobsInput{ClusterID: clusterID, JobIDs: []string{submitted.JobID}})
		require.NoError(t, err)
		return told
	}
	require.Empty(t, stop().Ended)
	seen, err := b.watchJob(submitted, activities.JobRunning, nil)
	require.NoError(t, err)
	require.Equal(t, activities.JobFinished, seen.State)
	require.Equal(t, []string{submitted.JobID}, stop().Ended)
	b.sim.Inject(ehpcsim.Fault{Action: "StopJobs", Code: "AgentError"})
	_, err = execute[activities.StopJobsResult](b, b.acts.StopJobs, activities.StopJobsInput{ClusterID: clusterID, JobIDs: []string{submitted.JobID}})
	require.False(t, applicationError(t, err).NonRetryable(), "not stopping does harm")
}

func TestTheEndOfALongLogIsKept(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmitJob(`yes "out out out" | head -c 900000; echo; echo THE END; yes é | head -c 9000 >&2; exit 4`)
	_, err := b.watchJob(submitted, activities.JobRunning, nil)
	require.NoError(t, err)
	told, err := execute[activities.DescribeJobResult](b, b.acts.DescribeJob, activities.DescribeJobInput{ClusterID: clusterID, JobID: submitted.JobID, SubmittedAt: submitted.SubmittedAt})
	require.NoError(t, err)
	require.Equal(t, 4, *told.ExitStatus)
	require.LessOrEqual(t, len(told.Log), activities.MaxJobLog)
	require.Contains(t, told.Log, "THE END\n")
	require.NotContains(t, told.Log, "\uFFFD")
	require.Equal(t, 3, b.sim.Requests("GetJobLog"))
}

func TestALogIsCutByWhatItTakesWhereItIsRecorded(t *testing.T) {
	t.Parallel()
	for commands, least := range map[string]int{
		`yes '<<<<<<' | head -c 20000; echo THE END`:                                                     activities.MaxJobLog - 6,
		`yes '<<<<<<' | head -c 20000; echo THE END; yes '>>>' | head -c 20000 >&2; echo THE ERRORS >&2`: activities.MaxJobLog - 12,
		`yes '<<<<<<' | head -c 20000; echo THE END; echo a few words >&2`:                               activities.MaxJobLog - 6,
		`echo THE END; yes '\033[31m' | tr '\\' '\033' | head -c 20000 >&2`:                              activities.MaxJobLog - 6,
	} {
		b := newBundle(t, 1)
		submitted := b.mustSubmitJob(commands)
		_, err := b.watchJob(submitted, activities.JobRunning, nil)
		require.NoError(t, err)
		told, err := execute[activities.DescribeJobResult](b, b.acts.DescribeJob, activities.DescribeJobInput{ClusterID: clusterID, JobID: submitted.JobID, SubmittedAt: submitted.SubmittedAt})
		require.NoError(t, err)
		text, err := json.Marshal(told.Log)
		require.NoError(t, err)
		require.LessOrEqual(t, len(text)-2, activities.MaxJobLog, commands)
		require.GreaterOrEqual(t, len(text)-2, least, commands)
		require.Contains(t, told.Log, "THE END", commands)
	}
}

func TestALogThatCannotBeReadIsATroubleAndNoError(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmitJob(`echo hi`)
	_, err := b.watchJob(submitted, activities.JobRunning, nil)
	require.NoError(t, err)
	in := activities.DescribeJobInput{ClusterID: clusterID, JobID: submitted.JobID, SubmittedAt: submitted.SubmittedAt}
	b.sim.Inject(ehpcsim.Fault{Action: "GetJobLog", Code: "NotAuthorized"})
	told, err := execute[activities.DescribeJobResult](b, b.acts.DescribeJob, in)
	require.NoError(t, err)
	require.Zero(t, *told.ExitStatus)
	require.Contains(t, told.Troubles[0], "NotAuthorized")

	b.sim.Inject(ehpcsim.Fault{Action: "DescribeJob", Code: "ServiceUnavailable"})
	_, err = execute[activities.DescribeJobResult](b, b.acts.DescribeJob, in)
	require.Equal(t, "ServiceUnavailable", applicationError(t, err).Type())
	b.sim.RemoveJob(clusterID, submitted.JobID)
	b.acts.Pace.NewFor = 0
	told, err = execute[activities.DescribeJobResult](b, b.acts.DescribeJob, in)
	require.NoError(t, err)
	require.Nil(t, told.ExitStatus)
	require.Len(t, told.Troubles, 2)
}
