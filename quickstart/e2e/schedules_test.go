package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/runs"
	"ehpcflow/internal/schedules"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// schedule creates a schedule that is gone when the test ends.
func (s *system) schedule(name string, args ...string) {
	s.t.Helper()
	created := s.starter(append([]string{"schedule", "create", name}, args...)...)
	require.Equal(s.t, 0, created.code, created.stderr)
	s.t.Cleanup(func() { s.Client.ScheduleClient().GetHandle(s.t.Context(), name).Delete(s.t.Context()) }) //nolint:errcheck // it may be gone
}

func (s *system) shown(name string) schedules.Schedule {
	s.t.Helper()
	told := s.starter("schedule", "show", name, "--json")
	require.Equal(s.t, 0, told.code, told.stderr)
	var schedule schedules.Schedule
	require.NoError(s.t, json.Unmarshal([]byte(told.stdout), &schedule), told.stdout)
	return schedule
}

func TestAScheduleStartsARunOnceForEachOfItsTimes(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	name := "every-" + strings.ToLower(t.Name())
	s.schedule(name, "--every", "2s", "--overlap", "buffer-all", "--cluster", stack.ClusterID, "--all", "--", "echo tick")
	var fired []schedules.Firing
	await(t, 60*time.Second, "three have ended", func() bool {
		fired = s.shown(name).Runs
		return len(slices.DeleteFunc(slices.Clone(fired), func(f schedules.Firing) bool { return f.State != runs.Completed })) >= 3
	})
	require.Equal(t, 0, s.starter("schedule", "pause", name, "--note", "seen enough").code)
	await(t, 60*time.Second, "nothing goes on", func() bool { fired = s.shown(name).Runs; return len(s.shown(name).Running) == 0 })

	tokens := make(map[string]bool)
	for _, firing := range fired {
		require.Equal(t, schedules.RunName(name, firing.ScheduledAt), firing.Run)
		report, err := runs.Read(t.Context(), s.Client, firing.Run)
		require.NoError(t, err)
		require.True(t, report.Succeeded(), "%+v", report)
		require.Len(t, report.Commands, 1)
		require.False(t, tokens[report.Commands[0].Token], "two firings are two tokens")
		tokens[report.Commands[0].Token] = true
		require.Contains(t, s.starter("status", firing.Run).stdout, "succeeded (4 succeeded)")
	}
	require.Equal(t, s.shown(name).Started, s.executions()/4, "each firing ran once on each node")

	paused := s.shown(name)
	require.True(t, paused.Paused)
	require.Regexp(t, `^seen enough \(paused by .+@.+\)$`, paused.Note)
	require.Equal(t, "every 2s", paused.When)
	require.Contains(t, s.starter("schedule", "show", name).stdout, "is paused")
	await(t, 30*time.Second, "it is listed", func() bool {
		return strings.Contains(s.starter("schedule", "list").stdout, name)
	})

	triggered := s.starter("schedule", "trigger", name)
	require.Equal(t, 0, triggered.code, triggered.stderr)
	require.NotEmpty(t, triggered.stdout, "also of a second in which it has fired: %s", triggered.stderr)
	require.True(t, s.end(strings.TrimSpace(triggered.stdout)).Succeeded(), "also of a paused one")

	require.Equal(t, 0, s.starter("schedule", "resume", name).code)
	require.False(t, s.shown(name).Paused)
	deleted := s.starter("schedule", "delete", name)
	require.Equal(t, 0, deleted.code, deleted.stderr)
	gone := s.starter("schedule", "show", name)
	require.Equal(t, 2, gone.code)
	require.Contains(t, gone.stderr, "there is no schedule "+name)
}

func TestABackfillMakesUpForTimesThatHaveNotRunAndNoOthers(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	name := strings.ToLower(t.Name())
	s.schedule(name, "--cron", "30 4 * * *", "--time-zone", "Asia/Shanghai", "--paused", "--cluster", stack.ClusterID, "--all", "--", "echo tick")
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	from, to := time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly)+"T21:00:00Z", yesterday+"T20:30:00Z"
	filled := s.starter("schedule", "backfill", name, "--from", from, "--to", to)
	require.Equal(t, 0, filled.code, filled.stderr)
	run := name + "-" + yesterday + "T20:30:00Z"
	require.Contains(t, filled.stderr, "makes up for 1 firings, "+run)
	await(t, 20*time.Second, "it begins", func() bool { return len(s.shown(name).Runs) == 1 })
	require.True(t, s.end(run).Succeeded())
	require.Equal(t, 4, s.executions())
	await(t, 20*time.Second, "its end is known", func() bool { return len(s.shown(name).Running) == 0 })

	at := s.starter("schedule", "backfill", name, "--from", to, "--to", to)
	require.Equal(t, 2, at.code, "the first time of a range is looked at too")
	require.Contains(t, at.stderr, "of 1 times 1 have run already, such as "+run)
	again := s.starter("schedule", "backfill", name, "--from", from, "--to", to)
	require.Equal(t, 2, again.code)
	require.Contains(t, again.stderr, "of 1 times 1 have run already, such as "+run)
	require.Equal(t, 4, s.executions())
	for says, more := range map[string][]string{
		"which is yet to come": {"--from", from, "--to", "2099-01-01 00:00"},
		"turn them round":      {"--from", to, "--to", from},
		"which is no time":     {"--from", "yesterday", "--to", to},
		"has no time between":  {"--from", yesterday + " 05:00", "--to", yesterday + " 06:00"},
		`--overlap is "both"`:  {"--from", from, "--to", to, "--overlap", "both"},
	} {
		refused := s.starter(append([]string{"schedule", "backfill", name}, more...)...)
		require.Equal(t, 2, refused.code, says)
		require.Contains(t, refused.stderr, says)
	}
}

func TestAScheduleThatPausesOnFailureDoesSoWhenAVerdictIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	name := strings.ToLower(t.Name())
	s.schedule(name, "--every", "1h", "--pause-on-failure", "--cluster", stack.ClusterID, "--all", "--", "[ $HOSTNAME != compute002 ]")
	triggered := s.starter("schedule", "trigger", name)
	run := strings.TrimSpace(triggered.stdout)
	report := s.end(run)
	require.Equal(t, workflows.Partial, report.Verdict)
	require.Equal(t, runs.Completed, report.State, "it is shown by its verdict")
	require.Nil(t, report.Error)
	status := s.starter("status", run)
	require.Equal(t, 4, status.code)
	require.Contains(t, status.stdout, "partial (3 succeeded, 1 nonzero)")
	await(t, 20*time.Second, "it pauses", func() bool { return s.shown(name).Paused })
	paused := s.shown(name)
	require.Equal(t, "paused due to workflow failure: "+run+": partial; 3 succeeded, 1 nonzero", paused.Note)
	require.Equal(t, runs.Failed, paused.Runs[0].State)
	require.Contains(t, s.starter("schedule", "show", name).stdout, "not succeeded")
	require.Contains(t, s.starter("rerun", run).stdout, "failed (1 nonzero)", "it can be run again as any other")
}

func TestARunOfAScheduleWaitsForAWorker(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	name := strings.ToLower(t.Name())
	nowhere := []string{"--task-queue", "nobody-serves-this"}
	created := s.starter(append([]string{"schedule", "create", name, "--every", "1h", "--cluster", stack.ClusterID, "--all"}, append(nowhere, "--", "echo hi")...)...)
	require.Equal(t, 0, created.code, created.stderr)
	require.Contains(t, created.stderr, `no worker serves task queue "nobody-serves-this" now: a run that it starts waits until one does`)
	require.Contains(t, s.starter("schedule", "show", name).stdout, `waiting: no worker serves task queue "nobody-serves-this"`)

	triggered := s.starter("schedule", "trigger", name)
	require.Equal(t, 0, triggered.code, triggered.stderr)
	again := s.starter("schedule", "trigger", name)
	require.Equal(t, 2, again.code)
	require.Contains(t, again.stderr, "goes on, and with --overlap skip no other is started")
	twice := s.starter("schedule", "create", name, "--every", "1h", "--cluster", stack.ClusterID, "--all", "--", "echo other")
	require.Equal(t, 2, twice.code)
	require.Contains(t, twice.stderr, "exists already and was left as it is")
	deleted := s.starter("schedule", "delete", name)
	require.Contains(t, deleted.stderr, "still going on: "+strings.TrimSpace(triggered.stdout))
	require.NoError(t, s.Client.TerminateWorkflow(t.Context(), strings.TrimSpace(triggered.stdout), "", "the test is over"))
}

// Temporal says of the fields of a cron what is wrong with them.
func TestACronThatTemporalRefusesIsTheUsersMistake(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	refused := s.starter("schedule", "create", strings.ToLower(t.Name()), "--cron", "0 25 * * *", "--cluster", stack.ClusterID, "--all", "--", "echo hi")
	require.Equal(t, 2, refused.code)
	require.Contains(t, refused.stderr, "Temporal does not take the schedule: ")
	require.Contains(t, refused.stderr, "cron 0 25 * * *")
	require.Equal(t, 1, strings.Count(refused.stderr, "\n"), refused.stderr)
}

// The golden histories of runs that fail by their verdict, one of each kind.
func TestGoldenARunThatIsToFailUnlessItSucceedsFailsByItsVerdict(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	one := "[ $HOSTNAME != compute002 ]"
	for id, flags := range map[string][]string{
		"fail-run":          {},
		"fail-run-rollout":  {"--waves", "3,1"},
		"fail-run-clusters": {"--cluster", "ehpc-nowhere", "--clusters-at-once", "1"},
	} {
		name := id + "-" + strings.ToLower(t.Name())
		ended := s.starter(append(append([]string{"run", "--id", name, "--cluster", stack.ClusterID, "--all", "--fail-run", "--json"}, flags...), "--", one)...)
		require.Equal(t, 4, ended.code, "%s: %s", id, ended.stderr)
		require.Contains(t, ended.stdout, `"verdict": "partial"`)
		require.Contains(t, ended.stdout, `"state": "completed"`)
		described, err := s.Client.DescribeWorkflowExecution(t.Context(), name, "")
		require.NoError(t, err)
		require.Equal(t, "Failed", described.GetWorkflowExecutionInfo().GetStatus().String())
		s.keep(id, name)
	}
	require.Equal(t, 0, s.starter("run", "--cluster", stack.ClusterID, "--all", "--fail-run", "--", "echo ok").code)
}

func TestABackfillIsRefusedWhereItCannotBeToldWhatHasRun(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	name := strings.ToLower(t.Name())
	from, to := time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly), time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	backfill := func(name string, more ...string) outcome {
		return s.starter(append([]string{"schedule", "backfill", name, "--from", from + " 00:00", "--to", to + " 23:59"}, more...)...)
	}
	command := []string{"--paused", "--cluster", stack.ClusterID, "--all"}
	s.schedule(name+"-slow", append(append([]string{"--cron", "30 4 * * *"}, command...), "--", "sleep 5")...)
	require.Equal(t, 0, backfill(name+"-slow").code)
	await(t, 20*time.Second, "the first of two begins", func() bool { return len(s.shown(name+"-slow").Running) == 1 })
	repeated := backfill(name + "-slow")
	require.Equal(t, 2, repeated.code)
	require.Contains(t, repeated.stderr, "which times wait behind it cannot be told")
	await(t, 60*time.Second, "both have ended", func() bool {
		shown := s.shown(name + "-slow")
		return shown.Started == 2 && len(shown.Running) == 0
	})
	require.Equal(t, 8, s.executions())

	s.schedule(name+"-jitter", append(append([]string{"--cron", "30 4 * * *", "--jitter", "1m"}, command...), "--", "echo tick")...)
	untold := backfill(name + "-jitter")
	require.Equal(t, 2, untold.code)
	require.Contains(t, untold.stderr, "has a jitter")
	require.Equal(t, 0, backfill(name+"-jitter", "--again").code)
}
