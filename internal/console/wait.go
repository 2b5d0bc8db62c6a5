package console

import (
	"fmt"
	"io"
	"time"

	"ehpcflow/internal/runs"
)

// inUTC reads "2026-11-26 16:39:01 UTC".
func inUTC(at time.Time) string { return at.UTC().Format(time.DateTime) + " UTC" }

// WriteWaitJSON writes a report for machines.
func WriteWaitJSON(out io.Writer, report runs.WaitReport) error { return writeAnyJSON(out, report) }

// WriteWait writes a report for people: until when it waits, and how it stands.
func WriteWait(out io.Writer, report runs.WaitReport) error {
	until := inUTC(report.Until)
	text := ""
	switch {
	case report.State == runs.Running && report.Trouble != "":
		text = fmt.Sprintf("run %s goes on: waits until %s\nwaiting: %s", report.RunID, until, printable(report.Trouble))
	case report.State == runs.Running:
		text = fmt.Sprintf("run %s goes on: waits until %s", report.RunID, until)
	case report.Error != nil:
		text = fmt.Sprintf("run %s %s: %s; it was to wait until %s", report.RunID, report.State, printable(report.Error.Message), until)
	default:
		text = fmt.Sprintf("run %s: %s (waited until %s)", report.RunID, paintFor(out).verdict(report.Verdict), until)
	}
	_, err := fmt.Fprintln(out, text)
	return err
}
