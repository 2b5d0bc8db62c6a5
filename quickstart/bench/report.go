package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Report is everything that was measured, and how.
type Report struct {
	Machine    string    `json:"machine"`
	Go         string    `json:"go"`
	MeasuredAt time.Time `json:"measuredAt"`

	Nodes           int     `json:"nodes"` // of each command
	PollSeconds     float64 `json:"pollSeconds"`
	ShortestSeconds float64 `json:"shortestSeconds"` // of a command on a node
	LongestSeconds  float64 `json:"longestSeconds"`
	RampSeconds     float64 `json:"rampSecondsPerThousandRuns"`

	Measurements []Measurement `json:"measurements"`
}

func (r *Report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	picture, err := r.picture()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"results.json": append(text, '\n'),
		"results.md":   []byte(r.markdown()),
		"results.svg":  picture,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return nil
}

func (r *Report) markdown() string {
	return fmt.Sprintf(`# Ways of waiting, compared

Measured on %s, with %s, on %s, by quickstart/bench; all rows in the same run.

Each run submits a command to %d nodes, waits until every node has ended and collects
the results. The command takes %g to %g s on a node. Every peer polls %g s after the
last answer; ehpcflow is as it is shipped. The runs of a row are started evenly, 1,000
in %g s.

%s

![The same as a picture](results.svg)

How it is measured:

- **End lag**: from the end of the last node until the workflow took note of it. **Node
  lag**: the same for each node. The simulated cluster knows when a node ended. The
  workflow took note when the workflow task was completed in which it had the answer
  of the poll; its time is in the history. In heartbeat-loop the workflow hears of all
  nodes at once. ehpcflow holds the end of a node back for a while, so that several
  are told together, but never the last; meanwhile its heartbeat shows it.
- **Server and worker CPU** are of processes of their own, from the first start until
  all runs were seen to have ended, for all runs of the row together. **Memory** is the
  peak of the worker's resident memory, before the first start and at the end. The
  worker is the bench itself in another role and holds a server's code too.
- **Events and bytes** of a run's history are what the server says of it. **API calls**
  are what the simulated cluster counted. Where they are far fewer than in the row with
  fewer runs, the pattern could not keep up with its own interval.
- The request budget is no limit here. Server, worker, simulated cluster and bench share
  the machine.
`, r.MeasuredAt.Format(time.DateOnly), r.Go, r.Machine, r.Nodes, r.ShortestSeconds, r.LongestSeconds, r.PollSeconds,
		r.RampSeconds, r.table())
}

func (r *Report) table() string {
	t := table.NewWriter()
	t.AppendHeader(table.Row{
		"runs at once", "pattern", "history events a run", "history KB a run", "API calls a run",
		"end lag p50 s", "end lag p99 s", "node lag p50 s", "node lag p99 s",
		"server CPU s", "worker CPU s", "worker idle MB", "worker peak MB", "wall s", "failed runs",
	})
	for _, m := range r.Measurements {
		row := table.Row{m.Runs, m.Pattern}
		for _, cell := range []struct {
			format string
			value  float64
		}{
			{"%.0f", m.Events},
			{"%.1f", m.Bytes / 1e3},
			{"%.1f", m.APICalls},
			{"%.2f", m.EndLag.P50},
			{"%.2f", m.EndLag.P99},
			{"%.2f", m.NodeLag.P50},
			{"%.2f", m.NodeLag.P99},
			{"%.1f", m.ServerCPU},
			{"%.1f", m.WorkerCPU},
			{"%.0f", m.WorkerIdleMB},
			{"%.0f", m.WorkerPeakMB},
			{"%.0f", m.Wall},
		} {
			row = append(row, fmt.Sprintf(cell.format, cell.value))
		}
		t.AppendRow(append(row, len(m.Failures)))
	}
	return t.RenderMarkdown()
}
