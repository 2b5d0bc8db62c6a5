package console

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"

	"ehpcflow/internal/forecast"
	"ehpcflow/internal/runs"
	"ehpcflow/pipeline"
)

// WritePipelinePlanJSON writes a plan for machines.
func WritePipelinePlanJSON(out io.Writer, plan forecast.Plan) error { return writeAnyJSON(out, plan) }

// WritePipelinePlan writes a plan for people: a table of the steps in the order in which
// they may begin, what they come to, and what only the run can tell.
func WritePipelinePlan(out io.Writer, plan forecast.Plan) error {
	var b strings.Builder
	width, _ := screenSize(out)
	b.WriteString(planTable(plan, width) + "\n\n")
	add := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name, printable(text))
		}
	}
	var inputs, clusters []string
	for _, input := range plan.Inputs {
		inputs = append(inputs, fmt.Sprintf("%s=%v", input.Name, beginning(oneLine(runs.ValueText(input.Value)))))
	}
	for _, cluster := range plan.Clusters {
		clusters = append(clusters, cluster.Name+" is "+cluster.ID)
	}
	add("inputs", strings.Join(inputs, ", "))
	add("clusters", strings.Join(clusters, ", "))
	add("at once", fmt.Sprintf("%d steps, and of commands %d", plan.Concurrency, min(plan.Concurrency, pipeline.MaxCommands)))
	add("requests", requestsText(plan.Requests))
	add("looks", looksText(plan.Requests))
	for i, text := range plan.Open {
		name := ""
		if i == 0 {
			name = "open"
		}
		fmt.Fprintf(&b, "%-9s %s\n", name, printable(text))
	}
	fmt.Fprintf(&b, "\npipeline %s: %s; nothing was started, and the clusters were not asked\n", plan.Pipeline, counted(len(plan.Steps), "step"))
	_, err := io.WriteString(out, b.String())
	return err
}

// planTable is the table of the steps, for a terminal of a width in characters; 0 is none.
func planTable(plan forecast.Plan, width int) string {
	t := newTable([]string{"layer", "step", "kind", "cluster", "does", "items", "if"})
	for _, step := range plan.Steps {
		layer := fmt.Sprint(step.Layer)
		if step.Finally {
			layer = "last"
		}
		t.AppendRow(cells(printables(layer, step.Name, string(step.Kind), strings.Join(step.Clusters, ", "), step.Does+limitsOf(step), plannedItems(step), plannedIf(step))))
	}
	fitTable(t, width, plan)
	return t.Render()
}

// Columns of a plan that are cut where the terminal is too narrow, and how little is left
// of each, in characters.
const (
	doesColumn, ifColumn = 5, 7
	leastColumn          = 12
)

// fitTable cuts what steps do, and their conditions, to the width of a terminal. A width of
// 0, of what is no terminal, cuts nothing.
func fitTable(t table.Writer, width int, plan forecast.Plan) {
	does, when := len("does"), len("if")
	for _, step := range plan.Steps {
		does = max(does, utf8.RuneCountInString(step.Does+limitsOf(step)))
		when = max(when, utf8.RuneCountInString(plannedIf(step)))
	}
	widest := 0
	for line := range strings.Lines(t.Render()) {
		widest = max(widest, utf8.RuneCountInString(strings.TrimRight(line, "\n")))
	}
	over := widest - width
	if width == 0 || over <= 0 {
		return
	}
	room := max(does+when-over, 2*leastColumn)
	whenRoom := min(when, max(room/3, leastColumn))
	doesRoom := max(room-whenRoom, leastColumn)
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: doesColumn, WidthMax: doesRoom, WidthMaxEnforcer: shortenedTo},
		{Number: ifColumn, WidthMax: whenRoom, WidthMaxEnforcer: shortenedTo},
	})
}

// shortenedTo cuts a text to so many characters.
func shortenedTo(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func limitsOf(step forecast.PlannedStep) string {
	text := ""
	if step.Attempts > 1 {
		text += fmt.Sprintf(", %d attempts", step.Attempts)
	}
	if step.TimeoutSeconds > 0 {
		text += fmt.Sprintf(", within %s", shortLength(time.Duration(step.TimeoutSeconds)*time.Second))
	}
	return text
}

// shortLength is 2h rather than 2h0m0s.
func shortLength(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func plannedItems(step forecast.PlannedStep) string {
	switch {
	case !step.Foreach:
		return ""
	case step.Items == nil:
		return "?"
	}
	return fmt.Sprint(*step.Items)
}

func plannedIf(step forecast.PlannedStep) string {
	switch {
	case step.Skipped && step.When != "":
		return "never: " + beginning(step.When) + " is false"
	case step.Skipped:
		return "never: its list is empty"
	case step.OnFailureOf != "" && step.When != "":
		return step.OnFailureOf + " failed, and " + beginning(step.When)
	case step.OnFailureOf != "":
		return step.OnFailureOf + " failed"
	}
	return beginning(step.When)
}

func requestsText(r forecast.Requests) string {
	var parts []string
	for _, of := range []struct {
		name string
		n    forecast.Range
	}{{"InvokeShellCommand", r.Commands}, {"SubmitJob", r.Jobs}, {"ListNodes", r.Listings}} {
		if of.n.Most > 0 || of.n.Open {
			parts = append(parts, fmt.Sprintf("%s %s", of.n, of.name))
		}
	}
	return strings.Join(parts, ", ")
}

// looksText says what is asked while commands and jobs run.
func looksText(r forecast.Requests) string {
	var parts []string
	if r.Commands.Most > 0 || r.Commands.Open {
		parts = append(parts, "each command after a fortieth of its time, between 1s and 1m")
	}
	if r.Jobs.Most > 0 || r.Jobs.Open {
		parts = append(parts, "one look at all jobs of a cluster, as often")
	}
	return strings.Join(parts, "; ")
}
