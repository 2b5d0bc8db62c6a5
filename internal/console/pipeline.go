package console

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// PipelineProgress shows how a run of a pipeline comes along.
type PipelineProgress interface {
	Show(report runs.PipelineReport)
	// Close leaves the screen in order. It may be called twice.
	Close()
}

// NewPipelineProgress draws live on a terminal, and writes a line for each change of a
// step elsewhere.
func NewPipelineProgress(out io.Writer) PipelineProgress {
	if _, height := screenSize(out); height > 0 && !isDumb() {
		return newLivePipeline(out, height)
	}
	return &stepLines{out: out, known: make(map[string]string)}
}

// stepLines writes what changed since the report before.
type stepLines struct {
	out   io.Writer
	known map[string]string
}

func (p *stepLines) Show(report runs.PipelineReport) {
	p.note("", report.Trouble, "waiting: ")
	for _, step := range report.All() {
		if step.State != workflows.StepWaiting {
			p.note(step.Name, stepLine(report, step), step.Name+" ")
		}
		p.note(step.Name+" waits", waitsFor(report, step), step.Name+" waits: ")
	}
}

func (*stepLines) Close() {}

// stepLine reads "succeeded: 4 succeeded".
func stepLine(report runs.PipelineReport, step workflows.StepResult) string {
	if text := stepText(report, step); text != "" {
		return string(step.State) + ": " + text
	}
	return string(step.State)
}

// waitsFor is what a step waits for that a person has to know of.
func waitsFor(report runs.PipelineReport, step workflows.StepResult) string {
	switch {
	case step.State != workflows.StepRunning:
		return ""
	case report.Troubles[step.Name] != "":
		return report.Troubles[step.Name]
	case report.Own[step.Name].Approval != nil:
		return runs.ApprovalAsked(step.RunID, *report.Own[step.Name].Approval)
	}
	return ""
}

func (p *stepLines) note(key, text, before string) {
	if p.known[key] == text {
		return
	}
	p.known[key] = text
	if text != "" {
		fmt.Fprintf(p.out, "%s %s\n", time.Now().Format(time.TimeOnly), printable(before+text))
	}
}

// WritePipelineJSON writes a report for machines.
func WritePipelineJSON(out io.Writer, report runs.PipelineReport) error {
	return writeAnyJSON(out, report)
}

func writeAnyJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// WritePipeline writes a report for people: a table of the steps, what the pipeline
// leaves, and the verdict.
func WritePipeline(out io.Writer, report runs.PipelineReport) error {
	colours := paintFor(out)
	var b strings.Builder
	if len(report.Steps) > 0 {
		t := newTable([]string{"step", "kind", "state", "took", "remark"})
		listed, below := worthShowing(report, mostListed), new(remarks)
		for _, row := range listed {
			text := stepText(report, row.StepResult)
			if utf8.RuneCountInString(text) > mostInTable && row.State != workflows.StepSkipped {
				text = shortText(report, row.StepResult)
				below.add(row.StepResult)
			}
			t.AppendRow(cells([]string{row.name(), string(row.Kind), colours.stepState(row.State), took(row.StepResult), text}))
		}
		b.WriteString(t.Render() + "\n" + below.text())
		if left := len(report.All()) - len(listed); left > 0 {
			fmt.Fprintf(&b, "\n%d steps not listed; --json has them all\n", left)
		}
		fmt.Fprintf(&b, "\nmore of a step: starter status %s\n", workflows.StepRunID(report.RunID, "STEP"))
	}
	b.WriteString(outputsText(report.Outputs))
	if report.State == runs.Running {
		for _, step := range report.All() {
			if text := waitsFor(report, step); text != "" {
				fmt.Fprintf(&b, "\n%s waits: %s\n", step.Name, printable(text))
			}
		}
	}
	b.WriteString(colours.pipelineHeadline(report) + "\n")
	if report.Lineage != nil {
		b.WriteString(printable(report.Lineage.String()) + "\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// mostInTable is how long a remark in the table may be, in characters. A longer one stands
// below.
const mostInTable = 70

// remarks are why steps did not succeed, each once.
type remarks struct {
	texts []string
	of    map[string][]string // the steps
}

func (r *remarks) add(step workflows.StepResult) {
	text := fmt.Sprintf("%s: %s", step.State, printable(stepRemark(step)))
	if r.of == nil {
		r.of = make(map[string][]string)
	}
	if len(r.of[text]) == 0 {
		r.texts = append(r.texts, text)
	}
	r.of[text] = append(r.of[text], step.Name)
}

func (r *remarks) text() string {
	var b strings.Builder
	for _, text := range r.texts {
		fmt.Fprintf(&b, "\n%s %s\n", someOf(r.of[text]), text)
	}
	return b.String()
}

// someOf reads "stage, mesh, solve and 4 more".
func someOf(names []string) string {
	const few = 5
	text := strings.Join(names[:min(few, len(names))], ", ")
	if more := len(names) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// outputsText lists what a pipeline leaves, in the order of the names.
func outputsText(outputs map[string]any) string {
	if len(outputs) == 0 {
		return ""
	}
	return "\n" + strings.Join(valueLines(outputs), "\n") + "\n"
}

// valueLines read "cells = 4000", in the order of the names.
func valueLines(values map[string]any) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		lines = append(lines, fmt.Sprintf("%s = %s", name, printable(beginning(oneLine(runs.ValueText(values[name]))))))
	}
	return lines
}

// mostOfItem is how much of an item's value is shown beside its number, in characters.
const mostOfItem = 30

// name is the step in its place in the tree, and what makes it run where that is not its
// needs alone; of an item its number and its value.
func (b branch) name() string {
	text := b.Stem + b.Name
	switch {
	case b.Item != nil:
		text += ": " + shortenedTo(oneLine(runs.ValueText(b.Item)), mostOfItem)
	case b.Last:
		text += " (finally)"
	case b.OnFailureOf != "":
		text += " (on failure)"
	}
	return text
}

// worthShowing are the steps to show where no more than most fit: all, as a tree, or first
// those that run or did not succeed.
func worthShowing(report runs.PipelineReport, most int) []branch {
	rows := treeOf(report.Steps)
	for i := range rows {
		if report.Foreach {
			rows[i].Stem = ""
		}
	}
	for _, row := range treeOf(report.Finally) {
		row.Last = true
		rows = append(rows, row)
	}
	if len(rows) <= most {
		return rows
	}
	var shown []branch
	for _, states := range [][]workflows.StepState{
		{workflows.StepFailed}, {workflows.StepRunning}, {workflows.StepCanceled}, {workflows.StepWaiting, workflows.StepSkipped}, {workflows.StepSucceeded},
	} {
		for _, row := range rows {
			if len(shown) < most && (row.State == states[0] || row.State == states[len(states)-1]) {
				row.Stem = ""
				shown = append(shown, row)
			}
		}
	}
	return shown
}

func (p paint) stepState(state workflows.StepState) string {
	return p.in(stepColour(state), string(state))
}

func stepColour(state workflows.StepState) string {
	switch state {
	case workflows.StepSucceeded:
		return green
	case workflows.StepFailed:
		return red
	case workflows.StepCanceled:
		return yellow
	case workflows.StepSkipped, workflows.StepRunning, workflows.StepWaiting:
	}
	return ""
}
