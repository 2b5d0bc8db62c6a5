package e2e

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

const tenSecondsApart = `case $HOSTNAME in *000) sleep 10;; *001) sleep 20;; *002) sleep 30;; *) sleep 40;; esac`

func TestGoldenNodesThatEndTenSecondsApartLeaveAShortHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 40 seconds")
	}
	t.Parallel()
	s := newSystem(t, activities.DefaultPace())
	report := s.run(tenSecondsApart)
	require.True(t, report.Succeeded(), "%+v", report)
	events := len(s.history(report.RunID).GetEvents())
	t.Logf("%d history events for nodes that end 10 s apart, listing, submit and results included", events)
	require.LessOrEqual(t, events, 37)
	require.Less(t, report.EndedAt.Sub(report.SubmittedAt), 44*time.Second, "the last end is not held back")
	s.keep("ten-seconds-apart", report.RunID)
}

// Six hours are shown at a pace that is 360 times as fast: every wait of the watch
// is in proportion to the age of the command or to a bound of its pace.
func TestACommandOfSixHoursLeavesAShortHistory(t *testing.T) {
	t.Parallel()
	const faster = 360
	pace := activities.DefaultPace()
	pace.Look = activities.Bounds{Min: pace.Look.Min / faster, Max: pace.Look.Max / faster}
	hours := func(h float64) time.Duration { return time.Duration(h*float64(time.Hour)) / faster }
	s := newSystemWith(t, stack.Options{
		Pace: pace, Logger: zap.NewNop(),
		Script: &ehpcsim.Script{Duration: [2]time.Duration{hours(6) - 30*time.Second/faster, hours(6)}, Seed: 5},
	})
	report := s.run("solve")
	require.True(t, report.Succeeded(), "%+v", report)
	events := len(s.history(report.RunID).GetEvents())
	t.Logf("%d history events and %d looks for 6 hours", events, s.Simulator.Requests("ListInvocationStatus"))
	require.LessOrEqual(t, events, 37, "its nodes end within one look, or within two")
	require.Greater(t, s.Simulator.Requests("ListInvocationStatus"), 200)
}

func TestWhatIsHeldBackFromTheHistoryIsShownAtOnce(t *testing.T) {
	t.Parallel()
	pace := activities.DefaultPace()
	pace.LooksPerAge = 1e6
	pace.Look.Max = time.Hour
	s := newSystem(t, pace)
	id := s.start(`[ $HOSTNAME = compute001 ] || sleep 8`)
	await(t, 6*time.Second, "the end of one node is shown", func() bool {
		report, err := runs.Read(t.Context(), s.Client, id)
		require.NoError(t, err)
		return report.Counts()[activities.Finished] == 1 && report.Nodes[1].State == activities.Finished
	})
	require.True(t, s.end(id).Succeeded())
}

func TestGoldenALongListOfNodesIsSubmittedInParts(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	bad := s.nodes()[3]
	report := s.runInput(func(in *workflows.RunCommandInput) {
		in.Command = `sleep 2; [ "$EHPC_INSTANCE_ID" != ` + bad + ` ]`
		in.NodesPerCommand = 1
	})
	require.Equal(t, workflows.Partial, report.Verdict, "%+v", report)
	require.Len(t, report.Commands, 4)
	require.Equal(t, activities.Nonzero, report.Nodes[3].State)
	require.Equal(t, 3, report.Counts()[activities.Succeeded])
	require.Equal(t, 4, s.executions(), "each node ran it once")
	s.keep("in-parts", report.RunID)
}

func TestGoldenARunWithALongHistoryGoesOnAsANewOne(t *testing.T) {
	t.Parallel()
	server, err := devserver.Start(devserver.Options{HistoryEvents: 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	s := newSystemWith(t, stack.Options{Temporal: server.Address(), Pace: quickPace(), Logger: zap.NewNop()})
	id := s.startInput(func(in *workflows.RunCommandInput) {
		in.Command = `case $HOSTNAME in *000) sleep 1;; *001) sleep 4;; *002) sleep 7;; *) sleep 10;; esac; echo $HOSTNAME`
		in.NodesPerCommand = 3
	})
	first, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Equal(t, "compute003\n", report.Nodes[3].Output)
	require.Equal(t, 4, s.executions())

	last, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	firstRun, lastRun := first.GetWorkflowExecutionInfo().GetExecution().GetRunId(), last.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	require.NotEqual(t, firstRun, lastRun, "it went on under its name")
	ending := s.historyOf(id, firstRun).GetEvents()
	require.Equal(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW, ending[len(ending)-1].GetEventType())
	s.keepHistory("goes-on", s.historyOf(id, firstRun))
	s.keepHistory("went-on", s.historyOf(id, lastRun))
}

func TestGoldenARunEndsAtItsDeadlineWithWhatIsKnown(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute, the shortest deadline")
	}
	t.Parallel()
	s := newSystem(t, quickPace())
	started := time.Now()
	report := s.runInput(func(in *workflows.RunCommandInput) {
		in.Command = `[ $HOSTNAME = compute001 ] && sleep 100 || echo done`
		in.DeadlineSeconds = 60
	})
	require.Equal(t, workflows.Partial, report.Verdict)
	require.Equal(t, 3, report.Counts()[activities.Succeeded])
	require.Equal(t, activities.Running, report.Nodes[1].State)
	require.Contains(t, report.Reason, "deadline of 1m0s passed")
	require.Contains(t, report.Reason, "may still be running on 1 of 4 nodes: "+report.Nodes[1].InstanceID)
	require.Less(t, time.Since(started), 75*time.Second)
	s.keep("overdue", report.RunID)
}

func TestADeadlineHoldsWhileTheAPIIsDown(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two minutes")
	}
	t.Parallel()
	for name, fault := range map[string]ehpcsim.Fault{
		"before the submit": {Action: "InvokeShellCommand", Code: "ConflictOpt", Times: -1},
		"during the watch":  {Action: "ListInvocationStatus", Code: "ServiceUnavailable", Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, quickPace())
			s.Simulator.Inject(fault)
			report := s.runInput(func(in *workflows.RunCommandInput) {
				in.Command, in.DeadlineSeconds = "echo hi", 60
			})
			if fault.Action == "InvokeShellCommand" {
				require.Equal(t, runs.Failed, report.State)
				require.Contains(t, report.Error.Message, "nothing was sent")
				require.Equal(t, 4, report.Counts()[activities.Skipped])
				require.Zero(t, s.executions())
				return
			}
			require.Equal(t, workflows.Failed, report.Verdict)
			require.Equal(t, 4, report.Counts()[activities.Running], "nobody saw them end")
			require.Contains(t, report.Reason, "may still be running on 4 of 4 nodes")
		})
	}
}

// The long form kills ten workers, one after the other: make soak.
func TestAKilledWorkerIsReplacedAndNothingIsMissed(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for heartbeats that do not come")
	}
	t.Parallel()
	kills := 1
	if *soak {
		kills = 10
	}
	s := newSystem(t, quickPace())
	s.StopWorker()
	worker, said := background(t, s.forPrograms(), "worker")
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	id := s.startInput(func(in *workflows.RunCommandInput) {
		in.TimeoutSeconds = 3600
		in.Command = `case $HOSTNAME in *003) sleep ` + map[bool]string{false: "60", true: "560"}[*soak] + `;; *) echo early;; esac; echo $HOSTNAME`
	})
	for range kills {
		await(t, 2*time.Minute, "this worker watches", func() bool { return s.watchedBy(id, worker) })
		require.NoError(t, worker.Process.Kill())
		worker, said = background(t, s.forPrograms(), "worker")
		await(t, 20*time.Second, "the next worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	}
	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Equal(t, "compute003\n", report.Nodes[3].Output)
	require.Equal(t, 4, s.executions())
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))

	reported := make(map[string]int)
	for _, event := range s.history(id).GetEvents() {
		for _, node := range s.changedIn(event) {
			reported[node.InstanceID+" "+string(node.State)]++
		}
	}
	for what, times := range reported {
		require.Equal(t, 1, times, "%s is reported once", what)
	}
	require.Len(t, reported, 4)
}

func TestAStoppingWorkerHandsItsWatchOverWithinSeconds(t *testing.T) {
	t.Parallel()
	s := newSystem(t, activities.DefaultPace())
	s.StopWorker()
	worker, said := background(t, s.forPrograms(), "worker")
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	id := s.start("sleep 40")
	await(t, 20*time.Second, "the watch is taken up", func() bool { return s.watchAttempt(id) == 1 })
	require.NoError(t, s.StartWorker())
	stopped := time.Now()
	require.NoError(t, worker.Process.Signal(syscall.SIGTERM))
	await(t, 20*time.Second, "the watch goes on elsewhere", func() bool { return s.watchAttempt(id) == 2 })
	took := time.Since(stopped)
	t.Logf("handed over in %v", took)
	require.Less(t, took, 5*time.Second)
	await(t, 25*time.Second, "the trouble is over with the next look", func() bool { report := s.read(id); return report.Trouble == "" && report.Phase == workflows.Watching })
	require.NoError(t, worker.Wait())
	require.True(t, s.end(id).Succeeded())
}

func TestWatchesNeverKeepAnotherCommandFromBeingSubmitted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	_, said := background(t, s.forPrograms(), "worker", "--watches", "1")
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	long := s.start("sleep 45")
	await(t, 20*time.Second, "the only place is taken", func() bool { return s.watchAttempt(long) == 1 })
	short := []string{s.start("echo a"), s.start("echo b")}
	await(t, 10*time.Second, "the others are submitted", func() bool { return s.Simulator.Requests("InvokeShellCommand") == 3 })
	require.Zero(t, s.watchAttempt(short[0]))

	require.NoError(t, s.StartWorker())
	for _, id := range short {
		require.True(t, s.end(id).Succeeded(), "another worker takes what the full one does not")
	}
	require.Equal(t, runs.Running, s.read(long).State)
	require.True(t, s.end(long).Succeeded())
}

func TestARunThatIsResetAdoptsWhatItSubmitted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	report := s.run("echo once")
	require.True(t, report.Succeeded())
	s.reset(report.RunID)
	again := s.end(report.RunID)
	require.True(t, again.Succeeded(), "%+v", again)
	require.Equal(t, report.CommandID, again.CommandID)
	require.Equal(t, 4, s.executions(), "once on each node")
}

func TestARunThatIsResetAndCancelledStopsWhatItSubmitted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.startInput(func(in *workflows.RunCommandInput) {
		in.Command, in.Target = "sleep 300", workflows.Target{Nodes: s.nodes()}
	})
	await(t, 20*time.Second, "running", func() bool { return s.phase(id) == workflows.Watching && s.Simulator.Stats().Running == 4 })
	s.StopWorker()
	s.reset(id)
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), id, ""))
	require.NoError(t, s.StartWorker())
	report := s.end(id)
	require.Equal(t, runs.Canceled, report.State)
	require.Equal(t, 4, report.Counts()[activities.Stopped], "%+v", report)
	await(t, 5*time.Second, "nothing of it runs", func() bool { return s.Simulator.Stats().Running == 0 })
}

// reset resets a run to its first step.
func (s *system) reset(id string) {
	s.t.Helper()
	var firstTask int64
	for _, event := range s.history(id).GetEvents() {
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			firstTask = event.GetEventId()
			break
		}
	}
	_, err := s.Client.ResetWorkflowExecution(s.t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: devserver.Namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id},
		Reason: "a test", WorkflowTaskFinishEventId: firstTask, RequestId: id,
	})
	require.NoError(s.t, err)
}

func (s *system) read(id string) runs.Report {
	report, err := runs.Read(s.t.Context(), s.Client, id)
	require.NoError(s.t, err)
	return report
}

// heldWatch is the watch of a run that a worker holds; nil when none does.
func (s *system) heldWatch(id string) *workflowpb.PendingActivityInfo {
	described, err := s.Client.DescribeWorkflowExecution(s.t.Context(), id, "")
	require.NoError(s.t, err)
	for _, pending := range described.GetPendingActivities() {
		if pending.GetActivityType().GetName() == "ListInvocationStatus" && pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED {
			return pending
		}
	}
	return nil
}

// watchAttempt is the attempt of the watch that a worker holds; 0 when none does.
func (s *system) watchAttempt(id string) int32 { return s.heldWatch(id).GetAttempt() }

// watchedBy says whether this worker holds the watch of a run.
func (s *system) watchedBy(id string, worker *exec.Cmd) bool {
	return strings.HasPrefix(s.heldWatch(id).GetLastWorkerIdentity(), strconv.Itoa(worker.Process.Pid)+"@")
}

// changedIn are the changes that a watch reported in an event.
func (s *system) changedIn(event *historypb.HistoryEvent) activities.NodeStatuses {
	var seen activities.ListInvocationStatusResult
	payloads := event.GetActivityTaskCompletedEventAttributes().GetResult()
	if payloads != nil {
		_ = dataConverter.FromPayloads(payloads, &seen) // results of other activities have no changes
	}
	return seen.Changed
}
