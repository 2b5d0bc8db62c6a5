package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// The tests named TestGolden… keep their histories when asked to; see the replay
// test of package workflows.

func TestGoldenEveryNodeRunsTheCommandOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	report := s.run(`echo "hi-$((6*7)) from $EHPC_INSTANCE_ID"`)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Len(t, report.Nodes, 4)
	for i, id := range s.nodes() {
		require.Equal(t, id, report.Nodes[i].InstanceID)
		require.Equal(t, "hi-42 from "+id+"\n", report.Nodes[i].Output)
		require.Equal(t, 1, s.Simulator.Executions(id))
	}
	s.keep("succeeded", report.RunID)
}

func TestGoldenTheVerdictNamesTheNodeThatFailed(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	bad := s.nodes()[2]
	report := s.run(`[ "$EHPC_INSTANCE_ID" != ` + bad + ` ] || { echo broken; exit 3; }`)
	require.Equal(t, runs.Completed, report.State)
	require.Equal(t, workflows.Partial, report.Verdict)
	for _, node := range report.Nodes {
		if node.InstanceID != bad {
			require.Equal(t, activities.Succeeded, node.State)
			continue
		}
		require.Equal(t, activities.Nonzero, node.State)
		require.Equal(t, 3, *node.ExitCode)
		require.Equal(t, "broken\n", node.Output)
	}
	s.keep("partial", report.RunID)
}

func TestGoldenAPassingErrorOfTheAPIIsRetriedInSight(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Code: "ConflictOpt", Times: 2})
	s.Simulator.Inject(ehpcsim.Fault{Action: "ListInvocationStatus", Code: "ServiceUnavailable", Times: 1})

	id := s.start("echo ok")
	await(t, 20*time.Second, "the retries are reported while they go on", func() bool {
		report, err := runs.Read(t.Context(), s.Client, id)
		require.NoError(t, err)
		return report.Trouble != "" || report.State != runs.Running
	})
	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Equal(t, 4, s.executions(), "each node ran it once")
	require.Equal(t, 3, s.Simulator.Requests("InvokeShellCommand"))

	attempts := make(map[string]int32)
	failures := make(map[string]string)
	started := make(map[int64]string)
	for _, event := range s.history(id).GetEvents() {
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			started[event.GetEventId()] = event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			attributes := event.GetActivityTaskStartedEventAttributes()
			name := started[attributes.GetScheduledEventId()]
			if attempts[name] < attributes.GetAttempt() {
				attempts[name] = attributes.GetAttempt()
				failures[name] = attributes.GetLastFailure().GetApplicationFailureInfo().GetType()
			}
		default:
		}
	}
	require.EqualValues(t, 3, attempts["InvokeShellCommand"], "two conflicts, then accepted")
	require.Equal(t, "ConflictOpt", failures["InvokeShellCommand"])
	require.EqualValues(t, 2, attempts["ListInvocationStatus"], "one failed look")
	require.Equal(t, "ServiceUnavailable", failures["ListInvocationStatus"])
	s.keep("retried", id)
}

func TestGoldenARefusalEndsTheRunAtOnceUnderItsCode(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"NotAuthorized", "InvalidParams", "NotEnabled", "InDebt", "ClusterNotFound"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, quickPace())
			s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Code: code, Times: -1})
			report := s.run("echo never")
			require.Equal(t, runs.Failed, report.State)
			require.Equal(t, code, report.Error.Code)
			require.NotContains(t, report.Error.Message, "\n")
			require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))
			require.Zero(t, s.executions())
			if code == "NotAuthorized" {
				require.Contains(t, report.Error.Message, "allow the action ehpc:InvokeShellCommand")
				s.keep("refused", report.RunID)
			}
		})
	}
}

func TestGoldenARefusalOfTheWatchEndsTheRunWithTheStatesKnown(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.start("sleep 300")
	await(t, 20*time.Second, "running", func() bool {
		report, err := runs.Read(t.Context(), s.Client, id)
		require.NoError(t, err)
		return report.Counts()[activities.Running] == 4
	})
	s.Simulator.Inject(ehpcsim.Fault{Action: "ListInvocationStatus", Code: "NotAuthorized", Times: -1})
	report := s.end(id)
	require.Equal(t, "NotAuthorized", report.Error.Code)
	require.Equal(t, 4, report.Counts()[activities.Running])
	s.keep("watch-refused", id)
}

func TestGoldenCancellingStopsTheCommandOnEveryNode(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.start(`[ $HOSTNAME = compute001 ] || sleep 300; echo done`)
	await(t, 20*time.Second, "one has ended", func() bool {
		report, err := runs.Read(t.Context(), s.Client, id)
		require.NoError(t, err)
		return report.Counts()[activities.Finished] == 1
	})
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), id, ""))
	report := s.end(id)
	require.Equal(t, runs.Canceled, report.State)
	require.Equal(t, 3, report.Counts()[activities.Stopped], "%+v", report)
	require.Equal(t, activities.Succeeded, report.Nodes[1].State, "it had already finished")
	require.Equal(t, "cancelled; 1 succeeded, 3 stopped", report.Error.Message)
	require.False(t, report.Succeeded())
	s.keep("stopped", id)
}

func TestGoldenARawCommandIsNotStopped(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.startInput(func(in *workflows.RunCommandInput) { in.Command, in.Raw = "sleep 300", true })
	await(t, 20*time.Second, "running", func() bool { return s.phase(id) == workflows.Watching })
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), id, ""))
	report := s.end(id)
	require.Contains(t, report.Error.Message, "sent raw, cannot be stopped, and may still be running on 4 of 4 nodes")
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))
	s.keep("raw-canceled", id)
}

func TestGoldenAQuietCommandLeavesAShortHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 90 seconds")
	}
	t.Parallel()
	s := newSystem(t, activities.DefaultPace())
	report := s.run("sleep 90")
	require.True(t, report.Succeeded(), "%+v", report)
	events := len(s.history(report.RunID).GetEvents())
	t.Logf("%d history events for a command of 90 seconds on 4 nodes", events)
	require.Less(t, events, 50)
	s.keep("quiet", report.RunID)
}

func TestGoldenNodesThatEndOneByOneAreReportedOneByOne(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	report := s.run(`case $HOSTNAME in *000) sleep 1;; *001) sleep 3;; *002) sleep 5;; *) sleep 7;; esac`)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Less(t, len(s.history(report.RunID).GetEvents()), 50)
	s.keep("one-by-one", report.RunID)
}
