package console

import (
	"fmt"
	"io"
	"strings"

	"ehpcflow/internal/runs"
)

// WriteApprovalJSON writes a report for machines.
func WriteApprovalJSON(out io.Writer, report runs.ApprovalReport) error {
	return writeAnyJSON(out, report)
}

// WriteApproval writes a report for people: who has said what, and how it stands.
func WriteApproval(out io.Writer, report runs.ApprovalReport) error {
	colours := paintFor(out)
	var b strings.Builder
	if report.Message != "" {
		b.WriteString(printable(report.Message) + "\n")
	}
	b.WriteString(ordersTable(report.Orders))
	switch {
	case report.State == runs.Running:
		fmt.Fprintf(&b, "\nrun %s goes on\nwaiting: %s\n", report.RunID, printable(report.Trouble))
	case report.Error != nil:
		fmt.Fprintf(&b, "\nrun %s %s: %s\n", report.RunID, report.State, printable(report.Error.Message))
	default:
		why := withReason(runs.DecidedBy(report.ApprovalResult, report.Needed), report.Reason)
		fmt.Fprintf(&b, "\nrun %s: %s (%s)\n", report.RunID, colours.verdict(report.Verdict), printable(why))
	}
	_, err := io.WriteString(out, strings.TrimPrefix(b.String(), "\n"))
	return err
}
