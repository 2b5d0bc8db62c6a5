package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// startRollout starts a rollout on all nodes, with an input that may be changed, and
// returns its name.
func (s *system) startRollout(change func(*workflows.RolloutInput)) string {
	s.t.Helper()
	in := workflows.RolloutInput{RunCommandInput: workflows.RunCommandInput{
		ClusterID: stack.ClusterID, Target: workflows.Target{All: true}, TimeoutSeconds: 120,
	}}
	change(&in)
	id := runs.NewID()
	require.NoError(s.t, runs.Start(s.t.Context(), s.Client, s.place(), id, in))
	return id
}

// order gives an order with the stock client.
func (s *system) order(id, name string, order workflows.Order) error {
	s.t.Helper()
	if order.By == "" {
		order.By, order.Why = "ada", "for the test"
	}
	return s.update(id, name, order)
}

func (s *system) update(id, name string, order any) error {
	s.t.Helper()
	handle, err := s.Client.UpdateWorkflow(s.t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: name, Args: []any{order}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	return handle.Get(s.t.Context(), nil)
}

func (s *system) awaitWait(id string, what workflows.WaitFor) {
	s.t.Helper()
	await(s.t, 30*time.Second, "it waits for "+string(what), func() bool {
		rollout := s.read(id).Rollout // none while no worker has answered
		return rollout != nil && rollout.Wait != nil && rollout.Wait.For == what
	})
}

func sizes(t *testing.T, text string) []policy.Size {
	t.Helper()
	list, err := policy.ParseSizes(text)
	require.NoError(t, err)
	return list
}

func size(n int) *policy.Size {
	s := policy.Number(n)
	return &s
}

func TestGoldenARolloutStopsWhereItsBudgetIsBreached(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	bad := s.nodes()[1]
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command = `[ "$EHPC_INSTANCE_ID" != ` + bad + ` ]`
		in.Policy.Waves = sizes(t, "1,1,2")
		in.Policy.Budget.Whole = size(0)
	})
	result := s.end(id)
	require.Equal(t, workflows.Aborted, result.Verdict, "%+v", result)
	require.Equal(t, policy.Breached, result.Rollout.Halt.Cause)
	require.Equal(t, "1 of 4 nodes failed (nonzero 1), the budget allows 0", result.Rollout.Halt.Text)
	require.Equal(t, map[workflows.NodeState]int{activities.Succeeded: 1, activities.Nonzero: 1, activities.Skipped: 2}, result.Counts())
	require.Equal(t, 2, s.executions())
	s.keep("rollout-breached", id)
}

func TestGoldenARolloutIsPausedAfterTheFirstWaveAndApproved(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command = "echo $HOSTNAME"
		in.Policy.Waves = sizes(t, "1,100%")
		in.Policy.Pause = []policy.Pause{policy.PauseFirst}
		in.Policy.SoakSeconds = 1
	})
	s.awaitWait(id, workflows.ForApproval)
	require.Equal(t, 1, s.executions(), "the canary only")
	require.NoError(t, s.order(id, workflows.ApproveUpdate, workflows.Order{By: "ada", Why: "the canary lives"}))
	result := s.end(id)
	require.Equal(t, workflows.Succeeded, result.Verdict, "%+v", result)
	require.Equal(t, 4, s.executions())
	require.Equal(t, []string{"ada"}, result.Rollout.Waves[1].ApprovedBy)
	require.Equal(t, "the canary lives", result.Rollout.Orders[0].Why)
	require.Equal(t, "compute003\n", result.Nodes[3].Output)
	s.keep("rollout-approved", id)
}

func TestGoldenARolloutIsSteeredWhileItGoesOn(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	nodes := s.nodes()
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command = `[ "$EHPC_INSTANCE_ID" != ` + nodes[0] + ` ] || { sleep 2; exit 75; }; sleep 1`
		in.Target = workflows.Target{Nodes: nodes[:3]}
		in.Policy.Concurrency = policy.Number(1)
		in.Policy.Retry = policy.Retry{Attempts: 2, ExitCodes: []int{75}, BackoffSeconds: 1}
	})
	await(t, 20*time.Second, "the first node runs", func() bool { return s.read(id).Phase == workflows.Rolling })
	require.NoError(t, s.order(id, workflows.PauseUpdate, workflows.Order{}))
	require.NoError(t, s.order(id, workflows.SkipUpdate, workflows.Order{By: "ada", Why: "in repair", Nodes: nodes[1:2]}))
	require.NoError(t, s.order(id, workflows.AddUpdate, workflows.Order{By: "ada", Why: "in its place", Nodes: nodes[3:]}))
	require.NoError(t, s.update(id, "set", map[string]any{ // as Temporal's command line sends it
		"by": "ada", "why": "faster", "set": map[string]any{"concurrency": 2, "maxFailures": "50%", "lookSeconds": 1},
	}))
	require.ErrorContains(t, s.order(id, workflows.ApproveUpdate, workflows.Order{}), "the rollout is paused, which is another wait: resume it first")
	require.NoError(t, s.order(id, workflows.ResumeUpdate, workflows.Order{}))
	result := s.end(id)
	require.Equal(t, workflows.Partial, result.Verdict, "%+v", result)
	require.Equal(t, map[workflows.NodeState]int{activities.Succeeded: 2, activities.Nonzero: 1, activities.Skipped: 1}, result.Counts())
	require.Equal(t, "skipped by ada: in repair", result.Nodes[1].Reason)
	require.Len(t, result.Nodes[0].Attempts, 1)
	require.Equal(t, 75, *result.Nodes[0].Attempts[0].ExitCode)
	require.Equal(t, 2, s.Simulator.Executions(nodes[0]))
	require.Len(t, result.Rollout.Orders, 5)
	require.Equal(t, "set concurrency 2, max-failures 50%, look-every 1s", result.Rollout.Orders[3].String())
	s.keep("rollout-steered", id)
}

func TestGoldenARolloutGoesOnAsANewRunAmidItsWaves(t *testing.T) {
	t.Parallel()
	server, err := devserver.Start(devserver.Options{HistoryEvents: 30})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	s := newSystemWith(t, stack.Options{Temporal: server.Address(), Pace: quickPace(), Logger: zap.NewNop()})
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command = `case $HOSTNAME in *000) sleep 1;; *001) sleep 2;; *002) sleep 4;; *) sleep 6;; esac; echo $HOSTNAME`
		in.Policy.Waves = sizes(t, "3,1")
		in.Policy.Concurrency = policy.Number(2)
		in.Policy.Budget = policy.Budget{Whole: size(1), OnBreach: policy.Stop}
	})
	first, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	result := s.end(id)
	require.Equal(t, workflows.Succeeded, result.Verdict, "%+v", result)
	require.Equal(t, "compute003\n", result.Nodes[3].Output)
	require.Equal(t, "compute000\n", result.Nodes[0].Output)
	require.Equal(t, 4, s.executions())
	_, _, links := s.chain(id)
	require.Greater(t, links, 1, "it went on under its name")
	firstRun := first.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	ending := s.historyOf(id, firstRun).GetEvents()
	require.Equal(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW, ending[len(ending)-1].GetEventType())
	last, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	s.keepHistory("rollout-goes-on", s.historyOf(id, firstRun))
	s.keepHistory("rollout-went-on", s.historyOf(id, last.GetWorkflowExecutionInfo().GetExecution().GetRunId()))
}

func TestGoldenABreachStopsWhatRuns(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command = `case $HOSTNAME in *001) sleep 1; exit 3;; *) sleep 300;; esac`
		in.GraceSeconds = 1
		in.Policy.Concurrency = policy.Number(3)
		in.Policy.Budget = policy.Budget{PerWave: size(0), OnBreach: policy.Stop}
	})
	result := s.end(id)
	require.Equal(t, workflows.Aborted, result.Verdict, "%+v", result)
	require.Equal(t, map[workflows.NodeState]int{activities.Nonzero: 1, activities.Stopped: 2, activities.Skipped: 1}, result.Counts())
	require.Zero(t, s.Simulator.Stats().Running)
	s.keep("rollout-stopped", id)
}

func TestGoldenACancelledRolloutStopsWhatRunsAndStartsNothingMore(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	long := longTime()
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command = "[ $HOSTNAME = compute000 ] || sleep " + long
		in.GraceSeconds = 1
		in.Policy.Waves = sizes(t, "1,2,1")
	})
	await(t, 20*time.Second, "the second wave runs", func() bool { return len(processesWith(t, long)) >= 2 })
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), id, ""))
	result := s.end(id)
	require.Equal(t, workflows.Canceled, result.Verdict)
	require.Equal(t, map[workflows.NodeState]int{activities.Succeeded: 1, activities.Stopped: 2, activities.Skipped: 1}, result.Counts(), "%+v", result)
	require.Equal(t, "cancelled; 1 succeeded, 2 stopped, 1 skipped", result.Reason)
	s.keep("rollout-canceled", id)
}

func TestARolloutThatTheServiceRefusesStartsNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Code: "NotAuthorized", Times: -1})
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command = "echo never"
		in.Policy.Waves = sizes(t, "1,3")
	})
	report := s.end(id)
	require.Equal(t, runs.Failed, report.State)
	require.Equal(t, "NotAuthorized", report.Error.Code)
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))
	require.Zero(t, s.executions())
}
