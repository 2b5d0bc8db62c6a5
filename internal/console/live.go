package console

import (
	"fmt"
	"io"
	"strings"
	"time"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// live draws a line for the run, a bar with its time, and a line for each node while they
// fit on the screen: of more, for those that went wrong or run on while most have ended.
type live struct {
	*board
	paint
	most     int // node lines that fit
	expected time.Duration
	report   runs.Report
	since    time.Time
	ended    map[string]time.Time
	shown    []workflows.NodeResult
	lines    int // for nodes
	trouble  string
}

// headLines stand above those of the nodes.
const headLines = 2

func newLive(out io.Writer, height int, expected time.Duration) *live {
	l := &live{
		board:    newBoard(out),
		paint:    paintFor(out),
		most:     max(height-headLines-3, 0),
		expected: expected,
		since:    time.Now(),
		ended:    make(map[string]time.Time),
	}
	l.addLine(l.head)
	l.addLine(l.bar)
	return l
}

func (l *live) Show(report runs.Report) {
	l.mu.Lock()
	for _, node := range report.Nodes {
		switch _, known := l.ended[node.InstanceID]; {
		case !node.State.Ended(): // or it is tried again
			delete(l.ended, node.InstanceID)
		case !known:
			l.ended[node.InstanceID] = endedAt(node)
		}
	}
	l.report = report
	if !report.StartedAt.IsZero() {
		l.since = report.StartedAt
	}
	l.shown = worthWatching(report, l.most)
	news := report.Trouble != "" && report.Trouble != l.trouble
	l.trouble = report.Trouble
	l.mu.Unlock()

	if news {
		l.above("waiting: " + report.Trouble)
	}
	for ; l.lines < len(l.shown); l.lines++ {
		at := l.lines
		l.addLine(func() string { return l.node(at) })
	}
}

// endedAt is when a node ended: by the service's word, or now.
func endedAt(node workflows.NodeResult) time.Time {
	if node.FinishedAt.IsZero() {
		return time.Now()
	}
	return node.FinishedAt
}

func (l *live) head() string {
	return fmt.Sprintf("%s  %s", l.report.RunID, printable(phaseText(l.report)))
}

// bar reads "  ████░░░░  3 of 12 ended  1m20s of about 5m0s".
func (l *live) bar() string {
	all := max(l.report.NodeCount, len(l.report.Nodes))
	if all == 0 {
		return ""
	}
	ended, good := 0, 0
	for state, n := range l.report.Counts() {
		switch {
		case state == activities.Succeeded || state == activities.Finished:
			good += n
		case state.Ended():
			ended += n
		}
	}
	const width = 30
	fill := func(n int) int { return n * width / all }
	bad := fill(ended+good) - fill(good)
	return fmt.Sprintf("  %s%s%s  %d of %d ended  %s", l.in(green, strings.Repeat("█", fill(good))), l.in(red, strings.Repeat("▓", bad)),
		strings.Repeat("░", width-fill(good)-bad), ended+good, all, l.clock())
}

// clock is how long the run has taken, and by what is expected should.
func (l *live) clock() string {
	until := time.Now()
	if !l.report.EndedAt.IsZero() {
		until = l.report.EndedAt
	}
	text := until.Sub(l.since).Truncate(time.Second).String()
	if l.expected > 0 {
		text += " of about " + l.expected.String()
	}
	return text
}

func (l *live) node(i int) string {
	if i >= len(l.shown) {
		return ""
	}
	node := l.shown[i]
	until := time.Now()
	if at, ended := l.ended[node.InstanceID]; ended {
		until = at
	}
	text := printable(stateText(node))
	if last := lastLine(node); last != "" {
		text += " │ " + last
	}
	return fmt.Sprintf("  %s %s %s %4s  %s", l.state(node.State, mark(node.State)), pad(node.InstanceID, 22), pad(node.HostName, 14),
		max(until.Sub(l.since), 0).Truncate(time.Second), text)
}

// lastLine is the last line that a node wrote which did not succeed.
func lastLine(node workflows.NodeResult) string {
	if node.State == activities.Succeeded {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(node.Output), "\n")
	return oneLine(lines[len(lines)-1])
}

// worthWatching are the nodes to show where no more than most fit: all, or those that went
// wrong, the last to end first, and then some of those that run on once half have ended.
func worthWatching(report runs.Report, most int) []workflows.NodeResult {
	if max(report.NodeCount, len(report.Nodes)) <= most {
		return report.Nodes
	}
	var wrong, slow []workflows.NodeResult
	for _, node := range report.Nodes {
		switch node.State {
		case activities.Nonzero, activities.Failed, activities.Stopped, activities.TimedOut, activities.Lost, activities.Unknown:
			wrong = append(wrong, node)
		case activities.Running:
			slow = append(slow, node)
		case activities.Pending, activities.Finished, activities.Succeeded, activities.Skipped:
		}
	}
	shown := wrong[max(len(wrong)-min(most, mostWatched), 0):]
	if 2*report.EndedNodes() < len(report.Nodes) {
		return shown
	}
	return append(shown, slow[:min(len(slow), max(min(most, mostWatched)-len(shown), 0))]...)
}

// mostWatched is how many nodes of a large run are shown at a time.
const mostWatched = 10

const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

func mark(state workflows.NodeState) string {
	switch state {
	case activities.Succeeded:
		return "✓"
	case activities.Finished:
		return "·"
	case activities.Pending, activities.Running, activities.Unknown:
		frames := []rune(spinner)
		return string(frames[time.Now().UnixMilli()/120%int64(len(frames))])
	case activities.Nonzero, activities.Failed, activities.Stopped, activities.TimedOut, activities.Lost, activities.Skipped:
	}
	return "✗"
}

func pad(text string, width int) string { return fmt.Sprintf("%-*s", width, printable(text)) }
