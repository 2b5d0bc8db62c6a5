package runs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEverythingThatIsWrongWithAQueryIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	q := Query{Verdicts: []string{"good"}, Phases: []string{"walking"}, State: "dead", Since: now, Until: now, Limit: 0}
	problems := q.Problems()
	require.Len(t, problems, 5)
	require.Contains(t, problems[0], `there is no verdict "good": use pending, succeeded, partial,`)
	require.Empty(t, Query{Verdicts: []string{"cancelled", "error"}, Phases: []string{"parked"}, State: StateEnded, Limit: 1}.Problems())
}

func TestAQueryTakesNothingThatAPersonWroteForItsOwnWords(t *testing.T) {
	t.Parallel()
	q := Query{User: `a' OR 'b' = 'b\`, Parent: "run-a", Clusters: []string{"ehpc-a", "ehpc-b"}, State: StateRunning}
	require.Equal(t, `WorkflowType IN ('RunCommand', 'Rollout', 'RunOnClusters', 'RunPipeline', 'RunJob')`+
		` AND EhpcflowCluster IN ('ehpc-a', 'ehpc-b') AND EhpcflowParentRun IN ('run-a') AND ExecutionStatus = 'Running'`, q.visibility())
	require.Equal(t, []string{"ehpc-a", "ehpc-b"}, q.Clusters, "the query is as it was")
	require.False(t, Query{Top: true}.fits(Listed{RunID: "run-a/solve/1", ParentRun: "run-a"}))
	require.True(t, Query{Top: true}.fits(Listed{RunID: "run-a-r2", ParentRun: "run-a"}), "a rerun stands by itself")
	require.True(t, Query{Top: true}.fits(Listed{RunID: "run-a"}))
	require.False(t, q.fits(Listed{Clusters: []string{"ehpc-a"}, ParentRun: "run-a", User: "b"}))
	require.True(t, q.fits(Listed{Clusters: []string{"ehpc-b"}, ParentRun: "run-a", User: q.User}))
}
