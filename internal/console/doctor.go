package console

import (
	"fmt"
	"io"
	"strings"

	"ehpcflow/activities/checks"
	"ehpcflow/internal/doctor"
)

// marks are the signs of the states.
var marks = map[checks.State]string{checks.Passed: "✓", checks.Warned: "!", checks.Failed: "✗", checks.Skipped: "–"}

// nameWidth is that of the longest name of a check.
const nameWidth = len("permission ListInvocationResults")

// WriteExamination writes a line for each check, with the remedy below it where it
// failed or warns, and what it comes to.
func WriteExamination(out io.Writer, report doctor.Examination) error {
	var b strings.Builder
	var failed []string
	for _, check := range report.Checks {
		fmt.Fprintf(&b, "%s %-*s  %s\n", marks[check.State], nameWidth, printable(check.Name), inALine(check.Finding))
		if check.Remedy != "" {
			fmt.Fprintf(&b, "  %*s→ %s\n", nameWidth+2, "", inALine(check.Remedy))
		}
		if check.State == checks.Failed {
			failed = append(failed, check.Name)
		}
	}
	warnings := ""
	if report.Warnings > 0 {
		warnings = fmt.Sprintf("; %d to be mended at leisure", report.Warnings)
	}
	if len(failed) == 0 {
		fmt.Fprintf(&b, "\nnothing failed%s\n", warnings)
	} else {
		fmt.Fprintf(&b, "\nfailed: %s%s\n", printable(strings.Join(failed, ", ")), warnings)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// WriteExaminationJSON writes it for machines.
func WriteExaminationJSON(out io.Writer, report doctor.Examination) error { return encode(out, report) }

func inALine(text string) string { return printable(strings.Join(strings.Fields(text), " ")) }
