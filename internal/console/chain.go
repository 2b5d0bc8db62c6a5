package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// WriteChain writes the chain of a command for people: a table of its runs, and which nodes of the
// first are open.
func WriteChain(out io.Writer, chain runs.CommandChain) error {
	var rows [][]string
	for _, past := range chain.Runs {
		from := ""
		if lineage := past.Input.Lineage; lineage != nil {
			from = fmt.Sprintf("%s of %s", strings.Join(lineage.Sets, ", "), lineage.Run)
		}
		rows = append(rows, []string{past.RunID, past.StartedAt.Local().Format(time.DateTime), fmt.Sprint(len(past.Nodes)),
			outcome(past), workflows.CountsText(past.Counts()), from})
	}
	if err := WriteTable(out, []string{"run", "started", "nodes", "verdict", "states", "rerun of"}, rows); err != nil {
		return err
	}
	_, err := io.WriteString(out, printable(sumText(chain)))
	return err
}

// outcome is a run's verdict, or how it stands with Temporal where it has none.
func outcome(past runs.Past) string { return cmp.Or(string(past.Verdict), string(past.State)) }

func sumText(chain runs.CommandChain) string {
	var b strings.Builder
	if len(chain.Runs) > 0 && chain.Runs[0].RunID != chain.First {
		fmt.Fprintf(&b, "\nThe first run, %s, is no longer kept: what follows is about the nodes of %s.", chain.First, chain.Runs[0].RunID)
	}
	all, open := chain.Standings(), chain.Open()
	fmt.Fprintf(&b, "\nof %s %d succeeded by now", workflows.Nodes(len(all)), len(all)-len(open))
	if len(open) == 0 {
		return b.String() + "\n"
	}
	fmt.Fprintf(&b, ", %d open:\n", len(open))
	for _, node := range open[:min(mostListed, len(open))] {
		fmt.Fprintf(&b, "  %s %s in %s\n", strings.TrimSpace(node.InstanceID+" "+node.HostName), node.State, node.Run)
	}
	if left := len(open) - mostListed; left > 0 {
		fmt.Fprintf(&b, "  %s not listed; --json has them all\n", workflows.Nodes(left))
	}
	return b.String()
}

// History is a run of a command with its reruns, in the order of their start.
type History struct {
	First     string          `json:"first"`     // the run that the others are reruns of
	Runs      []HistoryRun    `json:"runs"`      // those that Temporal still keeps
	NodeCount int             `json:"nodeCount"` // of the first run that is kept
	Succeeded int             `json:"succeeded"` // of them, by now
	Open      []runs.Standing `json:"open"`      // the others
}

// HistoryRun is one run of a history.
type HistoryRun struct {
	RunID     string                      `json:"run"`
	State     runs.State                  `json:"state"`
	Verdict   workflows.Verdict           `json:"verdict,omitempty"`
	Reason    string                      `json:"reason,omitempty"`
	StartedAt time.Time                   `json:"startedAt"`
	EndedAt   time.Time                   `json:"endedAt,omitzero"`
	Lineage   *workflows.Lineage          `json:"lineage,omitempty"` // of a rerun
	States    map[workflows.NodeState]int `json:"states"`
	Nodes     []runs.Standing             `json:"nodes"`
}

// WriteChainJSON writes the chain of a command for machines.
func WriteChainJSON(out io.Writer, chain runs.CommandChain) error {
	all, open := chain.Standings(), chain.Open()
	written := History{First: chain.First, NodeCount: len(all), Succeeded: len(all) - len(open), Open: open}
	for _, past := range chain.Runs {
		link := HistoryRun{
			RunID: past.RunID, State: past.State, Verdict: past.Verdict, Reason: past.Reason, StartedAt: past.StartedAt, EndedAt: past.EndedAt,
			Lineage: past.Input.Lineage, States: past.Counts(), Nodes: []runs.Standing{},
		}
		for _, node := range past.Nodes {
			link.Nodes = append(link.Nodes, runs.Standing{InstanceID: node.InstanceID, HostName: node.HostName, State: node.State, Run: past.RunID})
		}
		written.Runs = append(written.Runs, link)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(written)
}
