package htmlreport_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"ehpcflow/activities"
	"ehpcflow/internal/htmlreport"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

var keep = flag.String("keep", "", "directory to keep the reports in, to look at them")

var began = time.Date(2026, 11, 24, 8, 16, 5, 0, time.UTC)

// of is a run on so many nodes, of which every 40th failed, in three waves if waves.
func of(n int, waves bool) runs.Report {
	report := runs.Report{RunID: "run-1", State: runs.Completed}
	report.ClusterID, report.Command, report.Verdict = "ehpc-hz-FYUr32", "make -C /mnt/nas/solver check", workflows.Partial
	report.StartedAt, report.EndedAt = began, began.Add(7*time.Minute)
	if waves {
		report.Rollout = &workflows.RolloutReport{}
	}
	for i := range n {
		node := workflows.NodeResult{
			InstanceID: fmt.Sprintf("i-bp1%05d", i), HostName: fmt.Sprintf("compute%05d", i), State: activities.Succeeded, ExitCode: new(int),
			Output: "checked, all is well\n", FinishedAt: began.Add(time.Duration(30+i*300/n+i%7*5) * time.Second),
		}
		if i%40 == 3 || n == 1 {
			*node.ExitCode, node.State, node.Output = 3, activities.Nonzero, "checking\ncannot open /scratch: no such file\n"
		}
		if waves {
			node.Wave = min(1+3*i/n, 3)
		}
		report.Nodes = append(report.Nodes, node)
	}
	for from := 0; from < n; from += 100 {
		report.Commands = append(report.Commands, workflows.Command{
			CommandID: fmt.Sprintf("c-%d", from), SubmittedAt: began.Add(time.Duration(2+from*250/n) * time.Second), From: from, Nodes: min(100, n-from),
		})
	}
	report.CommandID = "c-0"
	return report
}

func write(t *testing.T, whole runs.Whole) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, htmlreport.Write(&out, "run-1", whole, began.Add(time.Hour)))
	if *keep != "" {
		name := strings.ReplaceAll(t.Name(), "/", "-") + ".html"
		require.NoError(t, os.WriteFile(filepath.Join(*keep, name), out.Bytes(), 0o600))
	}
	return out.String()
}

// elements are those of a page, in their order.
func elements(t *testing.T, page string) (all []*html.Node) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	for node := range root.Descendants() {
		if node.Type == html.ElementNode {
			all = append(all, node)
		}
	}
	return all
}

func count(all []*html.Node, name string) (n int) {
	for _, node := range all {
		if node.Data == name {
			n++
		}
	}
	return n
}

func TestAReportHoldsEveryNodeFromOneToTenThousand(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 4, 60, 1000, 10_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			page := write(t, runs.Whole{Runs: []runs.Report{of(n, n == 60 || n == 1000)}, Beginning: runs.Beginning{By: "4711@login1"}})
			t.Logf("%d nodes: %d kB", n, len(page)/1024)
			require.Less(t, len(page), 10<<20)
			all := elements(t, page)
			require.GreaterOrEqual(t, count(all, "tr"), n+1)
			pictures := 1
			if n > 100 {
				pictures = 2
			}
			require.Equal(t, pictures, count(all, "svg"), "a timeline, and of many nodes the cells")
			for _, want := range []string{"partial", "ehpc-hz-FYUr32", "make -C /mnt/nas/solver check", "4711@login1", "2026-11-24 08:16:05 UTC", "7m0s"} {
				require.Contains(t, page, want)
			}
			failed, table := strings.Index(page, "cannot open /scratch"), strings.Index(page, "<table class=\"nodes\"")
			if n > 1 {
				require.Less(t, failed, table, "what failed stands first")
			}
		})
	}
}

func TestANodeThatEndedBeforeItsCommandWasAttachedToHasNoDuration(t *testing.T) {
	t.Parallel()
	report := of(1, false)
	report.Commands[0].Attached = true
	require.Contains(t, write(t, runs.Whole{Runs: []runs.Report{report}}), "after 28s")
	report.Nodes[0].FinishedAt = began.Add(-time.Minute)
	page := write(t, runs.Whole{Runs: []runs.Report{report}})
	require.NotContains(t, page, ">0s</td>")
	require.NotContains(t, page, "after 0s")
	require.Contains(t, page, "nonzero before 2026-11-24 08:16:07 UTC")
}

func TestNothingInAReportComesFromOutsideOrRunsBesideItsScript(t *testing.T) {
	t.Parallel()
	hostile := `</script></pre></textarea><script>alert(1)</script><img src=x onerror=alert(1)>{{.ID}}"'` + "`<!--]]>"
	report := of(4, true)
	report.Command, report.Reason, report.ClusterID = hostile, hostile, hostile
	for i := range report.Nodes {
		node := &report.Nodes[i]
		node.InstanceID, node.HostName, node.Output, node.Reason, node.State = fmt.Sprint(hostile, i), hostile, hostile, hostile, activities.Failed
	}
	page := write(t, runs.Whole{Runs: []runs.Report{report}, Beginning: runs.Beginning{By: hostile}})
	all := elements(t, page)
	require.Equal(t, 1, count(all, "script"))
	require.Equal(t, 1, count(all, "style"))
	require.Zero(t, count(all, "img")+count(all, "link")+count(all, "iframe")+count(all, "a")+count(all, "base"))
	for _, node := range all {
		for _, attribute := range node.Attr {
			require.False(t, strings.HasPrefix(attribute.Key, "on"), attribute)
			require.NotContains(t, []string{"src", "href", "style", "xlink:href", "srcset"}, attribute.Key)
		}
	}
	require.NotContains(t, page, "://")
	require.Contains(t, page, `default-src &#39;none&#39;; style-src &#39;sha256-`)
}

func TestEachClusterHasASection(t *testing.T) {
	t.Parallel()
	over := &runs.ClustersReport{RunID: "run-1", State: runs.Completed}
	over.Verdict, over.StartedAt, over.EndedAt, over.Command = workflows.Partial, began, began.Add(time.Hour), "uptime"
	over.Clusters = []workflows.ClusterResult{
		{ClusterID: "one", RunID: "run-1/one", Phase: workflows.ClusterEnded, Verdict: workflows.Partial},
		{ClusterID: "two", RunID: "run-1/two", Phase: workflows.ClusterSkipped, Reason: "one was held"},
	}
	one := of(4, false)
	one.RunID, one.ClusterID = "run-1/one", "one"
	page := write(t, runs.Whole{Clusters: over, Runs: []runs.Report{one}})
	all := elements(t, page)
	require.Equal(t, 2, count(all, "section"))
	require.Contains(t, page, "one was held")
}

func TestAReportSaysWhatOfAPipelineHasNoNodesInIt(t *testing.T) {
	t.Parallel()
	over := &runs.PipelineReport{RunID: "run-1-r2", State: runs.Completed}
	whole := runs.Whole{
		Pipeline: over, Jobs: []workflows.StepResult{{Name: "mesh", State: workflows.StepFailed, RunID: "run-1-r2/sub/mesh"}},
		TakenOver: map[string]int{"run-1": 3},
	}
	page := write(t, whole)
	require.Contains(t, page, "1 job (failed) has no nodes of its own: starter status run-1-r2/sub/mesh")
	require.Contains(t, page, "3 steps were taken over from run-1: starter results run-1")
}

func TestARunWithoutNodesOrTimesIsAReportToo(t *testing.T) {
	t.Parallel()
	report := runs.Report{RunID: "run-1", State: runs.Failed, Error: &runs.Failure{Code: "NotAuthorized", Message: "not allowed"}}
	page := write(t, runs.Whole{Runs: []runs.Report{report}})
	require.Contains(t, page, "not allowed")
	require.Zero(t, count(elements(t, page), "svg"))

	report.Nodes = workflows.NodeResults{{InstanceID: "i-a", State: activities.Skipped}}
	require.Equal(t, 1, count(elements(t, write(t, runs.Whole{Runs: []runs.Report{report}})), "svg"), "the cells")
}

func TestARunOfAVersionThatKeptNoListOfCommandsIsAReportToo(t *testing.T) {
	t.Parallel()
	report := runs.Report{RunID: "run-1", State: runs.Completed}
	report.CommandID, report.Verdict = "c-1", workflows.Succeeded
	require.Contains(t, write(t, runs.Whole{Runs: []runs.Report{report}}), "c-1")
}
