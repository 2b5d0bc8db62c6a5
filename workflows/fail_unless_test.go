package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

func TestARunThatIsToFailUnlessItSucceedsFailsWithItsResult(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmit([]string{"a", "b"}, nil)
	b.onWatch(changed(saw("a", activities.Finished), saw("b", activities.Finished)))
	b.onResults(left("a", 0, ""), left("b", 3, ""))
	in := onNodes("a", "b")
	in.FailUnless = workflows.FailUnless(workflows.Succeeded)
	_, err := b.run(in)
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, workflows.ErrNotSucceeded, failed.Type())
	require.True(t, failed.NonRetryable())
	require.Equal(t, "partial; 1 succeeded, 1 nonzero", failed.Message())
	var result workflows.RunCommandResult
	require.NoError(t, failed.Details(&result))
	require.Equal(t, workflows.Partial, result.Verdict)
	require.False(t, result.EndedAt.IsZero())
	require.Len(t, result.Nodes, 2)
}

func TestARunFailsUnlessItSucceedsOrNotForItsVerdict(t *testing.T) {
	t.Parallel()
	in := onNodes("a")
	in.FailUnless = "partial"
	require.ErrorContains(t, in.Validate(), `it cannot fail unless it is "partial"`)

	each := workflows.ClustersInput{
		Run:      workflows.RolloutInput{RunCommandInput: onNodes()},
		Clusters: []workflows.ClusterTarget{{ClusterID: "c-1"}, {ClusterID: "c-2"}},
	}
	each.Run.ClusterID, each.Run.Target.All, each.Run.FailUnless = "", true, "succeeded"
	require.ErrorContains(t, each.Validate(), "say that of the run on all of them")
	each.Run.FailUnless, each.FailUnless = "", "failed"
	require.ErrorContains(t, each.Validate(), `it cannot fail unless it is "failed"`)
	each.FailUnless = "succeeded"
	require.NoError(t, each.Validate())
}
