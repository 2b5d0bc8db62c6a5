// Package console shows runs to people in a terminal: progress while they go on,
// their result when they have ended.
package console

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// Progress shows how a run comes along.
type Progress interface {
	Show(report runs.Report)
	// Close leaves the screen in order. It may be called twice.
	Close()
}

// NewProgress draws live on a terminal, and writes a line for each change
// elsewhere. Expected is how long the command should take; 0 is not known.
func NewProgress(out io.Writer, expected time.Duration) Progress {
	if _, height := screenSize(out); height > 0 && !isDumb() {
		return newLive(out, height, expected)
	}
	return &lines{out: out, states: make(map[string]string)}
}

// screenSize is of the terminal, in characters; 0 elsewhere.
func screenSize(out io.Writer) (width, height int) {
	if screen, ok := out.(*os.File); ok {
		if width, height, err := term.GetSize(int(screen.Fd())); err == nil {
			return width, height
		}
	}
	return 0, 0
}

// lines writes what changed since the report before.
type lines struct {
	out     io.Writer
	step    string
	states  map[string]string
	summary string // of a run with too many nodes for a line each
	trouble string
}

func (l *lines) Show(report runs.Report) {
	if now := step(report); now != l.step && report.Phase != "" {
		l.step, l.summary = now, phaseText(report)
		l.print(l.summary)
	}
	if report.Trouble != l.trouble {
		l.trouble = report.Trouble
		if l.trouble != "" {
			l.print("waiting: " + l.trouble)
		}
	}
	if max(report.NodeCount, len(report.Nodes)) > mostListed {
		if text := phaseText(report); text != l.summary {
			l.summary = text
			l.print(text)
		}
		return
	}
	if report.Refused() { // of no node is there any news
		return
	}
	for _, node := range report.Nodes {
		if state := stateText(node); state != l.states[node.InstanceID] {
			l.states[node.InstanceID] = state
			l.print(node.InstanceID + " " + state)
		}
	}
}

func (l *lines) print(text string) {
	fmt.Fprintf(l.out, "%s %s\n", time.Now().Format(time.TimeOnly), printable(text))
}

func (*lines) Close() {}

// phaseText says in a few words what a run is doing.
func phaseText(report runs.Report) string {
	switch report.Phase {
	case workflows.Resolving:
		return "finding the nodes of " + report.ClusterID
	case workflows.Submitting:
		all := max(report.NodeCount, len(report.Nodes))
		return "starting the command on " + workflows.Nodes(all-report.Counts()[activities.Skipped])
	case workflows.Seeking:
		return "looking for the command among those of " + report.ClusterID
	case workflows.Parked:
		return "waiting for an answer"
	case workflows.Stopping:
		return "stopping: " + workflows.CountsText(report.Counts())
	case workflows.Watching:
		return fmt.Sprintf("%s: %s", commandText(report), workflows.CountsText(report.Counts()))
	case workflows.Rolling, workflows.Waiting, workflows.Draining:
		return rolloutText(report)
	case workflows.Collecting:
		return "reading exit codes and output"
	case workflows.Ended:
		switch {
		case report.Refused():
			return "refused"
		case len(report.Nodes) == 0:
			return "ended"
		}
		return "ended: " + workflows.CountsText(report.Counts())
	}
	return "waiting for a worker"
}

func commandText(report runs.Report) string {
	if more := len(report.Commands) - 1; more > 0 {
		return fmt.Sprintf("command %s and %d more", report.CommandID, more)
	}
	return "command " + report.CommandID
}

func stateText(node workflows.NodeResult) string {
	text := string(node.State)
	if node.ExitCode != nil {
		text += fmt.Sprintf(" (exit %d)", *node.ExitCode)
	}
	if n := tries(node); n > 1 {
		text += fmt.Sprintf(", attempt %d", n)
	}
	if remark := node.Remark(); remark != "" {
		text += ": " + remark
	}
	return text
}
