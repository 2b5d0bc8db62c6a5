package activities_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
)

func states(ids []string, state activities.NodeState) activities.NodeStatuses {
	var nodes activities.NodeStatuses
	for _, id := range ids {
		nodes = append(nodes, activities.NodeStatus{InstanceID: id, State: state})
	}
	return nodes
}

// submitParts submits one command for each part of the nodes.
func (b *bundle) submitParts(command string, parts ...[]string) []activities.WatchedCommand {
	b.t.Helper()
	var commands []activities.WatchedCommand
	for _, ids := range parts {
		submitted, err := execute[activities.InvokeShellCommandResult](b, b.acts.InvokeShellCommand, activities.InvokeShellCommandInput{
			ClusterID: clusterID, Command: command, InstanceIDs: ids, Timeout: 60,
		})
		require.NoError(b.t, err)
		require.True(b.t, submitted.Accepted)
		require.Empty(b.t, submitted.InstanceIDs, "ids that everybody knows are not recorded again")
		commands = append(commands, activities.WatchedCommand{
			CommandID: submitted.CommandID, SubmittedAt: submitted.SubmittedAt, Nodes: states(ids, activities.Running),
		})
	}
	return commands
}

func (b *bundle) watchAll(commands ...activities.WatchedCommand) (activities.ListInvocationStatusResult, error) {
	b.t.Helper()
	return b.awaitWatch(activities.ListInvocationStatusInput{
		ClusterID: clusterID, Commands: commands,
		Milestones: activities.Milestones{SubmittedAt: commands[0].SubmittedAt},
		Deadline:   time.Now().Add(time.Minute),
	})
}

func TestChangesWaitForEachOtherAndTheLastOneForNobody(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 3)
	b.acts.Pace.Look.Max = 20 * time.Second
	submitted := b.mustSubmit(`case $HOSTNAME in *000) sleep 1;; *001) sleep 1.5;; *) sleep 4;; esac`)
	got, err := b.watch(submitted, time.Minute)
	require.NoError(t, err)
	require.Equal(t, states(b.ids[:2], activities.Finished), got.Changed, "the second came while the first was held back")

	in := activities.ListInvocationStatusInput{
		ClusterID: clusterID, CommandID: submitted.CommandID, Milestones: activities.Milestones{SubmittedAt: submitted.SubmittedAt},
		Deadline: time.Now().Add(time.Minute), Nodes: append(states(b.ids[:2], activities.Finished), states(b.ids[2:], activities.Running)...),
	}
	got, err = b.awaitWatch(in)
	require.NoError(t, err)
	require.Equal(t, states(b.ids[2:], activities.Finished), got.Changed)
	require.Less(t, time.Since(submitted.SubmittedAt), 6*time.Second, "held back it would be reported after 8")
}

func TestTheNextAttemptGoesOnFromTheHeartbeat(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 3)
	b.acts.Pace.Look.Max, b.acts.Pace.LooksPerAge = time.Hour, 1e6 // nothing is reported for its age
	submitted := b.mustSubmit(`case $HOSTNAME in *000) sleep 0.1;; *001) sleep 1;; *) sleep 2;; esac`)
	submitted.SubmittedAt = submitted.SubmittedAt.Add(-time.Hour)
	b.sim.RemoveNode(clusterID, b.ids[0])
	b.SetHeartbeatDetails(activities.WatchProgress{
		Looks: 7, Changed: states(b.ids[:1], activities.Finished), ChangedSince: time.Now(),
		NextLook: time.Now().Add(200 * time.Millisecond),
	})
	got, err := b.watch(submitted, time.Minute)
	require.NoError(t, err)
	require.Equal(t, states(b.ids, activities.Finished), got.Changed, "what an earlier attempt saw end has ended, though its node is gone")
	require.Greater(t, b.told.lastBeat().Looks, 7)
}

func TestManyCommandsAreWatchedTogetherWithTheirNodesPacked(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 5)
	commands := b.submitParts(`case $HOSTNAME in *000|*004) sleep 0.3;; *) sleep 30;; esac`, b.ids[:3], b.ids[3:])
	for i := range commands {
		commands[i] = commands[i].Pack()
		require.Empty(t, commands[i].Nodes)
	}
	b.acts.Pace.Look = activities.Bounds{Min: 500 * time.Millisecond, Max: time.Second}
	got, err := b.watchAll(commands...)
	require.NoError(t, err)
	require.Equal(t, states([]string{b.ids[0], b.ids[4]}, activities.Finished), got.Changed)
	require.Empty(t, got.Unmatched)
}

func TestWhatIsPackedIsNotReportedAgain(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 3)
	command := b.submitParts(`case $HOSTNAME in *000) true;; *001) sleep 1;; *) sleep 1.5;; esac`, b.ids)[0]
	command.Nodes[0].State = activities.Finished
	b.acts.Pace.Look = activities.Bounds{Min: 20 * time.Millisecond, Max: time.Minute}
	got, err := b.watchAll(command.Pack())
	require.NoError(t, err)
	require.Equal(t, states(b.ids[1:], activities.Finished), got.Changed)
}

func TestACommandWhoseNodesAreNotThosePackedIsHandedBack(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 3)
	command := b.submitParts(`sleep 30`, b.ids)[0]
	b.sim.RemoveNode(clusterID, b.ids[1])
	b.acts.Pace.NewFor = 300 * time.Millisecond
	before := time.Now()
	got, err := b.watchAll(command.Pack())
	require.NoError(t, err)
	require.Equal(t, []string{command.CommandID}, got.Unmatched)
	require.Empty(t, got.Changed)
	require.Greater(t, time.Since(before), 250*time.Millisecond, "the nodes of a new command may appear one by one")

	got, err = b.watchAll(command)
	require.NoError(t, err)
	require.Equal(t, states(b.ids[1:2], activities.Unknown), got.Changed, "with their ids named, it is seen which one is missing")
}

// awaitEnds waits until the commands have ended on every node.
func (b *bundle) awaitEnds(commands []activities.WatchedCommand) {
	b.t.Helper()
	for _, c := range commands {
		require.Eventually(b.t, func() bool { return len(b.sim.Ends(c.CommandID)) == len(c.Nodes) }, 20*time.Second, 10*time.Millisecond)
	}
}

func TestANodeThatNobodyAskedForIsReportedWithItsCommand(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 3)
	commands := b.submitParts(`true`, b.ids[:1], b.ids[1:])
	b.awaitEnds(commands)
	commands[1].Nodes = commands[1].Nodes[:1]
	got, err := b.watchAll(commands...)
	require.NoError(t, err)
	want := states(b.ids, activities.Finished)
	want[2].CommandID = commands[1].CommandID
	require.Equal(t, want, got.Changed)
}

func TestNodesThatAreFollowedElsewhereAreNotReported(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 3)
	commands := b.submitParts(`true`, b.ids)
	b.awaitEnds(commands)
	commands[0].Nodes, commands[0].Only = commands[0].Nodes[1:2], true
	got, err := b.watchAll(commands...)
	require.NoError(t, err)
	require.Equal(t, states(b.ids[1:2], activities.Finished), got.Changed)
}

func TestAnErrorOfOneCommandKeepsWhatTheOthersSaid(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	commands := b.submitParts(`true`, b.ids[:1])
	gone := activities.WatchedCommand{CommandID: "c-gone", SubmittedAt: time.Now().Add(-time.Hour), Nodes: states(b.ids[1:], activities.Running)}
	b.acts.Pace.Look = activities.Bounds{Min: time.Second, Max: time.Minute}
	b.acts.Pace.RefusedFor = time.Minute
	_, err := b.watchAll(append(commands, gone)...)
	require.Equal(t, "ObjectNotFound", applicationError(t, err).Type())
	require.Contains(t, applicationError(t, err).Message(), "c-gone")
	require.Equal(t, states(b.ids[:1], activities.Finished), b.told.lastBeat().Changed)

	b.acts.Pace.RefusedFor = 0
	got, err := b.watchAll(append(commands, gone)...)
	require.NoError(t, err)
	require.Equal(t, []string{"c-gone"}, got.Gone, "it is an hour old, though the first command is new")
	require.Equal(t, states(b.ids[:1], activities.Finished), got.Changed)
}

func TestAStoppingWorkerHandsOverWhatItSaw(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	b.acts.Pace.Look = activities.Bounds{Min: 200 * time.Millisecond, Max: time.Minute}
	b.told.onBeat = func(progress activities.WatchProgress) error {
		if len(progress.Changed) == 1 && len(b.told.beats) == 1 {
			go b.acts.Watcher.Stop(t.Context())
		}
		return nil
	}
	_, err := b.watch(b.mustSubmit(`[ $HOSTNAME = compute001 ] && sleep 1 || sleep 30`), time.Minute)
	e := applicationError(t, err)
	require.Equal(t, activities.WorkerStopping, e.Type())
	require.False(t, e.NonRetryable(), "another worker goes on")
	require.LessOrEqual(t, e.NextRetryDelay(), time.Second)
	require.Equal(t, states(b.ids[1:], activities.Finished), b.told.lastBeat().Changed)
	require.False(t, b.told.lastBeat().NextLook.IsZero())

	_, err = execute[activities.ListInvocationStatusResult](b, b.acts.ListInvocationStatus, activities.ListInvocationStatusInput{ClusterID: clusterID})
	require.Equal(t, activities.WorkerStopping, applicationError(t, err).Type(), "it takes no more")
}

func TestACancelledWatchEndsWithTheNextHeartbeat(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	b.acts.Pace.Look.Max = time.Minute
	b.told.onBeat = func(activities.WatchProgress) error { return temporal.NewCanceledError() }
	_, err := b.watch(b.mustSubmit(`[ $HOSTNAME = compute001 ] || sleep 30`), time.Minute)
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	looks := b.sim.Requests("ListInvocationStatus")
	require.Never(t, func() bool { return b.sim.Requests("ListInvocationStatus") > looks }, 500*time.Millisecond, 50*time.Millisecond)
}

func TestAWatchThatIsOverForTemporalIsLeft(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	b.acts.Pace.Look.Max = time.Minute
	b.acts.Watcher = activities.NewWatcher(b.told, 1)
	b.told.onBeat = func(activities.WatchProgress) error { return serviceerror.NewNotFound("gone") }
	submitted := b.mustSubmit(`[ $HOSTNAME = compute001 ] || sleep 30`)
	in := activities.ListInvocationStatusInput{
		ClusterID: clusterID, CommandID: submitted.CommandID, Milestones: activities.Milestones{SubmittedAt: submitted.SubmittedAt},
		Nodes: states(b.ids, activities.Running), Deadline: time.Now().Add(time.Minute),
	}
	_, err := b.ExecuteActivity(b.acts.ListInvocationStatus, in)
	require.ErrorIs(t, err, activity.ErrResultPending)
	_, err = b.ExecuteActivity(b.acts.ListInvocationStatus, in)
	require.Equal(t, activities.NoPlace, applicationError(t, err).Type(), "the first has the only place")
	require.False(t, applicationError(t, err).NonRetryable())
	await(t, func() bool {
		_, err = b.ExecuteActivity(b.acts.ListInvocationStatus, in)
		return errors.Is(err, activity.ErrResultPending)
	}, "until it is left")
	require.Empty(t, b.told.completed, "and nobody is told")
}

func await(t *testing.T, yes func() bool, what string) {
	t.Helper()
	require.Eventually(t, yes, 20*time.Second, 50*time.Millisecond, what)
}

func TestTenThousandNodesRideInLittleSpace(t *testing.T) {
	t.Parallel()
	var commands []activities.WatchedCommand
	var changed activities.NodeStatuses
	for i := range 100 {
		command := activities.WatchedCommand{CommandID: fmt.Sprintf("c-hz00000000000000%03d", i), SubmittedAt: time.Now().UTC()}
		for j := range 100 {
			command.Nodes = append(command.Nodes, activities.NodeStatus{
				InstanceID: fmt.Sprintf("i-bp1%017d", 100*i+j), State: activities.NodeStates[(i+j)%3],
			})
		}
		changed = append(changed, command.Nodes...)
		commands = append(commands, command.Pack())
	}
	text, err := json.Marshal(commands)
	require.NoError(t, err)
	require.Less(t, len(text), 40_000)
	slices.SortStableFunc(changed, func(a, b activities.NodeStatus) int { return len(a.State) - len(b.State) })
	text, err = json.Marshal(changed)
	require.NoError(t, err)
	require.Less(t, len(text), 350_000)
}
