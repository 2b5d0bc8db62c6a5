package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ehpcflow/activities"
)

// ClustersQuery is the query that a run on several clusters answers with a
// ClustersStatus, also after its end.
const ClustersQuery = "clusters"

// ClustersStatus is how a run on several clusters stands.
type ClustersStatus struct {
	Phase Phase `json:"phase"` // Watching, Stopping or Ended

	ClustersResult
}

// ClustersResult is what became of a run on several clusters. The nodes of a cluster
// are in the result of its own run.
type ClustersResult struct {
	Command   string    `json:"command"`
	Verdict   Verdict   `json:"verdict,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	StartedAt time.Time `json:"startedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`

	Clusters []ClusterResult `json:"clusters"`
}

// ClusterPhase is where a cluster is.
type ClusterPhase string

// The phases of a cluster.
const (
	ClusterWaiting ClusterPhase = "waiting" // for its turn
	ClusterRunning ClusterPhase = "running"
	ClusterEnded   ClusterPhase = "ended"
	ClusterSkipped ClusterPhase = "skipped" // nothing was started there
)

// ClusterResult is how a cluster stands, or what became of it. Verdict is empty until
// its run has ended, and when that could not be followed to its end; Error then says why.
type ClusterResult struct {
	ClusterID string        `json:"clusterId"`
	RunID     string        `json:"run"`
	Phase     ClusterPhase  `json:"phase"`
	Verdict   Verdict       `json:"verdict,omitempty"`
	Reason    string        `json:"reason,omitempty"`
	Error     *ClusterError `json:"error,omitempty"`

	// NodeCount says how many nodes its run has, and States in which states, as far as
	// they are known.
	NodeCount int               `json:"nodeCount"`
	States    map[NodeState]int `json:"states,omitempty"`

	StartedAt time.Time `json:"startedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
}

// ClusterError is why the run of a cluster did not complete: its code, the API's where
// it is one, and its sentence.
type ClusterError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Outcome is a cluster's verdict, or its phase where it has none.
func (c ClusterResult) Outcome() string {
	switch {
	case c.Verdict != "":
		return string(c.Verdict)
	case c.Error != nil:
		return "not followed to its end"
	}
	return string(c.Phase)
}

// Remark is what a person should know of a cluster beside its verdict.
func (c ClusterResult) Remark() string {
	switch {
	case c.Verdict == Canceled && c.Error != nil:
		return c.Error.Message
	case c.Error != nil:
		return c.Error.Code + ": " + c.Error.Message
	}
	return c.Reason
}

// verdict sums the clusters up; the first that fits:
//
//	every cluster has the same verdict            that one
//	a node of some cluster succeeded              partial
//	a cluster was aborted, parked, cancelled, gone  the first of these
//	otherwise                                     failed
//
// A cluster that was skipped, or not followed to its end, has none.
func (r *ClustersResult) verdict() Verdict {
	have := func(is func(ClusterResult) bool) bool { return slices.ContainsFunc(r.Clusters, is) }
	first := r.Clusters[0].Verdict
	if first != "" && !have(func(c ClusterResult) bool { return c.Verdict != first }) {
		return first
	}
	if have(func(c ClusterResult) bool { return c.States[activities.Succeeded] > 0 }) {
		return Partial
	}
	for _, early := range []Verdict{Aborted, Unattended, Canceled, Gone} {
		if have(func(c ClusterResult) bool { return c.Verdict == early }) {
			return early
		}
	}
	return Failed
}

// in are the ids of the clusters in a phase.
func (r *ClustersResult) in(phase ClusterPhase) []string {
	var ids []string
	for _, cluster := range r.Clusters {
		if cluster.Phase == phase {
			ids = append(ids, cluster.ClusterID)
		}
	}
	return ids
}

// ClustersText reads "2 succeeded, 1 running".
func (r ClustersResult) ClustersText() string {
	counts := make(map[string]int)
	var outcomes []string
	for _, cluster := range r.Clusters {
		outcome := cluster.Outcome()
		if counts[outcome]++; counts[outcome] == 1 {
			outcomes = append(outcomes, outcome)
		}
	}
	for i, outcome := range outcomes {
		outcomes[i] = fmt.Sprintf("%d %s", counts[outcome], outcome)
	}
	return strings.Join(outcomes, ", ")
}

// details is what the Web UI shows of the run, in Markdown.
func (s *ClustersStatus) details(runID string) string {
	ended, failed, nodes := 0, 0, 0
	for _, c := range s.Clusters {
		if c.Phase == ClusterEnded || c.Phase == ClusterSkipped {
			ended++
		}
		failed += failedNodes(c.States)
		nodes += c.NodeCount
	}
	text := "# " + title(s.Phase, Outcome(s.Verdict))
	if s.Phase == Ended && failed > 0 {
		text += fmt.Sprintf(": %d of %s failed", failed, Nodes(nodes))
	}
	text += "\n\n"
	if s.Phase != Ended {
		text += fmt.Sprintf("%s of %d clusters ended\n\n", bar(ended, len(s.Clusters)), len(s.Clusters))
	}
	text += fmt.Sprintf("%d clusters: %s\n\n", len(s.Clusters), s.ClustersText())
	if s.Reason != "" {
		text += shorten(s.Reason, 1000) + "\n\n"
	}
	text += fmt.Sprintf("Each cluster has a run of its own, `%s`: its nodes are shown there, and answers and orders go to it by that name.\n\n",
		ClusterRunID(runID, "CLUSTER"))
	if s.Phase != Ended {
		text += fmt.Sprintf("- how each cluster stands: `starter status %s`\n- stop the command on all clusters: `starter cancel %s`\n\n", runID, runID)
	}
	text += "| cluster | verdict | nodes | remark |\n|---|---|---|---|\n"
	for i, c := range s.Clusters {
		counts := ""
		if c.NodeCount > 0 {
			counts = CountsText(c.States)
		}
		row := fmt.Sprintf("| %s | %s | %s | %s |\n", c.ClusterID, c.Outcome(), counts, cell(shorten(c.Remark(), 120)))
		if len(text)+len(row) > mostDetails-100 {
			return text + fmt.Sprintf("\n%d more clusters are not shown\n", len(s.Clusters)-i)
		}
		text += row
	}
	return text
}
