package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// onNodesListed answers the looks for nodes in the cluster one after the other.
func (b *bundle) onNodesListed(answers ...[]activities.Node) *[]activities.ListNodesInput {
	var asked []activities.ListNodesInput
	b.OnActivity(acts.ListNodes, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ListNodesInput) (*activities.ListNodesResult, error) {
			asked = append(asked, in)
			require.LessOrEqual(b.t, len(asked), len(answers), "one more look for nodes than expected")
			return &activities.ListNodesResult{Nodes: answers[len(asked)-1]}, nil
		})
	return &asked
}

func overdue(nodes ...activities.NodeStatus) activities.ListInvocationStatusResult {
	return activities.ListInvocationStatusResult{Changed: nodes, DeadlinePassed: true}
}

func TestANodeThatLeftTheClusterIsLostAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for why, tc := range map[string]struct{ listed []activities.Node }{
		"released":                   {nil},
		"recycled, as a spot":        {[]activities.Node{{InstanceID: "i-b", Unfit: "recycling"}}},
		"says that the node is stop": {[]activities.Node{{InstanceID: "i-b", Unfit: "stopped"}}},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			b.onSubmits("c-1")
			running := []activities.Node{{InstanceID: "i-b"}}
			asked := b.onNodesListed(running, tc.listed)
			b.onWatch(
				changed(saw("i-b", activities.Unknown)),
				overdue(), // the first look is a minute after the submit
				overdue(), // and the second two minutes later
				changed(saw("i-a", activities.Finished)),
			)
			b.onResults(left("i-a", 0, ""))
			result, err := b.run(onNodes("i-a", "i-b"))
			require.NoError(t, err)
			require.Equal(t, workflows.Partial, result.Verdict)
			require.Equal(t, activities.Lost, result.Nodes[1].State)
			require.Contains(t, result.Nodes[1].Reason, why[:8])
			require.Len(t, *asked, 2)
			require.Equal(t, []string{"i-b"}, (*asked)[0].InstanceIDs)
			require.Equal(t, b.watches[0].SubmittedAt.Add(time.Minute), b.watches[1].Deadline)
			require.Equal(t, b.watches[0].Deadline, b.watches[3].Deadline, "nothing is missing any more")
		})
	}
}

func TestASilentNodeIsLostWithWhatTheClusterSaysOfIt(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmits("c-1")
	b.onNodesListed([]activities.Node{{InstanceID: "i-b", Unfit: "exception"}, {InstanceID: "i-c"}})
	b.onWatch(overdue(saw("i-a", activities.Finished), activities.NodeStatus{InstanceID: "i-e", State: activities.Unknown, Word: "Dreaming"}))
	b.onResults(left("i-a", 0, ""))
	result, err := b.run(onNodes("i-a", "i-b", "i-c", "i-d", "i-e"))
	require.NoError(t, err)
	require.Equal(t, workflows.Partial, result.Verdict)
	for i, want := range []string{"", "cluster says that the node is exception", "although the cluster says that the node is running", "released"} {
		require.Contains(t, result.Nodes[i].Reason, want)
	}
	require.Equal(t, 3, result.Counts()[activities.Lost])
	require.Equal(t, activities.Unknown, result.Nodes[4].State, "under a word never seen before")
	require.Contains(t, result.Reason, "may still be running on 1 of 5 nodes: i-e")
}

func TestACommandThatIsGoneIsAVerdictOfItsOwn(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmits("c-1")
	b.onWatch(activities.ListInvocationStatusResult{Gone: []string{"c-1"}})
	result, err := b.run(onNodes("i-a", "i-b"))
	require.NoError(t, err)
	require.Equal(t, workflows.Gone, result.Verdict)
	require.Equal(t, 2, result.Counts()[activities.Lost])
	require.Contains(t, result.Reason, "no longer knows command c-1")
}

func TestOneCommandThatIsGoneKeepsTheOthers(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	ids := manyNodes(200)
	b.onParts(accepted)
	b.onWatch(
		activities.ListInvocationStatusResult{Gone: []string{"c-i-00100"}},
		changed(finished(ids[:100])...),
	)
	b.OnActivity(acts.ListInvocationResults, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.ListInvocationResultsInput) (*activities.ListInvocationResultsResult, error) {
			result := &activities.ListInvocationResultsResult{}
			for _, id := range ids[:100] {
				result.Records = append(result.Records, left(id, 0, ""))
			}
			return result, nil
		})
	result, err := b.run(onNodes(ids...))
	require.NoError(t, err)
	require.Equal(t, workflows.Partial, result.Verdict)
	require.Equal(t, 100, result.Counts()[activities.Succeeded])
	require.Equal(t, 100, result.Counts()[activities.Lost])
}

func TestALookForNodesThatIsRefusedHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmits("c-1")
	b.OnActivity(acts.ListNodes, mock.Anything, mock.Anything).
		Return(nil, temporal.NewNonRetryableApplicationError("ListNodes: NotAuthorized", "NotAuthorized", nil)).Once()
	b.onWatch(
		changed(saw("i-b", activities.Unknown)),
		overdue(),
		changed(saw("i-a", activities.Finished), saw("i-b", activities.Finished)),
	)
	b.onResults(left("i-a", 0, ""), left("i-b", 0, ""))
	result, err := b.run(onNodes("i-a", "i-b"))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.True(t, b.watches[2].Deadline.Before(b.watches[0].Deadline), "it is looked for again")
}
