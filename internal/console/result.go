package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// WriteJSON writes a report for machines. However many the nodes and commands are, each
// is an object of its own.
func WriteJSON(out io.Writer, report runs.Report) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		runs.Report
		Nodes    []workflows.NodeResult `json:"nodes"`
		Commands []workflows.Command    `json:"commands,omitempty"`
	}{report, report.Nodes, report.Commands})
}

// WriteResult writes a report for people: a table of the nodes, the output in it
// while each is one line and fits the terminal, below it otherwise, and the verdict.
func WriteResult(out io.Writer, report runs.Report) error {
	width, _ := screenSize(out)
	return writeResult(out, report, width)
}

func writeResult(out io.Writer, report runs.Report, width int) error {
	if report.Refused() { // the nodes were only meant
		_, err := io.WriteString(out, paint(false).headline(report)[1:]+"\n")
		return err
	}
	var b strings.Builder
	if report.Rollout != nil && len(report.Rollout.Waves) > 0 {
		b.WriteString(wavesTable(report.Rollout))
	}
	nodes := worthListing(report.Nodes)
	waves := report.Rollout != nil && len(report.Rollout.Waves) > 1
	inTable := oneLineEach(nodes)
	colours := paintFor(out)
	listed := colours.nodeTable(nodes, waves, inTable)
	if inTable && width > 0 && text.LongestLineLen(listed) > width {
		inTable = false
		listed = colours.nodeTable(nodes, waves, inTable)
	}
	if len(nodes) > 0 {
		b.WriteString(listed + "\n")
	}
	if !inTable {
		for _, node := range nodes {
			b.WriteString(outputOf(node))
		}
	}
	if left := len(report.Nodes) - len(nodes); left > 0 {
		fmt.Fprintf(&b, "\n%s not listed; --json has them all\n", workflows.Nodes(left))
	}
	if report.Rollout != nil {
		b.WriteString(ordersTable(report.Rollout.Orders))
	}
	b.WriteString(colours.headline(report) + "\n")
	if origin := report.Origin(); origin != "" {
		b.WriteString(printable(origin) + "\n")
	}
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

func (p paint) nodeTable(nodes []workflows.NodeResult, waves, withOutput bool) string {
	t := newTable([]string{"node", "host", "wave", "state", "exit", "attempts", "remark", "output"})
	for _, node := range nodes {
		exit, output, wave := "", "", ""
		if node.ExitCode != nil {
			exit = fmt.Sprint(*node.ExitCode)
		}
		if waves && node.Wave > 0 {
			wave = fmt.Sprint(node.Wave)
		}
		if withOutput {
			output = printable(strings.TrimRight(node.Output, "\n"))
		}
		t.AppendRow(table.Row{node.InstanceID, printable(node.HostName), wave, p.state(node.State, string(node.State)), exit, attemptsText(node), printable(node.Remark()), output})
	}
	return t.Render()
}

// mostListed is how many nodes are listed all. Of more, those are that did not
// succeed, and first those that were started.
const mostListed = 100

func worthListing(nodes []workflows.NodeResult) []workflows.NodeResult {
	if len(nodes) <= mostListed {
		return nodes
	}
	var listed []workflows.NodeResult
	for _, started := range []bool{true, false} {
		for _, node := range nodes {
			waits := node.State == activities.Skipped || node.State == activities.Pending
			if node.State != activities.Succeeded && waits != started && len(listed) < mostListed {
				listed = append(listed, node)
			}
		}
	}
	return listed
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
	if node.OutputCut {
		cut = fmt.Sprintf(", cut from %d bytes", node.OutputBytes)
	}
	if node.OutputCut && node.OutputURI != "" {
		cut += "; all of it: " + printable(node.OutputURI)
	}
	return fmt.Sprintf("\n==> %s%s\n%s\n", node.InstanceID, cut, printable(strings.TrimRight(node.Output, "\n")))
}

// headline is the last line of a result: what became of the run.
func (p paint) headline(report runs.Report) string {
	switch {
	case report.State == runs.Running:
		text := fmt.Sprintf("\nrun %s goes on: %s", report.RunID, phaseText(report))
		if rollout := report.Rollout; rollout != nil && rollout.Halt != nil {
			text += "\nbecause: " + printable(rollout.Halt.Text)
		}
		if report.Trouble != "" {
			text += "\nwaiting: " + printable(report.Trouble)
		}
		return text
	case report.State == runs.Canceled && report.Error != nil: // which says it
		return fmt.Sprintf("\nrun %s: %s", report.RunID, printable(report.Error.Message))
	case report.Refused():
		return fmt.Sprintf("\nrun %s is refused: %s", report.RunID, printable(report.Error.Message))
	case report.Error != nil:
		return fmt.Sprintf("\nrun %s %s: %s%s", report.RunID, report.State, printable(report.Error.Message), hint(report))
	}
	why := append([]string{workflows.CountsText(report.Counts())}, reasons(report)...)
	return fmt.Sprintf("\nrun %s: %s (%s)", report.RunID, p.verdict(report.Verdict), printable(strings.Join(why, "; ")))
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
