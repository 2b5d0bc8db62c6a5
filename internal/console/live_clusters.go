package console

import (
	"fmt"
	"io"
	"time"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// liveClusters draws a line for the run and one for each cluster, of many for those that
// run or did not succeed.
type liveClusters struct {
	*board
	paint
	most   int
	report runs.ClustersReport
	shown  []workflows.ClusterResult
	lines  int
}

func newLiveClusters(out io.Writer, height int) *liveClusters {
	l := &liveClusters{board: newBoard(out), paint: paintFor(out), most: max(height-4, 1)}
	l.addLine(l.head)
	return l
}

func (l *liveClusters) Show(report runs.ClustersReport) {
	l.mu.Lock()
	l.report, l.shown = report, nil
	for _, cluster := range report.Clusters {
		dull := cluster.Phase == workflows.ClusterWaiting || cluster.Verdict == workflows.Succeeded
		if len(report.Clusters) <= l.most || !dull && len(l.shown) < l.most {
			l.shown = append(l.shown, cluster)
		}
	}
	n := len(l.shown)
	l.mu.Unlock()
	for ; l.lines < n; l.lines++ {
		at := l.lines
		l.addLine(func() string { return l.cluster(at) })
	}
}

func (l *liveClusters) head() string {
	text := l.report.RunID
	if !l.report.StartedAt.IsZero() {
		until := time.Now()
		if !l.report.EndedAt.IsZero() {
			until = l.report.EndedAt
		}
		text = fmt.Sprintf("%s  %s  %s", text, l.report.ClustersText(), until.Sub(l.report.StartedAt).Truncate(time.Second))
	}
	if l.report.Trouble != "" {
		text += "  waiting: " + printable(l.report.Trouble)
	}
	return text
}

func (l *liveClusters) cluster(i int) string {
	if i >= len(l.shown) {
		return ""
	}
	cluster := l.shown[i]
	text := clusterText(cluster)
	if trouble := l.report.Troubles[cluster.ClusterID]; trouble != "" {
		text += "; waiting: " + trouble
	}
	return fmt.Sprintf("  %s %s  %s", l.clusterMark(cluster), pad(cluster.ClusterID, 24), printable(text))
}

func (l *liveClusters) clusterMark(cluster workflows.ClusterResult) string {
	switch {
	case cluster.Phase == workflows.ClusterWaiting:
		return " "
	case cluster.Phase == workflows.ClusterRunning:
		return mark("running")
	case cluster.Verdict == workflows.Succeeded:
		return l.in(green, "✓")
	}
	return l.in(red, "✗")
}
