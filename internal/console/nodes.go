package console

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"ehpcflow/internal/runs"
)

// WriteNodes writes a table of nodes for people, all of them. The cluster stands in it where
// there are several, and the step where the run is of a pipeline.
func WriteNodes(out io.Writer, nodes []runs.NodeOf) error {
	colours, several := paintFor(out), ofSeveralClusters(nodes)
	t := newTable([]string{"step", "cluster", "node", "host", "wave", "state", "exit", "attempts", "output", "remark", "last line"})
	for _, node := range nodes {
		cluster, exit, wave, size := "", "", "", ""
		if several {
			cluster = node.ClusterID
		}
		if node.ExitCode != nil {
			exit = fmt.Sprint(*node.ExitCode)
		}
		if node.Wave > 0 {
			wave = fmt.Sprint(node.Wave)
		}
		if node.OutputBytes > 0 {
			size = fmt.Sprintf("%d B", node.OutputBytes)
		}
		lines := strings.Split(strings.TrimSpace(node.Output), "\n")
		t.AppendRow(cells([]string{
			printable(stepOf(node)), cluster, node.InstanceID, printable(node.HostName), wave, colours.state(node.State, string(node.State)), exit, attemptsText(node.NodeResult), size,
			printable(node.Remark()), beginning(oneLine(lines[len(lines)-1])),
		}))
	}
	_, err := fmt.Fprintln(out, t.Render())
	return err
}

// ofSeveralClusters says whether nodes are to be told apart by their clusters.
func ofSeveralClusters(nodes []runs.NodeOf) bool {
	return slices.ContainsFunc(nodes, func(node runs.NodeOf) bool { return node.ClusterID != nodes[0].ClusterID })
}

// stepOf is the step that a node's run is of, and its item; "" of one that is no step.
func stepOf(node runs.NodeOf) string {
	_, step, _ := strings.Cut(node.RunID, "/")
	if step == node.ClusterID {
		return ""
	}
	return strings.TrimSuffix(step, "/"+node.ClusterID)
}

func beginning(text string) string {
	return shortenedTo(text, 60)
}

// WriteOutputs writes what each node wrote, as far as the run keeps it, under a header that
// names the node as WriteNodes does.
func WriteOutputs(out io.Writer, nodes []runs.NodeOf) error {
	var b strings.Builder
	several := ofSeveralClusters(nodes)
	for i, node := range nodes {
		if i > 0 {
			b.WriteString("\n")
		}
		name := []string{stepOf(node), "", node.InstanceID, node.HostName}
		if several {
			name[1] = node.ClusterID
		}
		fmt.Fprintf(&b, "==> %s: %s", strings.Join(strings.Fields(strings.Join(name, " ")), " "), stateText(node.NodeResult))
		switch {
		case node.OutputCut && node.OutputURI != "":
			fmt.Fprintf(&b, ", cut from %d bytes; all of it: %s", node.OutputBytes, node.OutputURI)
		case node.OutputCut:
			fmt.Fprintf(&b, ", cut from %d bytes", node.OutputBytes)
		case node.Output == "" && node.State.Ended():
			b.WriteString(", no output")
		}
		b.WriteString("\n")
		if text := strings.TrimRight(node.Output, "\n"); text != "" {
			b.WriteString(strings.ReplaceAll("\n"+text, "\n==> ", "\n ==> ")[1:] + "\n") // no output passes for a header
		}
	}
	_, err := io.WriteString(out, printable(b.String()))
	return err
}

// WriteNodesJSON writes nodes for machines, each as an object.
func WriteNodesJSON(out io.Writer, nodes []runs.NodeOf) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(append([]runs.NodeOf{}, nodes...))
}

// NodesHeader are the columns of WriteNodesCSV.
var NodesHeader = []string{
	"run", "cluster", "node", "host", "wave", "state", "exit_code", "attempts", "finished_at", "remark",
	"output_bytes", "output_cut", "output_uri", "output",
}

// WriteNodesCSV writes nodes for spreadsheets, as RFC 4180 says. Text that a node or a
// service wrote, and that a spreadsheet would take for a formula, has an apostrophe before
// it: WriteNodesJSON writes it as it is.
func WriteNodesCSV(out io.Writer, nodes []runs.NodeOf) error {
	w := csv.NewWriter(out)
	rows := [][]string{NodesHeader}
	for _, node := range nodes {
		exit, wave, finished := "", "", ""
		if node.ExitCode != nil {
			exit = strconv.Itoa(*node.ExitCode)
		}
		if node.Wave > 0 {
			wave = strconv.Itoa(node.Wave)
		}
		if !node.FinishedAt.IsZero() {
			finished = node.FinishedAt.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{
			noFormula(node.RunID), noFormula(node.ClusterID), noFormula(node.InstanceID), noFormula(node.HostName), wave, string(node.State), exit,
			strconv.Itoa(tries(node.NodeResult)), finished, noFormula(node.Remark()),
			strconv.Itoa(node.OutputBytes), strconv.FormatBool(node.OutputCut), noFormula(node.OutputURI), noFormula(node.Output),
		})
	}
	return w.WriteAll(rows)
}

// noFormula keeps a spreadsheet from running what a node wrote.
func noFormula(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
