package console

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func onTwo() runs.ClustersReport {
	report := runs.ClustersReport{RunID: "run-1", State: runs.Running}
	report.Phase = workflows.Watching
	report.Clusters = []workflows.ClusterResult{
		{ClusterID: "a", Phase: workflows.ClusterRunning, NodeCount: 2, States: map[workflows.NodeState]int{activities.Running: 2}},
		{ClusterID: "b", Phase: workflows.ClusterWaiting},
	}
	return report
}

func TestEachChangeOfAClusterIsALine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	progress := NewClustersProgress(&out)
	shows := func(report runs.ClustersReport, want string) {
		t.Helper()
		out.Reset()
		progress.Show(report)
		require.Regexp(t, want, out.String())
	}
	report := onTwo()
	shows(report, `^\d\d:\d\d:\d\d a running: 2 running\n$`)
	shows(report, `^$`)
	report.Troubles = map[string]string{"a": "Throttling.User"}
	shows(report, `^\S+ a waits: Throttling.User\n$`)
	report.Troubles = nil
	report.Clusters[0].Phase, report.Clusters[0].Verdict = workflows.ClusterEnded, workflows.Succeeded
	report.Clusters[0].States = map[workflows.NodeState]int{activities.Succeeded: 2}
	report.Clusters[1].Phase, report.Clusters[1].Error = workflows.ClusterEnded, &workflows.ClusterError{Code: "NotAuthorized", Message: "allow it"}
	shows(report, `^\S+ a succeeded: 2 succeeded\n\S+ b not followed to its end; NotAuthorized: allow it\n$`)
}

func TestAResultOnClustersIsATableAndAVerdict(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report := onTwo()
	require.NoError(t, WriteClusters(&out, report))
	require.Contains(t, out.String(), "run run-1 goes on, watching: 1 running, 1 waiting")
	report.State, report.Verdict, report.Reason = runs.Completed, workflows.Partial, "b did not succeed"
	report.Clusters[0].Phase, report.Clusters[0].Verdict = workflows.ClusterEnded, workflows.Partial
	report.Clusters[0].States = map[workflows.NodeState]int{activities.Succeeded: 1, activities.Nonzero: 1}
	report.Clusters[1].Phase, report.Clusters[1].Reason = workflows.ClusterSkipped, "not started after a did not succeed"
	out.Reset()
	require.NoError(t, WriteClusters(&out, report))
	require.Equal(t, ` CLUSTER  VERDICT  STATES                  REMARK
 a        partial  1 succeeded, 1 nonzero
 b        skipped                          not started after a did not succeed

nodes and output of a cluster: starter status run-1/CLUSTER

run run-1: partial (1 partial, 1 skipped; b did not succeed)
`, out.String())

	report.Clusters[0].Verdict, report.Clusters[0].Error = workflows.Canceled, &workflows.ClusterError{Code: "Canceled", Message: "cancelled; 2 stopped"}
	require.Equal(t, "cancelled; 2 stopped", report.Clusters[0].Remark())

	out.Reset()
	require.NoError(t, WriteClustersJSON(&out, report))
	var read runs.ClustersReport
	require.NoError(t, json.Unmarshal(out.Bytes(), &read))
	require.Equal(t, report, read)
}
