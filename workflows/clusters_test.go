package workflows_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// clustersBundle runs on clusters whose runs are played.
type clustersBundle struct {
	*testsuite.TestWorkflowEnvironment
	t       *testing.T
	mu      sync.Mutex // over what follows: children run at the same time
	started []string   // clusters
	types   map[string]string
	running int
	most    int // that ran at a time
	play    map[string]played
}

// played is what the run of a cluster comes to.
type played struct {
	takes  time.Duration // 0 is a minute
	result workflows.RunCommandResult
	err    error
}

func newClustersBundle(t *testing.T, play map[string]played) *clustersBundle {
	t.Helper()
	var s testsuite.WorkflowTestSuite
	b := &clustersBundle{TestWorkflowEnvironment: s.NewTestWorkflowEnvironment(), t: t, types: make(map[string]string), play: play}
	b.SetTestTimeout(time.Minute)
	b.RegisterWorkflowWithOptions(func(ctx workflow.Context, in workflows.RunCommandInput) (*workflows.RunCommandResult, error) {
		return b.child(ctx, in)
	}, workflow.RegisterOptions{Name: "RunCommand"})
	b.RegisterWorkflowWithOptions(func(ctx workflow.Context, in workflows.RolloutInput) (*workflows.RunCommandResult, error) {
		return b.child(ctx, in.RunCommandInput)
	}, workflow.RegisterOptions{Name: "Rollout"})
	b.RegisterWorkflow(workflows.RunOnClusters)
	return b
}

// child is never replayed.
//
//workflowcheck:ignore
func (b *clustersBundle) child(ctx workflow.Context, in workflows.RunCommandInput) (*workflows.RunCommandResult, error) {
	info := workflow.GetInfo(ctx)
	require.Equal(b.t, "default-test-workflow-id/"+in.ClusterID, info.WorkflowExecution.ID)
	require.Equal(b.t, "uptime", in.Command)
	b.note(func() {
		b.started = append(b.started, in.ClusterID)
		b.types[in.ClusterID] = info.WorkflowType.Name
		b.running++
		b.most = max(b.most, b.running)
	})
	defer b.note(func() { b.running-- })
	plays := b.play[in.ClusterID]
	if plays.takes == 0 {
		plays.takes = time.Minute
	}
	if err := workflow.Sleep(ctx, plays.takes); err != nil {
		later, _ := workflow.NewDisconnectedContext(ctx)
		require.NoError(b.t, workflow.Sleep(later, 10*time.Second)) // stopping takes a while
		return nil, temporal.NewCanceledError(nodesIn(map[workflows.NodeState]int{activities.Stopped: 2}, "", "cancelled; 2 stopped"))
	}
	if plays.err != nil {
		return nil, plays.err
	}
	return &plays.result, nil
}

func (b *clustersBundle) note(what func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	what()
}

// nodesIn is a result with so many nodes in each state.
func nodesIn(states map[workflows.NodeState]int, verdict workflows.Verdict, reason string) workflows.RunCommandResult {
	result := workflows.RunCommandResult{Verdict: verdict, Reason: reason}
	for state, n := range states {
		for i := range n {
			result.Nodes = append(result.Nodes, workflows.NodeResult{InstanceID: fmt.Sprint("i-", state, i), State: state, Output: "much"})
		}
	}
	return result
}

func succeededOn(n int) played {
	return played{result: nodesIn(map[workflows.NodeState]int{activities.Succeeded: n}, workflows.Succeeded, "")}
}

func onClusters(ids ...string) workflows.ClustersInput {
	in := workflows.ClustersInput{Run: workflows.RolloutInput{RunCommandInput: onAll()}}
	in.Run.ClusterID = ""
	for _, id := range ids {
		in.Clusters = append(in.Clusters, workflows.ClusterTarget{ClusterID: id})
	}
	return in
}

func (b *clustersBundle) run(in workflows.ClustersInput) (result workflows.ClustersResult, err error) {
	b.t.Helper()
	b.ExecuteWorkflow(workflows.RunOnClusters, in)
	require.True(b.t, b.IsWorkflowCompleted())
	if err := b.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(b.t, b.GetWorkflowResult(&result))
	return result, nil
}

func (b *clustersBundle) status() workflows.ClustersStatus {
	b.t.Helper()
	answer, err := b.QueryWorkflow(workflows.ClustersQuery)
	require.NoError(b.t, err)
	var status workflows.ClustersStatus
	require.NoError(b.t, answer.Get(&status))
	return status
}

func phases(clusters []workflows.ClusterResult) string {
	var texts []string
	for _, cluster := range clusters {
		texts = append(texts, cluster.ClusterID+" "+cluster.Outcome())
	}
	return strings.Join(texts, ", ")
}

func TestEveryClusterHasARunOfItsOwnAndOneVerdictSumsThemUp(t *testing.T) {
	t.Parallel()
	b := newClustersBundle(t, map[string]played{"a": succeededOn(2), "b": succeededOn(3)})
	b.RegisterDelayedCallback(func() {
		require.Equal(t, "a running, b running", phases(b.status().Clusters))
		require.Equal(t, workflows.Watching, b.status().Phase)
	}, 30*time.Second)
	result, err := b.run(onClusters("a", "b"))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, "default-test-workflow-id/b", result.Clusters[1].RunID)
	require.Equal(t, 3, result.Clusters[1].NodeCount)
	require.Equal(t, map[workflows.NodeState]int{activities.Succeeded: 3}, result.Clusters[1].States)
	require.Equal(t, time.Minute, result.Clusters[1].EndedAt.Sub(result.Clusters[1].StartedAt))
	require.Equal(t, "RunCommand", b.types["a"])
	require.Equal(t, workflows.Ended, b.status().Phase)
}

func TestUnderAPolicyAClusterRunsARollout(t *testing.T) {
	t.Parallel()
	b := newClustersBundle(t, map[string]played{"a": succeededOn(2)})
	in := onClusters("a")
	in.Run.Policy.Pause = []policy.Pause{policy.PauseFirst}
	result, err := b.run(in)
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, "Rollout", b.types["a"])
}

func TestNoMoreClustersRunAtATimeThanAllowed(t *testing.T) {
	t.Parallel()
	var many []string
	play := make(map[string]played)
	for i := range workflows.MaxClustersAtOnce + 5 {
		many = append(many, fmt.Sprint("c", i))
		play[many[i]] = succeededOn(1)
	}
	for atOnce, most := range map[int]int{1: 1, 3: 3, 0: workflows.MaxClustersAtOnce} {
		b := newClustersBundle(t, play)
		in := onClusters(many...)
		in.AtOnce = atOnce
		result, err := b.run(in)
		require.NoError(t, err)
		require.Equal(t, workflows.Succeeded, result.Verdict)
		require.Equal(t, most, b.most)
		require.ElementsMatch(t, many, b.started)
		if atOnce == 1 {
			require.Equal(t, many, b.started, "in the order in which they are named")
		}
	}
}

func TestAClusterThatDidNotSucceedHoldsThoseThatWait(t *testing.T) {
	t.Parallel()
	play := map[string]played{
		"a": {takes: time.Hour, result: succeededOn(1).result},
		"b": {result: nodesIn(map[workflows.NodeState]int{activities.Nonzero: 1}, workflows.Failed, "")},
		"c": succeededOn(1), "d": succeededOn(1),
	}
	in := onClusters("a", "b", "c", "d")
	in.AtOnce, in.OnFailure = 2, workflows.HoldOthers
	b := newClustersBundle(t, play)
	result, err := b.run(in)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"a", "b"}, b.started)
	require.Equal(t, "a succeeded, b failed, c skipped, d skipped", phases(result.Clusters))
	require.Equal(t, workflows.Partial, result.Verdict)
	require.Equal(t, "b did not succeed, so that these were skipped: c, d", result.Reason)
	require.Equal(t, "not started after b did not succeed", result.Clusters[3].Reason)

	in.OnFailure = workflows.ContinueOthers
	b = newClustersBundle(t, play)
	result, err = b.run(in)
	require.NoError(t, err)
	require.Equal(t, "a succeeded, b failed, c succeeded, d succeeded", phases(result.Clusters))
}

func TestAFailureOfAClustersRunIsItsOutcomeAndNotTheEndOfTheOthers(t *testing.T) {
	t.Parallel()
	known := nodesIn(map[workflows.NodeState]int{activities.Running: 2}, "", "the call was refused")
	b := newClustersBundle(t, map[string]played{
		"a": {err: temporal.NewNonRetryableApplicationError("ListNodes: no such cluster", "ClusterNotFound", nil)},
		"b": {err: temporal.NewNonRetryableApplicationError("the call was refused", "NotAuthorized", errors.New("cause"), known)},
		"c": succeededOn(1),
	})
	result, err := b.run(onClusters("a", "b", "c"))
	require.NoError(t, err)
	require.Equal(t, workflows.Partial, result.Verdict)
	require.Equal(t, &workflows.ClusterError{Code: "ClusterNotFound", Message: "ListNodes: no such cluster"}, result.Clusters[0].Error)
	require.Equal(t, &workflows.ClusterError{Code: "NotAuthorized", Message: "the call was refused"}, result.Clusters[1].Error)
	require.Equal(t, map[workflows.NodeState]int{activities.Running: 2}, result.Clusters[1].States)
	require.Empty(t, result.Clusters[1].Verdict)
	require.Equal(t, "not followed to its end", result.Clusters[1].Outcome())
}

func TestCancellingCancelsEveryClusterAndWaitsForIt(t *testing.T) {
	t.Parallel()
	b := newClustersBundle(t, map[string]played{"a": succeededOn(1), "b": {takes: time.Hour}, "c": {takes: time.Hour}})
	b.RegisterDelayedCallback(b.CancelWorkflow, 10*time.Minute)
	b.RegisterDelayedCallback(func() {
		require.Equal(t, workflows.Stopping, b.status().Phase)
		require.Equal(t, "a succeeded, b running, c running, d waiting", phases(b.status().Clusters))
	}, 10*time.Minute+5*time.Second)
	in := onClusters("a", "b", "c", "d")
	in.AtOnce = 2
	_, err := b.run(in)
	var canceled *temporal.CanceledError
	require.ErrorAs(t, err, &canceled)
	var result workflows.ClustersResult
	require.NoError(t, canceled.Details(&result))
	require.Equal(t, workflows.Canceled, result.Verdict)
	require.Equal(t, "a succeeded, b cancelled, c cancelled, d skipped", phases(result.Clusters))
	require.Equal(t, "cancelled before it was started", result.Clusters[3].Reason)
	require.Equal(t, map[workflows.NodeState]int{activities.Stopped: 2}, result.Clusters[2].States)
	require.Equal(t, "cancelled; 2 stopped", result.Clusters[2].Error.Message)
	require.ElementsMatch(t, []string{"a", "b", "c"}, b.started)
}

func TestARunWhoseHistoryGrowsLongGoesOnWhenNoClusterRuns(t *testing.T) {
	t.Parallel()
	b := newClustersBundle(t, map[string]played{"a": succeededOn(1), "b": {takes: time.Hour, result: succeededOn(1).result}})
	b.RegisterDelayedCallback(func() { b.SetContinueAsNewSuggested(true) }, 30*time.Second)
	in := onClusters("a", "b", "c")
	in.AtOnce = 2
	_, err := b.run(in)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &next)
	require.ElementsMatch(t, []string{"a", "b"}, b.started)

	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.Equal(t, "a succeeded, b succeeded, c waiting", phases(in.Resumed.Clusters))
	b = newClustersBundle(t, map[string]played{"c": succeededOn(1)})
	result, err := b.run(in)
	require.NoError(t, err)
	require.Equal(t, []string{"c"}, b.started)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, in.Resumed.StartedAt.UTC(), result.StartedAt.UTC())
}

func TestTheVerdictOverAllClustersFollowsFromTheirs(t *testing.T) {
	t.Parallel()
	const none = -1
	outcome := func(verdict workflows.Verdict, succeeded int) played {
		return played{result: nodesIn(map[workflows.NodeState]int{activities.Succeeded: max(succeeded, 0), activities.Nonzero: 1}, verdict, "")}
	}
	refused := played{err: temporal.NewNonRetryableApplicationError("no", "NotAuthorized", nil)}
	for name, tc := range map[string]struct {
		clusters []played
		want     workflows.Verdict
	}{
		"all succeeded":                  {[]played{succeededOn(1), succeededOn(2)}, workflows.Succeeded},
		"some succeeded":                 {[]played{succeededOn(1), outcome(workflows.Failed, none)}, workflows.Partial},
		"all partial":                    {[]played{outcome(workflows.Partial, 1), outcome(workflows.Partial, 1)}, workflows.Partial},
		"all failed":                     {[]played{outcome(workflows.Failed, none), outcome(workflows.Failed, none)}, workflows.Failed},
		"all refused":                    {[]played{refused, refused}, workflows.Failed},
		"all aborted, some nodes done":   {[]played{outcome(workflows.Aborted, 5), outcome(workflows.Aborted, 5)}, workflows.Aborted},
		"one aborted, another done":      {[]played{outcome(workflows.Aborted, none), succeededOn(1)}, workflows.Partial},
		"one aborted, nothing done":      {[]played{refused, outcome(workflows.Aborted, none)}, workflows.Aborted},
		"aborted before parked":          {[]played{outcome(workflows.Unattended, none), outcome(workflows.Aborted, none)}, workflows.Aborted},
		"one parked, nothing done":       {[]played{outcome(workflows.Failed, none), outcome(workflows.Unattended, none)}, workflows.Unattended},
		"one gone, nothing done":         {[]played{outcome(workflows.Gone, none), outcome(workflows.Failed, none)}, workflows.Gone},
		"one cancelled, nothing done":    {[]played{{err: temporal.NewCanceledError()}, outcome(workflows.Failed, none)}, workflows.Canceled},
		"one not followed, another done": {[]played{refused, succeededOn(1)}, workflows.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := newClustersBundle(t, map[string]played{"a": tc.clusters[0], "b": tc.clusters[1]}).run(onClusters("a", "b"))
			require.NoError(t, err)
			require.Equal(t, tc.want, result.Verdict)
		})
	}
}

func TestEverythingThatIsWrongWithARunOnClustersIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	in := onClusters("a", "a", "b c", "", strings.Repeat("x", 65))
	in.Run.ClusterID, in.Run.Command, in.Run.From = "d", "u", []string{"failed:run-1"}
	in.AtOnce, in.OnFailure = 21, "stop"
	in.Run.Target = workflows.Target{Nodes: []string{"i-1"}}
	in.Clusters = append(in.Clusters, workflows.ClusterTarget{ClusterID: "e", Target: &workflows.Target{Nodes: []string{"i 2"}}})
	b := newClustersBundle(t, nil)
	_, err := b.run(in)
	var refused *temporal.ApplicationError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, workflows.ErrInvalidInput, refused.Type())
	require.Equal(t, in.Validate().Error(), refused.Message())
	var problems *workflows.InputError
	require.ErrorAs(t, in.Validate(), &problems)
	require.Equal(t, []string{
		"21 clusters at once are asked for, it can be 1 to 20 (--clusters-at-once)",
		`"stop" is no way to go on after a cluster that did not succeed: use continue or hold (--on-cluster-failure)`,
		"what all clusters run names cluster d: name clusters in the list",
		"nodes of past runs are of one cluster: a run on several takes none (--from)",
		"cluster a is named twice",
		`cluster id "b c" holds a space, a comma or a slash: name each cluster by itself (--cluster)`,
		"a cluster id is empty (--cluster)",
		"cluster id " + strings.Repeat("x", 63) + "… is longer than 64 bytes",
		"the command has 1 character, the API takes 2 to 2048",
		"nodes are named for several clusters, and a node is in one: choose them by --role, --queue, --host or --status, or name them in a run of their own",
		`cluster e: node id "i 2" holds a space or a comma: name each node by itself`,
	}, problems.Problems)
	require.Empty(t, b.started)

	for _, right := range []workflows.ClustersInput{
		onClusters("a"), onClusters("a", "b"),
		{Run: workflows.RolloutInput{RunCommandInput: workflows.RunCommandInput{Command: "uptime", TimeoutSeconds: 60}},
			Clusters: []workflows.ClusterTarget{{ClusterID: "a", Target: &workflows.Target{Nodes: []string{"i-1"}}}}},
	} {
		require.NoError(t, right.Validate())
	}
	require.ErrorContains(t, onClusters().Validate(), "no cluster: name one (--cluster)")
	require.ErrorContains(t, onClusters(strings.Split(strings.Repeat("x,", 100), ",")...).Validate(), "101 clusters are named, a run takes 100")
}
