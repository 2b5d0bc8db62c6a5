package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// WriteJSON writes a report for machines.
func WriteJSON(out io.Writer, report runs.Report) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}

// WriteResult writes a report for people: a table of the nodes, the output in it
// while each is one line and fits the terminal, below it otherwise, and the verdict.
func WriteResult(out io.Writer, report runs.Report) error {
	width, _ := screenSize(out)
	return writeResult(out, report, width)
}

func writeResult(out io.Writer, report runs.Report, width int) error {
	var b strings.Builder
	inTable := oneLineEach(report.Nodes)
	nodes := nodeTable(report.Nodes, inTable)
	if inTable && width > 0 && text.LongestLineLen(nodes) > width {
		inTable = false
		nodes = nodeTable(report.Nodes, inTable)
	}
	if len(report.Nodes) > 0 {
		b.WriteString(nodes + "\n")
	}
	if !inTable {
		for _, node := range report.Nodes {
			b.WriteString(outputOf(node))
		}
	}
	b.WriteString(headline(report) + "\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// WriteTable writes rows of text under a header, without the columns that are
// empty throughout.
func WriteTable(out io.Writer, header []string, rows [][]string) error {
	t := newTable(header)
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	_, err := fmt.Fprintln(out, t.Render())
	return err
}

func newTable(header []string) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	t.Style().Options.SeparateHeader = false
	t.SuppressTrailingSpaces()
	t.SuppressEmptyColumns()
	t.AppendHeader(cells(header))
	return t
}

func cells(texts []string) table.Row {
	row := make(table.Row, len(texts))
	for i, text := range texts {
		row[i] = text
	}
	return row
}

func nodeTable(nodes []workflows.NodeResult, withOutput bool) string {
	t := newTable([]string{"node", "host", "state", "exit", "remark", "output"})
	for _, node := range nodes {
		exit, output := "", ""
		if node.ExitCode != nil {
			exit = fmt.Sprint(*node.ExitCode)
		}
		if withOutput {
			output = printable(strings.TrimRight(node.Output, "\n"))
		}
		t.AppendRow(table.Row{node.InstanceID, printable(node.HostName), string(node.State), exit, printable(node.Remark()), output})
	}
	return t.Render()
}

func oneLineEach(nodes []workflows.NodeResult) bool {
	for _, node := range nodes {
		text := strings.TrimRight(node.Output, "\n")
		if strings.Contains(text, "\n") || len(text) > 100 {
			return false
		}
	}
	return true
}

func outputOf(node workflows.NodeResult) string {
	if node.Output == "" {
		return ""
	}
	cut := ""
	if node.OutputBytes > len(node.Output) {
		cut = fmt.Sprintf(", cut from %d bytes", node.OutputBytes)
	}
	return fmt.Sprintf("\n==> %s%s\n%s\n", node.InstanceID, cut, printable(strings.TrimRight(node.Output, "\n")))
}

// headline is the last line of a result: what became of the run.
func headline(report runs.Report) string {
	switch {
	case report.State == runs.Running:
		text := fmt.Sprintf("\nrun %s goes on: %s", report.RunID, phaseText(report))
		if report.Trouble != "" {
			text += "\nwaiting: " + printable(report.Trouble)
		}
		return text
	case report.Error != nil:
		return fmt.Sprintf("\nrun %s %s: %s%s", report.RunID, report.State, printable(report.Error.Message), hint(report))
	case report.Reason != "":
		return fmt.Sprintf("\nrun %s: %s (%s; %s)", report.RunID, report.Verdict, report.CountsText(), printable(report.Reason))
	}
	return fmt.Sprintf("\nrun %s: %s (%s)", report.RunID, report.Verdict, report.CountsText())
}

// hint is for a node of another name than instance ids have, where the service
// says no more than that a parameter is invalid. Nodes outside ECS may be named so.
func hint(report runs.Report) string {
	if report.Error.Code != "InvalidParams" {
		return ""
	}
	for _, node := range report.Nodes {
		if !strings.HasPrefix(node.InstanceID, "i-") {
			return fmt.Sprintf("\nhint: %s does not look like an instance id, such as i-bp1aaaa; nodes are not known by their host names",
				printable(node.InstanceID))
		}
	}
	return ""
}

// printable keeps what nodes and services say from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, text)
}
