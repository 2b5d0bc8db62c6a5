package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"ehpcflow/internal/forecast"
	"ehpcflow/internal/runs"
)

// WriteList writes a list of runs for people: a table, or nothing for no runs.
func WriteList(out io.Writer, list runs.List) error {
	if len(list.Runs) == 0 {
		return nil
	}
	const longest = 50
	var rows [][]string
	for _, run := range list.Runs {
		until := run.EndedAt
		if until.IsZero() {
			until = time.Now()
		}
		clusters := strings.Join(run.Clusters[:min(len(run.Clusters), 2)], ", ")
		if more := len(run.Clusters) - 2; more > 0 {
			clusters += fmt.Sprintf(" and %d more", more)
		}
		failed := ""
		if run.Nodes > 0 {
			failed = fmt.Sprintf("%d/%d", run.FailedNodes, run.Nodes)
		}
		rows = append(rows, printables(
			run.RunID, clusters, run.StartedAt.UTC().Format(time.DateTime), max(until.Sub(run.StartedAt), 0).Round(time.Second).String(),
			run.Outcome(), failed, run.User, shortenedTo(forecast.OneLine(run.Command), longest),
		))
	}
	return WriteTable(out, []string{"run", "cluster", "started (UTC)", "took", "verdict or phase", "failed", "user", "command"}, rows)
}

// WriteListJSON writes it for machines.
func WriteListJSON(out io.Writer, list runs.List) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}
