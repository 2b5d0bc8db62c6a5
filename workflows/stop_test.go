package workflows_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
	"ehpcflow/workflows"
)

// stopping is a cluster on which a command runs until it is stopped.
type stopping struct {
	*bundle
	found    map[string]guard.Stopping // by each node's stop; a node that is not in it is silent
	refuse   func(ids []string) error
	stops    []activities.InvokeShellCommandInput
	released bool // the command itself has ended
}

func newStopping(t *testing.T, found map[string]guard.Stopping) *stopping {
	t.Helper()
	s := &stopping{bundle: newBundle(t), found: found, refuse: func([]string) error { return nil }}
	s.OnActivity(acts.InvokeShellCommand, mock.Anything, mock.Anything).Return(s.submit)
	s.OnActivity(acts.ListInvocationStatus, mock.Anything, mock.Anything).Return(s.watch)
	s.OnActivity(acts.ListInvocationResults, mock.Anything, mock.Anything).Return(s.results)
	s.RegisterDelayedCallback(s.CancelWorkflow, time.Minute)
	return s
}

func (s *stopping) submit(_ context.Context, in activities.InvokeShellCommandInput) (*activities.InvokeShellCommandResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := "c-1"
	if in.Stop != nil {
		s.stops = append(s.stops, in)
		if err := s.refuse(in.InstanceIDs); err != nil {
			return nil, err
		}
		id, s.released = "c-stop-"+in.InstanceIDs[0], true
	}
	return &activities.InvokeShellCommandResult{CommandID: id, Token: in.Token, Accepted: true, SubmittedAt: s.Now()}, nil
}

func (s *stopping) watch(_ context.Context, in activities.ListInvocationStatusInput) (*activities.ListInvocationStatusResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := &activities.ListInvocationStatusResult{}
	for _, node := range in.Nodes {
		_, answers := s.found[node.InstanceID]
		if s.released && answers && !node.State.Ended() {
			seen.Changed = append(seen.Changed, saw(node.InstanceID, activities.Finished))
		}
	}
	switch {
	case len(seen.Changed) > 0:
	case s.released:
		seen.DeadlinePassed = true
	default:
		seen.Changed = activities.NodeStatuses{saw("i-early", activities.Finished)}
		if slices.Contains(in.Nodes, seen.Changed[0]) {
			return nil, activity.ErrResultPending
		}
	}
	return seen, nil
}

func (s *stopping) results(_ context.Context, in activities.ListInvocationResultsInput) (*activities.ListInvocationResultsResult, error) {
	results := &activities.ListInvocationResultsResult{}
	ids := in.InstanceIDs
	if len(ids) == 0 {
		ids = []string{"i-early", "i-a", "i-b"}
	}
	for _, id := range ids {
		record := left(id, 143, "")
		switch {
		case in.Stop:
			record.Stopping = s.found[id]
		case s.found[id] != guard.Stopped:
			record = left(id, 0, "done")
		}
		results.Records = append(results.Records, record)
	}
	return results, nil
}

// cancelled runs until the run was cancelled, and returns what it says then.
func (s *stopping) cancelled(in workflows.RunCommandInput) workflows.RunCommandResult {
	s.t.Helper()
	_, err := s.run(in)
	var canceled *temporal.CanceledError
	require.ErrorAs(s.t, err, &canceled)
	var known workflows.RunCommandResult
	require.NoError(s.t, canceled.Details(&known))
	return known
}

func TestCancellingStopsTheCommandWhereItRunsAndSaysOfEachNodeWhatCameOfIt(t *testing.T) {
	t.Parallel()
	s := newStopping(t, map[string]guard.Stopping{"i-a": guard.Stopped, "i-b": guard.Finished, "i-c": guard.Left})
	in := onNodes("i-early", "i-a", "i-b", "i-c", "i-silent")
	in.TimeoutSeconds = 3600
	known := s.cancelled(in)

	require.Len(t, s.stops, 1)
	require.Equal(t, []string{"i-a", "i-b", "i-c", "i-silent"}, s.stops[0].InstanceIDs, "not where it has ended")
	require.Equal(t, 10, s.stops[0].Stop.GraceSeconds)
	require.Equal(t, known.Commands[0].Token, s.stops[0].Token)
	states := make(map[string]workflows.NodeState)
	for _, node := range known.Nodes {
		states[node.InstanceID] = node.State
	}
	require.Equal(t, map[string]workflows.NodeState{
		"i-early": activities.Succeeded, "i-a": activities.Stopped, "i-b": activities.Succeeded, "i-c": activities.Running, "i-silent": activities.Running,
	}, states)
	require.Contains(t, known.Nodes[1].Reason, "nothing of it is left")
	require.Contains(t, known.Nodes[2].Reason, "already finished")
	require.Contains(t, known.Nodes[3].Reason, "could not be confirmed to be stopped: processes are left")
	require.Contains(t, known.Nodes[4].Reason, "could not be confirmed to be stopped: the stop was not seen to end within 5m0s")
	require.Contains(t, known.Reason, "on 2 of 5 nodes it could not be confirmed")
	require.Empty(t, known.Verdict)
}

func TestAStopThatIsRefusedForOneNodeReachesTheOthers(t *testing.T) {
	t.Parallel()
	s := newStopping(t, map[string]guard.Stopping{"i-a": guard.Stopped, "i-b": guard.Stopped})
	s.refuse = func(ids []string) error {
		if slices.Contains(ids, "i-gone") {
			return temporal.NewNonRetryableApplicationError("InvalidParams: Instance.2.Id", "InvalidParams", nil)
		}
		return nil
	}
	known := s.cancelled(onNodes("i-a", "i-gone", "i-b"))
	require.Equal(t, 2, known.Counts()[activities.Stopped])
	require.Equal(t, activities.Running, known.Nodes[1].State)
	require.Contains(t, known.Nodes[1].Reason, "InvalidParams: Instance.2.Id")
}

func TestARawCommandIsNotCalledStopped(t *testing.T) {
	t.Parallel()
	s := newStopping(t, map[string]guard.Stopping{"i-a": guard.Stopped})
	in := onNodes("i-a", "i-early")
	in.Raw = true
	known := s.cancelled(in)
	require.Empty(t, s.stops)
	require.Equal(t, activities.Running, known.Nodes[0].State)
	require.Contains(t, known.Reason, "sent raw, cannot be stopped, and may still be running on 1 of 2 nodes")
}

func TestASubmitInDoubtIsStoppedUnderItsToken(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	var stops []activities.InvokeShellCommandInput
	b.OnActivity(acts.InvokeShellCommand, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.InvokeShellCommandInput) (*activities.InvokeShellCommandResult, error) {
			if in.Stop == nil {
				return nil, errDoubt
			}
			stops = append(stops, in)
			return &activities.InvokeShellCommandResult{CommandID: "c-stop", Token: in.Token, Accepted: true, SubmittedAt: b.Now()}, nil
		})
	b.OnActivity(acts.ListCommands, mock.Anything, mock.Anything).
		Return(nil, temporal.NewNonRetryableApplicationError("ListCommands: NotAuthorized", "NotAuthorized", nil))
	b.onWatch(changed(saw("i-a", activities.Finished), saw("i-b", activities.Finished)))
	stoppedA, preventedB := left("i-a", 0, ""), left("i-b", 0, "")
	stoppedA.Stopping, preventedB.Stopping = guard.Stopped, guard.Prevented
	b.onResults(stoppedA, preventedB)
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)

	_, err := b.run(onNodes("i-a", "i-b"))
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Len(t, stops, 1)
	require.Equal(t, activities.Stopped, b.status().Nodes[0].State)
	require.Equal(t, activities.Skipped, b.status().Nodes[1].State, "it never arrived there, and will refuse when it does")
}

// Where another copy came first and is not found, something of the token may run.
func TestARefusedNodeIsStoppedToo(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	var stops []activities.InvokeShellCommandInput
	b.OnActivity(acts.InvokeShellCommand, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.InvokeShellCommandInput) (*activities.InvokeShellCommandResult, error) {
			id := "c-1"
			if in.Stop != nil {
				stops = append(stops, in)
				id = "c-stop"
			}
			return &activities.InvokeShellCommandResult{CommandID: id, Token: in.Token, Accepted: true, SubmittedAt: b.Now()}, nil
		})
	b.OnActivity(acts.ListCommands, mock.Anything, mock.Anything).
		Return(nil, temporal.NewNonRetryableApplicationError("ListCommands: NotAuthorized", "NotAuthorized", nil))
	b.onWatch(changed(saw("i-a", activities.Finished), saw("i-b", activities.Finished)), changed(saw("i-b", activities.Finished)))
	stopped := left("i-b", 0, "")
	stopped.Stopping = guard.Stopped
	b.onResultsOf(map[string][]activities.ResultRecord{"c-1": {left("i-a", 0, ""), refusing("i-b")}, "c-stop": {stopped}})
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)

	_, err := b.run(onNodes("i-a", "i-b"))
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Len(t, stops, 1)
	require.Equal(t, []string{"i-b"}, stops[0].InstanceIDs)
	require.Equal(t, activities.Succeeded, b.status().Nodes[0].State)
	require.Equal(t, activities.Stopped, b.status().Nodes[1].State)
}
