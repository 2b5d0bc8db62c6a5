package workflows_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// bundle is a workflow environment with activities that a test replaces.
type bundle struct {
	*testsuite.TestWorkflowEnvironment
	t        *testing.T
	mu       sync.Mutex // over what the activities were asked, some at the same time
	submits  []activities.InvokeShellCommandInput
	watches  []activities.ListInvocationStatusInput
	collects []activities.ListInvocationResultsInput
}

var acts *activities.Activities

func newBundle(t *testing.T) *bundle {
	t.Helper()
	var s testsuite.WorkflowTestSuite
	env := s.NewTestWorkflowEnvironment()
	env.RegisterActivity(acts)
	env.SetTestTimeout(time.Minute)
	return &bundle{TestWorkflowEnvironment: env, t: t}
}

// submits answers InvokeShellCommand with this outcome and counts the calls.
func (b *bundle) onSubmit(accepted []string, err error) {
	b.OnActivity(acts.InvokeShellCommand, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.InvokeShellCommandInput) (*activities.InvokeShellCommandResult, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.submits = append(b.submits, in)
			if err != nil {
				return nil, err
			}
			return &activities.InvokeShellCommandResult{CommandID: "c-1", InstanceIDs: accepted, SubmittedAt: b.Now()}, nil
		})
}

// onWatch answers the watches one after the other.
func (b *bundle) onWatch(answers ...activities.ListInvocationStatusResult) {
	b.OnActivity(acts.ListInvocationStatus, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ListInvocationStatusInput) (*activities.ListInvocationStatusResult, error) {
			b.watches = append(b.watches, in)
			require.LessOrEqual(b.t, len(b.watches), len(answers), "one more watch than expected")
			return &answers[len(b.watches)-1], nil
		})
}

func (b *bundle) onResults(records ...activities.ResultRecord) {
	b.OnActivity(acts.ListInvocationResults, mock.Anything, mock.Anything).
		Return(&activities.ListInvocationResultsResult{Records: records}, nil)
}

func (b *bundle) run(in workflows.RunCommandInput) (workflows.RunCommandResult, error) {
	b.ExecuteWorkflow(workflows.RunCommand, in)
	require.True(b.t, b.IsWorkflowCompleted())
	var result workflows.RunCommandResult
	if err := b.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(b.t, b.GetWorkflowResult(&result))
	return result, nil
}

func (b *bundle) status() workflows.RunCommandStatus {
	answer, err := b.QueryWorkflow(workflows.StatusQuery)
	require.NoError(b.t, err)
	var status workflows.RunCommandStatus
	require.NoError(b.t, answer.Get(&status))
	return status
}

func onNodes(ids ...string) workflows.RunCommandInput {
	return workflows.RunCommandInput{
		ClusterID:      "ehpc-1",
		Target:         workflows.Target{Nodes: ids},
		Command:        "uptime",
		TimeoutSeconds: 60,
	}
}

func onAll() workflows.RunCommandInput {
	in := onNodes()
	in.Target = workflows.Target{All: true}
	return in
}

func saw(id string, state workflows.NodeState) activities.NodeStatus {
	return activities.NodeStatus{InstanceID: id, State: state}
}

func changed(nodes ...activities.NodeStatus) activities.ListInvocationStatusResult {
	return activities.ListInvocationStatusResult{Changed: nodes}
}

func left(id string, exitCode int, output string) activities.ResultRecord {
	return activities.ResultRecord{
		NodeStatus: saw(id, activities.Finished), ExitCode: &exitCode, Output: output, OutputBytes: len(output),
	}
}

func TestEverythingThatIsKnownOfAnOutputReachesTheResult(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmit([]string{"i-a", "i-b"}, nil)
	b.onWatch(changed(saw("i-a", activities.Finished), saw("i-b", activities.Finished)))
	a, other := left("i-a", 0, "\uFFFD"), left("i-b", 0, "hi")
	a.OutputCut, a.OutputRaw, a.OutputURI, a.OutputSHA256 = true, []byte("\xff"), "file:///i-a", "digest"
	other.OutputRemark = "the disk is full"
	b.onResults(a, other)
	result, err := b.run(onNodes("i-a", "i-b"))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict, "where an output is does not judge a node")
	code := 0
	require.Equal(t, workflows.NodeResults{
		{
			InstanceID: "i-a", State: activities.Succeeded, ExitCode: &code, Output: "\uFFFD", OutputBytes: 3, OutputCut: true,
			OutputRaw: []byte("\xff"), OutputURI: "file:///i-a", OutputSHA256: "digest",
		},
		{InstanceID: "i-b", State: activities.Succeeded, ExitCode: &code, Output: "hi", OutputBytes: 2, OutputRemark: "the disk is full"},
	}, result.Nodes)
}

func TestARunSubmitsOnceAndWatchesUntilEveryNodeEnded(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmit([]string{"i-a", "i-b"}, nil)
	b.onWatch(
		changed(saw("i-a", activities.Running), saw("i-b", activities.Running)),
		changed(saw("i-b", activities.Finished)),
		changed(saw("i-a", activities.Finished)),
	)
	b.onResults(left("i-a", 0, "up\n"), left("i-b", 3, "down\n"))

	result, err := b.run(onNodes("i-a", "i-b"))
	require.NoError(t, err)
	require.Len(t, b.submits, 1)
	require.Equal(t, []string{"i-a", "i-b"}, b.submits[0].InstanceIDs)
	require.Equal(t, 60, b.submits[0].Timeout)
	require.Equal(t, workflows.Partial, result.Verdict)
	require.Equal(t, activities.Succeeded, result.Nodes[0].State)
	require.Equal(t, "up\n", result.Nodes[0].Output)
	require.Equal(t, activities.Nonzero, result.Nodes[1].State)
	require.Equal(t, 3, *result.Nodes[1].ExitCode)

	require.Equal(t, saw("i-b", activities.Finished), b.watches[2].Nodes[1], "a watch is told what is known")
	require.Equal(t, b.watches[0].SubmittedAt.Add(6*time.Minute), b.watches[0].Deadline)
	require.Equal(t, workflows.Ended, b.status().Phase)
}

func TestAllNodesAreFrozenBeforeTheSubmit(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.OnActivity(acts.ListNodes, mock.Anything, activities.ListNodesInput{ClusterID: "ehpc-1"}).
		Return(&activities.ListNodesResult{Nodes: []activities.Node{{InstanceID: "i-a", HostName: "compute000"}, {InstanceID: "i-b"}}}, nil)
	b.onSubmit(nil, nil)
	b.onWatch(changed(saw("i-a", activities.Finished), saw("i-b", activities.Finished)))
	b.onResults(left("i-a", 0, ""), left("i-b", 0, ""))

	result, err := b.run(onAll())
	require.NoError(t, err)
	require.Equal(t, []string{"i-a", "i-b"}, b.submits[0].InstanceIDs, "the API never decides which nodes all are")
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, "compute000", result.Nodes[0].HostName)
}

func TestNothingIsSubmittedWhenTheTargetIsNotFit(t *testing.T) {
	t.Parallel()
	many := make([]activities.Node, workflows.MaxNodes+1)
	down := slices.Repeat([]activities.Node{{InstanceID: "i-x", Unfit: "stopped"}}, 30)
	for name, tc := range map[string]struct {
		nodes   []activities.Node
		code    string
		message string
	}{
		"a node is down":    {[]activities.Node{{InstanceID: "i-a"}, {InstanceID: "i-b", Unfit: "stopped"}}, workflows.ErrUnfitNodes, "i-b is stopped"},
		"many are down":     {down, workflows.ErrUnfitNodes, "i-x is stopped and 20 more"},
		"the cluster empty": {nil, workflows.ErrUnfitNodes, "has no nodes"},
		"it is too large":   {many, workflows.ErrInvalidInput, "10001 nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			b.OnActivity(acts.ListNodes, mock.Anything, mock.Anything).Return(&activities.ListNodesResult{Nodes: tc.nodes}, nil)
			b.onSubmit(nil, nil)
			_, err := b.run(onAll())
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, tc.message)
			require.ErrorContains(t, err, "nothing was started")
			require.Empty(t, b.submits)
			require.Equal(t, len(tc.nodes), b.status().Counts()[activities.Skipped])
		})
	}
}

func TestBadInputIsRefusedBeforeAnything(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmit(nil, nil)
	_, err := b.run(workflows.RunCommandInput{Command: "x"})
	requireCode(t, err, workflows.ErrInvalidInput)
	require.Empty(t, b.submits)
}

func TestARefusedSubmitEndsTheRunUnderTheCodeOfTheAPI(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmit(nil, temporal.NewNonRetryableApplicationError("InvokeShellCommand: NotAuthorized", "NotAuthorized", nil))
	_, err := b.run(onNodes("i-a"))
	requireCode(t, err, "NotAuthorized")
	require.Len(t, b.submits, 1)
	require.Equal(t, activities.Skipped, b.status().Nodes[0].State)
}

func TestCancellingARunningCommandEndsTheWaitAndSaysThatItStillRuns(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmit(nil, nil)
	b.OnActivity(acts.ListInvocationStatus, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.ListInvocationStatusInput) (*activities.ListInvocationStatusResult, error) {
			answer := changed(saw("i-a", activities.Running))
			return &answer, nil
		}).Once()
	b.OnActivity(acts.ListInvocationStatus, mock.Anything, mock.Anything).After(time.Hour).Return(nil, nil)
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute)

	_, err := b.run(onNodes("i-a"))
	var canceled *temporal.CanceledError
	require.ErrorAs(t, err, &canceled)
	var known workflows.RunCommandResult
	require.NoError(t, canceled.Details(&known))
	require.Equal(t, activities.Running, known.Nodes[0].State, "never called stopped while it may run")
	require.Contains(t, known.Reason, "may still be running on 1 of 1 node")
}

func TestARunThatIsCancelledBeforeItsFirstStepSubmitsNothing(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]workflows.RunCommandInput{"named nodes": onNodes("i-a"), "all nodes": onAll()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			b.onSubmit(nil, nil)
			b.OnActivity(acts.ListNodes, mock.Anything, mock.Anything).Return(&activities.ListNodesResult{Nodes: []activities.Node{{InstanceID: "i-a"}}}, nil).Maybe()
			b.RegisterDelayedCallback(b.CancelWorkflow, 0)
			_, err := b.run(in)
			require.True(t, temporal.IsCanceledError(err), "%v", err)
			require.Empty(t, b.submits)
		})
	}
}

func TestAtTheDeadlineTheRunEndsWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmit(nil, nil)
	b.onWatch(activities.ListInvocationStatusResult{
		Changed: []activities.NodeStatus{saw("i-a", activities.Finished), saw("i-b", activities.Running), saw("i-c", activities.Unknown),
			{InstanceID: "i-d", State: activities.Unknown, Word: "Dreaming"}},
		DeadlinePassed: true,
	})
	b.onResults(left("i-a", 0, ""))
	result, err := b.run(onNodes("i-a", "i-b", "i-c", "i-d"))
	require.NoError(t, err)
	require.Equal(t, workflows.Partial, result.Verdict)
	require.Contains(t, result.Reason, "deadline")
	states := []workflows.NodeState{activities.Succeeded, activities.Running, activities.Lost, activities.Unknown}
	for i, state := range states {
		require.Equal(t, state, result.Nodes[i].State, result.Nodes[i].InstanceID)
	}
	require.Equal(t, "Dreaming", result.Nodes[3].Word)
}

func TestADeadlineThatPassesWithTheLastChangeSpoilsNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmit(nil, nil)
	b.onWatch(activities.ListInvocationStatusResult{Changed: []activities.NodeStatus{saw("i-a", activities.Finished)}, DeadlinePassed: true})
	b.onResults(left("i-a", 0, ""))
	result, err := b.run(onNodes("i-a"))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
}

func TestNodesThatNobodyAskedForAreShownAndSpoilTheVerdict(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmit([]string{"i-a", "i-z"}, nil)
	b.onWatch(changed(saw("i-a", activities.Finished), saw("i-z", activities.Finished)))
	b.onResults(left("i-a", 0, ""), left("i-z", 0, ""))
	result, err := b.run(onNodes("i-a"))
	require.NoError(t, err)
	require.Equal(t, workflows.Partial, result.Verdict)
	require.Len(t, b.submits, 1, "it is not submitted to a node that nobody asked for")
	require.Len(t, result.Nodes, 2)
	require.Contains(t, result.Reason, "i-z")
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, code, application.Type())
}
