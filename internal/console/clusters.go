package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// ClustersProgress shows how a run on several clusters comes along.
type ClustersProgress interface {
	Show(report runs.ClustersReport)
	// Close leaves the screen in order. It may be called twice.
	Close()
}

// NewClustersProgress draws live on a terminal, and writes a line for each change of a
// cluster elsewhere.
func NewClustersProgress(out io.Writer) ClustersProgress {
	if _, height := screenSize(out); height > 0 && !isDumb() {
		return newLiveClusters(out, height)
	}
	return &clusterLines{out: out, clusters: make(map[string]string), trouble: make(map[string]string)}
}

// clusterLines writes what changed since the report before.
type clusterLines struct {
	out      io.Writer
	clusters map[string]string
	trouble  map[string]string // by cluster; "" is the run over all
}

func (p *clusterLines) Show(report runs.ClustersReport) {
	p.note(p.trouble, "", report.Trouble, "waiting: ")
	for _, cluster := range report.Clusters {
		id := cluster.ClusterID
		if cluster.Phase != workflows.ClusterWaiting {
			p.note(p.clusters, id, clusterText(cluster), id+" ")
		}
		p.note(p.trouble, id, report.Troubles[id], id+" waits: ")
	}
}

func (*clusterLines) Close() {}

func (p *clusterLines) note(known map[string]string, key, text, before string) {
	if known[key] == text {
		return
	}
	known[key] = text
	if text != "" {
		fmt.Fprintf(p.out, "%s %s\n", time.Now().Format(time.TimeOnly), printable(before+text))
	}
}

// clusterText says in a line how a cluster stands.
func clusterText(cluster workflows.ClusterResult) string {
	text := cluster.Outcome()
	if cluster.NodeCount > 0 {
		text += ": " + workflows.CountsText(cluster.States)
	}
	if remark := cluster.Remark(); remark != "" {
		text += "; " + remark
	}
	return text
}

// WriteClustersJSON writes a report for machines.
func WriteClustersJSON(out io.Writer, report runs.ClustersReport) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}

// WriteClusters writes a report for people: a table of the clusters, and the verdict.
func WriteClusters(out io.Writer, report runs.ClustersReport) error {
	var b strings.Builder
	if len(report.Clusters) > 0 {
		t := newTable([]string{"cluster", "verdict", "states", "remark"})
		for _, cluster := range report.Clusters {
			states := ""
			if cluster.NodeCount > 0 {
				states = workflows.CountsText(cluster.States)
			}
			t.AppendRow(cells([]string{cluster.ClusterID, cluster.Outcome(), states, printable(remarkOn(report, cluster))}))
		}
		fmt.Fprintf(&b, "%s\n\nnodes and output of a cluster: starter status %s\n", t.Render(), workflows.ClusterRunID(report.RunID, "CLUSTER"))
	}
	b.WriteString(clustersHeadline(report) + "\n")
	_, err := io.WriteString(out, b.String())
	return err
}

func remarkOn(report runs.ClustersReport, cluster workflows.ClusterResult) string {
	if trouble := report.Troubles[cluster.ClusterID]; trouble != "" {
		return "waiting: " + trouble
	}
	return cluster.Remark()
}

// clustersHeadline is the last line of a result: what became of the run.
func clustersHeadline(report runs.ClustersReport) string {
	switch {
	case report.State == runs.Running && report.Trouble != "":
		return fmt.Sprintf("\nrun %s goes on\nwaiting: %s", report.RunID, printable(report.Trouble))
	case report.State == runs.Running:
		return fmt.Sprintf("\nrun %s goes on, %s: %s", report.RunID, report.Phase, report.ClustersText())
	case report.State == runs.Canceled && report.Error != nil:
		return fmt.Sprintf("\nrun %s: %s", report.RunID, printable(report.Error.Message))
	case report.Error != nil:
		return fmt.Sprintf("\nrun %s %s: %s", report.RunID, report.State, printable(report.Error.Message))
	case report.Reason != "":
		return fmt.Sprintf("\nrun %s: %s (%s; %s)", report.RunID, report.Verdict, report.ClustersText(), printable(report.Reason))
	}
	return fmt.Sprintf("\nrun %s: %s (%s)", report.RunID, report.Verdict, report.ClustersText())
}
