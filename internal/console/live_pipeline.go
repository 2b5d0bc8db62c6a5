package console

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// livePipeline draws a line for the run, a bar, and the steps as a tree, of many those
// that run or did not succeed.
type livePipeline struct {
	*board
	paint
	most   int
	report runs.PipelineReport
	shown  []branch
	wide   int // of the names
	lines  int
	waits  map[string]string // what was told of, by step
}

func newLivePipeline(out io.Writer, height int) *livePipeline {
	l := &livePipeline{board: newBoard(out), paint: paintFor(out), most: max(height-headLines-3, 1), waits: make(map[string]string)}
	l.addLine(l.head)
	l.addLine(l.bar)
	return l
}

func (l *livePipeline) Show(report runs.PipelineReport) {
	l.mu.Lock()
	l.report, l.shown, l.wide = report, worthShowing(report, l.most), 0
	for _, row := range l.shown {
		l.wide = max(l.wide, utf8.RuneCountInString(row.name()))
	}
	n := len(l.shown)
	l.mu.Unlock()
	l.tell("", report.Trouble, "waiting: ")
	for _, step := range report.All() {
		l.tell(step.Name, waitsFor(report, step), step.Name+" waits: ")
	}
	for ; l.lines < n; l.lines++ {
		at := l.lines
		l.addLine(func() string { return l.step(at) })
	}
}

// tell writes above the tree what a person has to know, whole: a line of the tree is cut
// where the screen ends.
func (l *livePipeline) tell(key, text, before string) {
	if l.waits[key] == text {
		return
	}
	l.waits[key] = text
	if text != "" {
		l.above(before + text)
	}
}

func (l *livePipeline) head() string {
	if l.report.Pipeline == "" {
		return l.report.RunID
	}
	return fmt.Sprintf("%s  pipeline %s", l.report.RunID, printable(l.report.Pipeline))
}

// bar reads "  ████░░░░  3 of 12 steps ended  1m20s".
func (l *livePipeline) bar() string {
	all := len(l.report.All())
	if all == 0 {
		return ""
	}
	states, ended := stepStates(l.report)
	const width = 30
	fill := func(n int) int { return n * width / all }
	bad := states[workflows.StepFailed] + states[workflows.StepCanceled]
	good := fill(ended) - fill(bad)
	return fmt.Sprintf("  %s%s%s  %s  %s", l.in(green, strings.Repeat("█", good)), l.in(red, strings.Repeat("▓", fill(bad))),
		strings.Repeat("░", width-good-fill(bad)), stepsEnded(l.report), l.clock())
}

func (l *livePipeline) clock() string {
	until := l.report.EndedAt
	if until.IsZero() {
		until = time.Now()
	}
	if l.report.StartedAt.IsZero() {
		return ""
	}
	return until.Sub(l.report.StartedAt).Truncate(time.Second).String()
}

func (l *livePipeline) step(i int) string {
	if i >= len(l.shown) {
		return ""
	}
	row := l.shown[i]
	text := stepText(l.report, row.StepResult)
	if row.State == workflows.StepWaiting && len(row.After) > 0 {
		text = "after " + strings.Join(row.After, ", ")
	}
	name := row.name()[len(row.Stem):]
	return fmt.Sprintf("  %s%s %s %-8s %6s  %s", row.Stem, l.stepMark(row.State),
		pad(name, max(l.wide-utf8.RuneCountInString(row.Stem), 0)), row.Kind, took(row.StepResult), text)
}

func (l *livePipeline) stepMark(state workflows.StepState) string {
	switch state {
	case workflows.StepRunning:
		return mark("running")
	case workflows.StepSucceeded:
		return l.in(green, "✓")
	case workflows.StepFailed:
		return l.in(red, "✗")
	case workflows.StepCanceled:
		return l.in(yellow, "✗")
	case workflows.StepSkipped:
		return "-"
	case workflows.StepWaiting:
	}
	return "·"
}
