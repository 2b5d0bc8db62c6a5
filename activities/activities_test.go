package activities_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
)

const clusterID = "ehpc-test"

// bundle is an activity environment over a simulated cluster, reached over HTTP.
type bundle struct {
	*testsuite.TestActivityEnvironment
	t    *testing.T
	sim  *ehpcsim.Simulator
	acts *activities.Activities
	ids  []string
	told *temporalStub
}

// temporalStub is a Temporal that is told by a Watcher.
type temporalStub struct {
	mu        sync.Mutex
	beats     []activities.WatchProgress
	jobBeats  []activities.JobProgress
	onBeat    func(activities.WatchProgress) error
	completed chan completion
}

type completion struct {
	result any
	err    error
}

func (s *temporalStub) RecordActivityHeartbeat(_ context.Context, _ []byte, details ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	progress, is := details[0].(activities.WatchProgress)
	if !is {
		s.jobBeats = append(s.jobBeats, details[0].(activities.JobProgress))
		return nil
	}
	s.beats = append(s.beats, progress)
	if s.onBeat != nil {
		return s.onBeat(progress)
	}
	return nil
}

func (s *temporalStub) CompleteActivity(_ context.Context, _ []byte, result any, err error) error {
	s.completed <- completion{result, err}
	return nil
}

// lastBeat is what the last heartbeat showed.
func (s *temporalStub) lastBeat() activities.WatchProgress {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.beats) == 0 {
		return activities.WatchProgress{}
	}
	return s.beats[len(s.beats)-1]
}

func newBundle(t *testing.T, nodes int) *bundle {
	t.Helper()
	return newBundleOf(t, ehpcsim.DemoCluster(clusterID, nodes))
}

func newBundleOf(t *testing.T, cluster ehpcsim.Cluster) *bundle {
	t.Helper()
	key := ehpcsim.NewAccessKey()
	sim, err := ehpcsim.New(ehpcsim.Config{Clusters: []ehpcsim.Cluster{cluster}, AccessKeys: []ehpcsim.AccessKey{key}, Unconfined: true})
	require.NoError(t, err)
	server, err := sim.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, sim.Close())
		require.NoError(t, server.Close())
	})
	client, err := ehpc.New(ehpc.Config{
		Region: "cn-hangzhou", Endpoint: server.URL(), Budget: ehpc.NewBudget(1000),
		Credentials: credentials.NewStaticAKCredentialsProvider(key.ID, key.Secret),
	})
	require.NoError(t, err)
	pace := activities.DefaultPace()
	pace.RefusedFor = 0
	pace.Look, pace.LeastHold = activities.Bounds{Min: 20 * time.Millisecond, Max: 50 * time.Millisecond}, 0

	var s testsuite.WorkflowTestSuite
	told := &temporalStub{completed: make(chan completion, 1)}
	acts := &activities.Activities{EHPC: client, Pace: pace, Watcher: activities.NewWatcher(told, 10)}
	b := &bundle{s.NewTestActivityEnvironment(), t, sim, acts, nil, told}
	b.RegisterActivity(b.acts)
	b.SetTestTimeout(time.Minute)
	for _, node := range cluster.Nodes {
		b.ids = append(b.ids, node.InstanceID)
	}
	return b
}

func execute[R any](b *bundle, of any, in any) (R, error) {
	b.t.Helper()
	var result R
	value, err := b.ExecuteActivity(of, in)
	if err == nil {
		require.NoError(b.t, value.Get(&result))
	}
	return result, err
}

func (b *bundle) submit(command string) (activities.InvokeShellCommandResult, error) {
	b.t.Helper()
	return execute[activities.InvokeShellCommandResult](b, b.acts.InvokeShellCommand, activities.InvokeShellCommandInput{
		ClusterID: clusterID, Command: command, InstanceIDs: b.ids, Timeout: 60,
	})
}

func (b *bundle) mustSubmit(command string) activities.InvokeShellCommandResult {
	b.t.Helper()
	result, err := b.submit(command)
	require.NoError(b.t, err)
	return result
}

func (b *bundle) watch(submitted activities.InvokeShellCommandResult, deadline time.Duration) (activities.ListInvocationStatusResult, error) {
	b.t.Helper()
	in := activities.ListInvocationStatusInput{
		ClusterID: clusterID, CommandID: submitted.CommandID, Milestones: activities.Milestones{SubmittedAt: submitted.SubmittedAt},
		Deadline: time.Now().Add(deadline),
	}
	for _, id := range b.ids {
		in.Nodes = append(in.Nodes, activities.NodeStatus{InstanceID: id, State: activities.Running})
	}
	return b.awaitWatch(in)
}

// awaitWatch begins a watch and waits until it is completed.
func (b *bundle) awaitWatch(in activities.ListInvocationStatusInput) (activities.ListInvocationStatusResult, error) {
	b.t.Helper()
	return awaitResult[activities.ListInvocationStatusResult](b, b.acts.ListInvocationStatus, in)
}

// awaitResult begins an activity that is completed later, and waits for that.
func awaitResult[R any](b *bundle, of, in any) (none R, err error) {
	b.t.Helper()
	_, err = b.ExecuteActivity(of, in)
	require.ErrorIs(b.t, err, activity.ErrResultPending)
	select {
	case done := <-b.told.completed:
		if done.err != nil {
			return none, done.err
		}
		return *done.result.(*R), nil
	case <-time.After(time.Minute):
		require.Fail(b.t, "the watch was not completed")
		panic("unreachable")
	}
}

func applicationError(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	var e *temporal.ApplicationError
	require.ErrorAs(t, err, &e)
	return e
}

func TestAWatchReturnsWhenANodeChangesAndNotBefore(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	submitted := b.mustSubmit(`[ $HOSTNAME = compute001 ] && sleep 1 || sleep 30`)
	got, err := b.watch(submitted, time.Minute)
	require.NoError(t, err)
	require.Equal(t, activities.NodeStatuses{{InstanceID: b.ids[1], State: activities.Finished}}, got.Changed)
	require.False(t, got.DeadlinePassed)
	require.GreaterOrEqual(t, b.sim.Requests("ListInvocationStatus"), 3, "it looked again and again meanwhile")
	require.Equal(t, map[activities.NodeState]int{activities.Running: 1, activities.Finished: 1}, b.told.lastBeat().Nodes)
}

func TestAWatchEndsAtTheDeadlineOnlyWithAnAnswer(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmit("sleep 30")
	got, err := b.watch(submitted, 100*time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, activities.ListInvocationStatusResult{DeadlinePassed: true}, got)

	b.sim.Inject(ehpcsim.Fault{Code: "ServiceUnavailable"})
	_, err = b.watch(submitted, -time.Hour)
	require.Equal(t, "ServiceUnavailable", applicationError(t, err).Type(), "an API that is down does not make a node overdue")
	require.False(t, applicationError(t, err).NonRetryable())
}

func TestErrorsOfAReadAreRetriedByTheirCode(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmit("sleep 30")
	for code, least := range map[string]time.Duration{
		"ConflictOpt": 15 * time.Second, "InvalidClusterStatus": 15 * time.Second, "Throttling.User": 2 * time.Second,
		"ServiceUnavailable": time.Second, "EcsError": time.Second, "AgentError": time.Second, "UnknownError": time.Second,
		"ObjectNotFound": time.Second,
		"InvalidParams":  0, "NotEnabled": 0, "InDebt": 0, "ClusterNotFound": 0, "NotAuthorized": 0, "NoPermission": 0,
	} {
		b.sim.Inject(ehpcsim.Fault{Action: "ListInvocationStatus", Code: code})
		_, err := b.watch(submitted, time.Minute)
		e := applicationError(t, err)
		require.Equal(t, code, e.Type())
		require.Equal(t, least == 0, e.NonRetryable(), code)
		require.GreaterOrEqual(t, e.NextRetryDelay(), least, code)
		require.LessOrEqual(t, e.NextRetryDelay(), 2*least, code)
		require.Contains(t, e.Message(), submitted.CommandID)
	}
}

func TestACommandThatIsNotFoundIsGoneOnceItIsOld(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	_, err := b.watch(activities.InvokeShellCommandResult{CommandID: "c-gone", SubmittedAt: time.Now()}, time.Minute)
	require.False(t, applicationError(t, err).NonRetryable(), "it may not be visible yet")
	got, err := b.watch(activities.InvokeShellCommandResult{CommandID: "c-gone", SubmittedAt: time.Now().Add(-2 * time.Minute)}, time.Minute)
	require.NoError(t, err)
	require.Equal(t, []string{"c-gone"}, got.Gone)
}

func TestARefusalOfWhatWasSubmittedIsBelievedOnlyWhenItIsRepeated(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.RefusedFor = time.Minute
	submitted := b.mustSubmit("sleep 30")
	submitted.SubmittedAt = submitted.SubmittedAt.Add(-time.Hour)
	for _, code := range []string{"NotAuthorized", "ObjectNotFound", "InvalidParams"} {
		b.sim.Inject(ehpcsim.Fault{Action: "ListInvocationStatus", Code: code})
		_, err := b.watch(submitted, time.Minute)
		e := applicationError(t, err)
		require.Equal(t, code, e.Type())
		require.False(t, e.NonRetryable(), code)
		require.GreaterOrEqual(t, e.NextRetryDelay(), 15*time.Second, code)
		require.Contains(t, b.told.lastBeat().Refused, submitted.CommandID, "the next attempt knows since when")
	}
}

func TestASubmitIsRetriedOnlyWhenNothingCanHaveRun(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct{ retry, doubt bool }{
		"ConflictOpt":          {retry: true},
		"Throttling.Api":       {retry: true},
		"NotAuthorized":        {},
		"InvalidClusterStatus": {},
		"ServiceUnavailable":   {doubt: true},
		"PartFailure":          {doubt: true},
		"AgentError":           {doubt: true},
		"SignatureNonceUsed":   {doubt: true},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, 1)
			b.sim.Inject(ehpcsim.Fault{Code: code})
			_, err := b.submit("echo hi")
			e := applicationError(t, err)
			require.Equal(t, code, e.Type())
			require.Equal(t, want.retry, !e.NonRetryable())
			require.Equal(t, want.doubt, e.HasDetails())
			if want.doubt {
				var detail activities.SubmitFailure
				require.NoError(t, e.Details(&detail))
				require.True(t, detail.MayHaveRun)
				require.Contains(t, e.Message(), "whether the command was started is not known")
			}
		})
	}
}

func TestAnAnswerLostAfterTheSubmitLeavesDoubt(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.sim.Inject(ehpcsim.Fault{Drop: ehpcsim.DropAfter})
	_, err := b.submit("echo hi")
	require.True(t, applicationError(t, err).NonRetryable())
	require.True(t, applicationError(t, err).HasDetails())
	require.Equal(t, 1, b.sim.Executions(b.ids[0]))
}

func TestResultsOfManyNodesAreCollectedOverPages(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 60)
	submitted := b.mustSubmit(`echo $EHPC_INSTANCE_ID; [ $HOSTNAME != compute059 ]`)
	in := activities.ListInvocationResultsInput{
		ClusterID: clusterID, CommandID: submitted.CommandID, InstanceIDs: b.ids, SubmittedAt: submitted.SubmittedAt, OutputLimit: 1000,
	}
	got, err := execute[activities.ListInvocationResultsResult](b, b.acts.ListInvocationResults, in)
	require.NoError(t, err)
	require.Len(t, got.Records, 60)
	for i, record := range got.Records {
		require.Equal(t, b.ids[i], record.InstanceID)
		require.Equal(t, activities.Finished, record.State, "it waits for results that lag behind")
		require.Equal(t, b.ids[i]+"\n", record.Output)
	}
	require.Equal(t, 1, *got.Records[59].ExitCode)
}

func TestResultsThatDoNotComeAreGivenUp(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.ResultsWithin = 100 * time.Millisecond
	submitted := b.mustSubmit("sleep 30")
	in := activities.ListInvocationResultsInput{
		ClusterID: clusterID, CommandID: submitted.CommandID, InstanceIDs: []string{b.ids[0], "i-other"}, SubmittedAt: submitted.SubmittedAt, OutputLimit: 1000,
	}
	got, err := execute[activities.ListInvocationResultsResult](b, b.acts.ListInvocationResults, in)
	require.NoError(t, err)
	require.Len(t, got.Records, 1, "the other node has none")
	require.Equal(t, activities.Running, got.Records[0].State)
}

func TestLongOutputKeepsItsBeginningAndItsEnd(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmit(`echo begin; yes ü | head -n 500; echo end`)
	in := activities.ListInvocationResultsInput{
		ClusterID: clusterID, CommandID: submitted.CommandID, InstanceIDs: b.ids, SubmittedAt: submitted.SubmittedAt, OutputLimit: 101,
	}
	got, err := execute[activities.ListInvocationResultsResult](b, b.acts.ListInvocationResults, in)
	require.NoError(t, err)
	record := got.Records[0]
	require.Less(t, len(record.Output), 101+40)
	require.Equal(t, 6+3*500+4, record.OutputBytes)
	require.Regexp(t, `^begin\n(?s:.*)output cut(?s:.*)end\n$`, record.Output)
	require.NotContains(t, record.Output, "\uFFFD")
}

func TestEveryNodeOfALargeClusterIsListedWithItsFitness(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 250)
	b.sim.SetNodeStatus(clusterID, b.ids[200], "exception")
	got, err := execute[activities.ListNodesResult](b, b.acts.ListNodes, activities.ListNodesInput{ClusterID: clusterID})
	require.NoError(t, err)
	require.Len(t, got.Nodes, 250)
	for i, node := range got.Nodes {
		want := activities.Node{InstanceID: b.ids[i], HostName: node.HostName}
		if i == 200 {
			want.Unfit = "exception"
		}
		require.Equal(t, want, node)
	}
}

func TestOutputThatGrowsInItsPayloadIsCutToFit(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmit(`head -c 24000 /dev/zero`)
	in := activities.ListInvocationResultsInput{
		ClusterID: clusterID, CommandID: submitted.CommandID, InstanceIDs: b.ids, SubmittedAt: submitted.SubmittedAt, OutputLimit: 20_000,
	}
	got, err := execute[activities.ListInvocationResultsResult](b, b.acts.ListInvocationResults, in)
	require.NoError(t, err)
	encoded, err := json.Marshal(got.Records[0].Output)
	require.NoError(t, err)
	require.LessOrEqual(t, len(encoded), 20_000+100, "six bytes for each, and the mark of the cut")
	require.Equal(t, 24_000, got.Records[0].OutputBytes)
}

func TestAResetRunDoesNotSubmitAgain(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	_, err := execute[activities.InvokeShellCommandResult](b, b.acts.InvokeShellCommand, activities.InvokeShellCommandInput{
		ClusterID: clusterID, Command: "echo hi", InstanceIDs: b.ids, Timeout: 60, OriginalRunID: "the run before its reset",
	})
	require.Equal(t, activities.ErrResetRun, applicationError(t, err).Type())
	require.Zero(t, b.sim.Requests("InvokeShellCommand"))
}
