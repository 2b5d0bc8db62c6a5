package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

func attached() workflows.RunCommandInput {
	return workflows.RunCommandInput{ClusterID: "ehpc-1", Attach: &workflows.Attachment{CommandID: "c-9"}}
}

func (b *bundle) onAttach(found activities.AttachCommandResult) {
	b.OnActivity(acts.AttachCommand, mock.Anything, activities.AttachCommandInput{ClusterID: "ehpc-1", CommandID: "c-9"}).Return(&found, nil)
}

func TestACommandSubmittedElsewhereIsFollowedAndNotSubmitted(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onAttach(activities.AttachCommandResult{
		Nodes: activities.NodeStatuses{saw("i-a", activities.Running), saw("i-b", activities.Finished)},
		Known: true, Command: "make", TimeoutSeconds: 600,
	})
	b.onWatch(changed(saw("i-a", activities.Finished)))
	b.onResults(left("i-a", 0, ""), left("i-b", 3, ""))
	result, err := b.run(attached())
	require.NoError(t, err)
	require.Empty(t, b.submits)
	require.Equal(t, workflows.Partial, result.Verdict)
	require.Equal(t, "make", result.Command)
	require.Equal(t, "c-9", result.CommandID)
	require.True(t, result.Commands[0].Attached)
	require.Equal(t, result.SubmittedAt.Add(600*time.Second), b.watches[0].KilledAt, "its timeout counts from when it was taken up")
	require.Equal(t, 3, *result.Nodes[1].ExitCode)
}

func TestAnAttachedCommandThatEndedBeforeIsReadAtOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onAttach(activities.AttachCommandResult{Nodes: activities.NodeStatuses{saw("i-a", activities.Finished)}})
	b.onResults(left("i-a", 0, ""))
	result, err := b.run(attached())
	require.NoError(t, err)
	require.Empty(t, b.watches)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Empty(t, result.Command, "its text is not known")
}

func TestCancellingAnAttachedRunStopsNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onAttach(activities.AttachCommandResult{Nodes: activities.NodeStatuses{saw("i-a", activities.Running)}, Token: "aaaaaaaaaaaaa"})
	b.OnActivity(acts.ListInvocationStatus, mock.Anything, mock.Anything).After(time.Hour).Return(&activities.ListInvocationStatusResult{}, nil)
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute)
	_, err := b.run(attached())
	var canceled *temporal.CanceledError
	require.ErrorAs(t, err, &canceled)
	require.Empty(t, b.submits, "no stop was sent, although the token is known")
	require.Equal(t, "the watching was cancelled; the command was submitted elsewhere, was not stopped, and may still be running on 1 of 1 node", b.status().Reason)
}

func TestANodeThatAnAttachedCommandShowsLateIsOneLikeTheOthers(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onAttach(activities.AttachCommandResult{Nodes: activities.NodeStatuses{saw("i-a", activities.Running)}})
	b.onWatch(
		changed(saw("i-late", activities.Running)),
		changed(saw("i-a", activities.Finished), saw("i-late", activities.Finished)),
	)
	b.onResults(left("i-a", 0, ""), left("i-last", 0, "hi"), left("i-late", 0, ""))
	result, err := b.run(attached())
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Empty(t, result.Reason)
	require.Len(t, result.Nodes, 3)
	require.Equal(t, "hi", result.Nodes[2].Output, "it first appeared in the results")
	require.Equal(t, 3, result.Commands[0].Nodes)
	require.Empty(t, result.Commands[0].Unasked)
	require.Len(t, b.watches[1].Nodes, 2)
}

func TestANodeThatGoesOnWhenTheResultsFirstShowItIsWatched(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onAttach(activities.AttachCommandResult{Nodes: activities.NodeStatuses{saw("i-a", activities.Finished)}})
	late := activities.ResultRecord{NodeStatus: saw("i-late", activities.Running)}
	b.OnActivity(acts.ListInvocationResults, mock.Anything, mock.Anything).Once().
		Return(&activities.ListInvocationResultsResult{Records: activities.ResultRecords{left("i-a", 0, ""), late}}, nil)
	b.onWatch(changed(saw("i-late", activities.Finished)))
	b.onResults(left("i-late", 3, ""))
	result, err := b.run(attached())
	require.NoError(t, err)
	require.Len(t, b.watches, 1)
	require.Equal(t, activities.Succeeded, result.Nodes[0].State)
	require.Equal(t, activities.Nonzero, result.Nodes[1].State)
	require.Equal(t, workflows.Partial, result.Verdict)
}

func TestAFailedNodeOfAnAttachedCommandMayHaveBeenKilledAtItsTimeout(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onAttach(activities.AttachCommandResult{Nodes: activities.NodeStatuses{saw("i-a", activities.Failed)}})
	b.onResults(activities.ResultRecord{NodeStatus: saw("i-a", activities.Failed)})
	result, err := b.run(attached())
	require.NoError(t, err)
	require.Equal(t, "the service could not run it to its end, or killed it at its timeout", result.Nodes[0].Reason)
}

func TestCancellingBeforeTheNodesAreKnownSaysThatTheCommandMayBeRunning(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.OnActivity(acts.AttachCommand, mock.Anything, mock.Anything).After(time.Hour).Return(&activities.AttachCommandResult{}, nil)
	b.RegisterDelayedCallback(b.CancelWorkflow, 10*time.Second)
	_, err := b.run(attached())
	var canceled *temporal.CanceledError
	require.ErrorAs(t, err, &canceled)
	require.Equal(t, "cancelled before the nodes of the command were found; it was submitted elsewhere, was not stopped, and may be running", b.status().Reason)
}

func TestAnAttachedCommandThatIsNotFoundEndsTheRunUnderItsCode(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.OnActivity(acts.AttachCommand, mock.Anything, mock.Anything).
		Return(nil, temporal.NewNonRetryableApplicationError("no such command", "ObjectNotFound", nil))
	_, err := b.run(attached())
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "ObjectNotFound", failed.Type())
	require.Empty(t, b.submits)
}

func TestAnAttachmentTakesNothingThatSaysWhatToRun(t *testing.T) {
	t.Parallel()
	require.NoError(t, attached().Validate())
	for says, change := range map[string]func(*workflows.RolloutInput){
		"no command: name one by its id":        func(in *workflows.RolloutInput) { in.Attach.CommandID = "" },
		"holds a space, a comma or a slash":     func(in *workflows.RolloutInput) { in.Attach.CommandID = "c-1,c-2" },
		"has its text and nodes already":        func(in *workflows.RolloutInput) { in.Target.All = true },
		"no cluster: name one (--cluster)":      func(in *workflows.RolloutInput) { in.ClusterID = "" },
		"the deadline is 5s, it can be 1m0s to": func(in *workflows.RolloutInput) { in.DeadlineSeconds = 5 },
		"is expected to take -1s more":          func(in *workflows.RolloutInput) { in.ExpectedSeconds = -1 },
		"has no waves, windows or limits":       func(in *workflows.RolloutInput) { in.Policy.Retry.Attempts = 2 },
	} {
		in := workflows.RolloutInput{RunCommandInput: attached()}
		change(&in)
		require.ErrorContains(t, in.Validate(), says)
	}
}
