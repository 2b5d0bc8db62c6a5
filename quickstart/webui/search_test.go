package webui

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

func upserts(events []*historypb.HistoryEvent) int {
	n := 0
	for _, event := range events {
		if event.GetEventType() == enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES {
			n++
		}
	}
	return n
}

func TestARunIsListedByWhatItDoesAndWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	id := s.start(`while [ ! -e ` + s.gate + ` ]; do sleep 0.2; done; [ $HOSTNAME != compute000 ]`)
	listed := s.await(id, func(l runs.Listed) bool { return l.Phase == workflows.Watching })
	require.Equal(t, workflows.OutcomePending, listed.Verdict)
	require.Equal(t, []string{stack.ClusterID}, listed.Clusters)
	require.Equal(t, runs.User(), listed.User)
	require.Equal(t, 4, listed.Nodes)
	require.Len(t, listed.CommandIDs, 1)
	require.Contains(t, listed.Command, "while [ ! -e")
	require.NotEmpty(t, s.list(runs.Query{State: runs.StateRunning, Phases: []string{"watching"}, CommandID: listed.CommandIDs[0]}))

	s.open()
	s.end(id)
	listed = s.await(id, func(l runs.Listed) bool { return l.Verdict == workflows.Outcome(workflows.Partial) })
	require.Equal(t, workflows.Ended, listed.Phase)
	require.Equal(t, 1, listed.FailedNodes)
	require.False(t, listed.EndedAt.IsZero())
	require.Len(t, s.list(runs.Query{
		Clusters: []string{stack.ClusterID}, Verdicts: []string{"failed", "partial"}, State: runs.StateEnded,
		User: runs.User(), CommandID: listed.CommandIDs[0], Since: listed.StartedAt.Add(-time.Second), Until: time.Now(),
	}), 1)
	events := s.events(id)
	require.Equal(t, 2, upserts(events), "each is an event")
	t.Logf("%d events", len(events))
}

func TestARunThatFailsOrIsCancelledIsListedWithAVerdict(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	id := s.start("sleep 300")
	s.await(id, func(l runs.Listed) bool { return l.Phase == workflows.Watching })
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), id, ""))
	listed := s.await(id, func(l runs.Listed) bool { return l.Phase == workflows.Ended })
	require.Equal(t, workflows.Outcome(workflows.Canceled), listed.Verdict)

	in := s.input("echo hi")
	in.Target = workflows.Target{Nodes: []string{"i-nobody"}}
	id = runs.NewID()
	require.NoError(t, runs.Start(t.Context(), s.Client, s.place(), id, in))
	s.await(id, func(l runs.Listed) bool { return l.Verdict == workflows.OutcomeError })
}

func TestARunThatWasStartedWithoutSearchAttributesGoesOnWithout(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	started, err := s.Client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: runs.NewID(), TaskQueue: t.Name()}, workflows.RunCommand, s.input("echo hi").RunCommandInput)
	require.NoError(t, err)
	require.True(t, s.end(started.GetID()).Succeeded())
	events := s.events(started.GetID())
	require.Zero(t, upserts(events))
	t.Logf("%d events", len(events))
}

func TestARolloutThatWaitsForAnApprovalIsFound(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	in := s.input("echo hi")
	in.Policy = policy.Policy{Waves: []policy.Size{policy.Number(1)}, Pause: []policy.Pause{policy.PauseStart}}
	id := runs.NewID()
	require.NoError(t, runs.Start(t.Context(), s.Client, s.place(), id, in))
	s.await(id, func(l runs.Listed) bool { return l.Phase == workflows.Waiting && l.Nodes == 4 })
}

func TestTheRunsOfClustersAreFoundByTheRunThatTheyAreAPartOf(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	run := s.input("echo hi")
	run.ClusterID = ""
	in := workflows.ClustersInput{Run: run, Clusters: []workflows.ClusterTarget{{ClusterID: stack.ClusterID}, {ClusterID: "ehpc-none"}}}
	id := runs.NewID()
	require.NoError(t, runs.StartClusters(t.Context(), s.Client, s.place(), id, in))
	whole := s.await(id, func(l runs.Listed) bool { return l.Phase == workflows.Ended })
	require.Equal(t, workflows.Outcome(workflows.Partial), whole.Verdict)
	require.Equal(t, []string{stack.ClusterID, "ehpc-none"}, whole.Clusters)
	require.Equal(t, 4, whole.Nodes)
	s.await(workflows.ClusterRunID(id, stack.ClusterID), func(l runs.Listed) bool { return l.Verdict == workflows.Outcome(workflows.Succeeded) })
	parts := s.list(runs.Query{Parent: id})
	require.Len(t, parts, 2)
	for _, part := range parts {
		require.Equal(t, runs.User(), part.User)
		require.Equal(t, "echo hi", part.Command)
	}
}

func TestARunThatGoesOnAsANewOneKeepsItsSearchAttributes(t *testing.T) {
	t.Parallel()
	server, err := devserver.Start(devserver.Options{HistoryEvents: 15})
	require.NoError(t, err)
	defer server.Stop() //nolint:errcheck // the test is over
	s := newSystemOn(t, server)
	id := s.start(`case $HOSTNAME in *000) ;; *001) sleep 3;; *002) sleep 6;; *) sleep 9;; esac`)
	require.True(t, s.end(id).Succeeded())
	listed := s.await(id, func(l runs.Listed) bool { return l.Verdict == workflows.Outcome(workflows.Succeeded) })
	events := s.events(id)
	require.NotEmpty(t, events[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId(), "it went on as a new one")
	require.Equal(t, 1, upserts(events), "the phase was listed before")
	require.Equal(t, runs.User(), listed.User)
	require.Len(t, listed.CommandIDs, 1)
	require.NotEmpty(t, listed.Command)
}
