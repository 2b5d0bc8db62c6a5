package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"ehpcflow/internal/runs"
	"ehpcflow/internal/schedules"
)

// moment is a time of a schedule, which may be of another time zone than the person.
const moment = "2006-01-02 15:04:05 MST"

// WriteSchedules writes a list of schedules for people.
func WriteSchedules(out io.Writer, entries []schedules.Entry) error {
	if len(entries) == 0 {
		_, err := io.WriteString(out, "no schedules\n")
		return err
	}
	rows := make([][]string, len(entries))
	for i, e := range entries {
		last := ""
		if n := len(e.Runs); n > 0 {
			last = e.Runs[n-1].Run
		}
		rows[i] = []string{e.Name, printable(e.When), scheduleState(e), next(e), last, shortNote(e.Note)}
	}
	return WriteTable(out, []string{"schedule", "when", "state", "next", "last run", "note"}, rows)
}

func scheduleState(e schedules.Entry) string {
	switch {
	case e.Paused:
		return "paused"
	case len(e.Next) == 0:
		return "over"
	}
	return "active"
}

func next(e schedules.Entry) string {
	if e.Paused || len(e.Next) == 0 {
		return ""
	}
	return e.Next[0].Local().Format(moment)
}

func shortNote(note string) string {
	const most = 60
	if runes := []rune(printable(strings.Join(strings.Fields(note), " "))); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return printable(strings.Join(strings.Fields(note), " "))
}

// scheduledStates are the words for what became of a run of a schedule, which completes
// when it succeeded only.
var scheduledStates = map[runs.State]string{
	runs.Completed: "succeeded", runs.Failed: "not succeeded", runs.Canceled: "cancelled", "": "no longer kept",
}

// WriteSchedule writes how a schedule stands for people.
func WriteSchedule(out io.Writer, s schedules.Schedule) error {
	var b strings.Builder
	if len(s.Runs) > 0 {
		var rows [][]string
		for _, run := range s.Runs {
			rows = append(rows, []string{run.Run, run.StartedAt.Local().Format(moment), cmp.Or(scheduledStates[run.State], string(run.State))})
		}
		if err := WriteTable(&b, []string{"last runs", "started", "state"}, rows); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-10s %s\n", name, printable(text))
		}
	}
	line("When", s.When)
	line("From", timeText(s.Start))
	line("Until", timeText(s.End))
	line("Run", s.Summary)
	for i, input := range valueLines(s.Inputs) {
		line([]string{"Inputs", ""}[min(i, 1)], input)
	}
	line("Overlap", s.Overlap)
	line("Catch-up", fmt.Sprint(time.Duration(s.CatchUpSeconds*float64(time.Second))))
	if s.JitterSeconds > 0 {
		line("Jitter", fmt.Sprint(time.Duration(s.JitterSeconds*float64(time.Second))))
	}
	if s.PauseOnFailure {
		line("On failure", "pause")
	}
	line("Started", fmt.Sprintf("%d; %d missed, %d skipped", s.Started, s.Missed, s.Skipped))
	line("Going on", strings.Join(s.Running, ", "))
	var coming []string
	for _, at := range s.Next[:min(3, len(s.Next))] {
		coming = append(coming, at.Local().Format(moment))
	}
	if !s.Paused {
		line("Next", strings.Join(coming, ", "))
	}
	line("Note", s.Note)
	fmt.Fprintf(&b, "\nschedule %s is %s\n", s.Name, scheduleState(s.Entry))
	if s.Trouble != "" {
		fmt.Fprintf(&b, "waiting: %s\n", printable(s.Trouble))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(moment)
}

// WriteScheduleJSON writes schedules, or one, for machines.
func WriteScheduleJSON(out io.Writer, schedules any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(schedules)
}
