package pipeline

import (
	"fmt"
	"strconv"
	"strings"
)

// Paint is how a step in a state is drawn: on light ground and on dark, as CSS colours.
type Paint struct {
	State, Fill, Line, Text string
	Dashed                  bool
}

// Paints are those of the states of steps.
var Paints = []Paint{
	{"waiting", "#eceff1", "#78909c", "#263238", false},
	{"running", "#bbdefb", "#1976d2", "#0d2b4e", false},
	{"succeeded", "#c8e6c9", "#2e7d32", "#12331a", false},
	{"failed", "#ffcdd2", "#c62828", "#4a0d0d", false},
	{"skipped", "#f5f5f5", "#9e9e9e", "#616161", true},
	{"canceled", "#ffe0b2", "#ef6c00", "#4a2600", true},
}

// mostEdges is how many edges Mermaid draws.
const mostEdges = 500

// mermaidShapes are the brackets around the label of a step.
var mermaidShapes = map[Kind][2]string{
	RunsCommand: {"[", "]"}, RunsJob: {"(", ")"}, Approves: {"{{", "}}"}, Waits: {"([", "])"}, SubPipeline: {"[[", "]]"},
}

// Mermaid is the graph in the words of Mermaid, each step in the colours of its state; a
// state of "" has none. A graph that would take more than the bytes given, or more than
// Mermaid draws, is summed up by its layers.
func (g Graph) Mermaid(state func(step string) string, most int) string {
	if len(g.Edges) <= mostEdges {
		if text := g.mermaid(state); len(text) <= most {
			return text
		}
	}
	return g.mermaidLayers(state)
}

func (g Graph) mermaid(state func(string) string) string {
	var text strings.Builder
	text.WriteString("flowchart LR\n")
	ids := make(map[string]string, len(g.Nodes))
	finally := false
	for i, node := range g.Nodes {
		ids[node.Step] = fmt.Sprintf("n%d", i)
		if node.Finally && !finally {
			finally = true
			text.WriteString("  ended((\" \"))\n  subgraph last[\"finally\"]\n")
		}
		shape := mermaidShapes[node.Kind]
		class := ""
		if of := state(node.Step); of != "" {
			class = ":::" + of
		}
		text.WriteString("  " + ids[node.Step] + shape[0] + "\"" + mermaidText(node.label()) + "\"" + shape[1] + class + "\n")
	}
	if finally {
		text.WriteString("  end\n")
		for _, end := range g.Ends() {
			text.WriteString("  " + ids[end] + " --- ended\n")
		}
	}
	for _, edge := range g.Edges {
		switch {
		case edge.From == "":
			text.WriteString("  ended --> " + ids[edge.To] + "\n")
		case edge.OnFailure:
			text.WriteString("  " + ids[edge.From] + " -. failed .-> " + ids[edge.To] + "\n")
		default:
			text.WriteString("  " + ids[edge.From] + " --> " + ids[edge.To] + "\n")
		}
	}
	text.WriteString(classes())
	return text.String()
}

// label of a step: its name, and that it runs over a list.
func (n Node) label() string {
	if n.Foreach {
		return n.Step + " × n"
	}
	return n.Step
}

func classes() string {
	var text strings.Builder
	for _, paint := range Paints {
		dashes := ""
		if paint.Dashed {
			dashes = ",stroke-dasharray:4 3"
		}
		text.WriteString("  classDef " + paint.State + " fill:" + paint.Fill + ",stroke:" + paint.Line + ",color:" + paint.Text + dashes + "\n")
	}
	return text.String()
}

// mermaidText is a text that Mermaid reads as nothing but a text.
func mermaidText(text string) string {
	var safe strings.Builder
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == ' ', r == '×', r == ',', r == ':':
			safe.WriteRune(r)
		default:
			safe.WriteString("#" + strconv.Itoa(int(r)) + ";")
		}
	}
	return safe.String()
}

// mostLayers is how many nodes a summary has. Where there are more layers, neighbours are
// drawn as one.
const mostLayers = 40

// mermaidLayers has a node for each layer, with how many steps of it are in each state.
func (g Graph) mermaidLayers(state func(string) string) string {
	deepest := 0
	for _, node := range g.Nodes {
		deepest = max(deepest, node.Layer)
	}
	width := 1 + deepest/mostLayers
	counts := make([]map[string]int, 1+deepest/width)
	for _, node := range g.Nodes {
		at := node.Layer / width
		if counts[at] == nil {
			counts[at] = make(map[string]int)
		}
		counts[at][state(node.Step)]++
	}
	var text strings.Builder
	text.WriteString("flowchart LR\n")
	for i, count := range counts {
		label, class := layerLabel(count)
		id := fmt.Sprintf("  l%d", i)
		text.WriteString(id + "[\"" + mermaidText(label) + "\"]" + class + "\n")
		if i > 0 {
			text.WriteString(fmt.Sprintf("  l%d -->", i-1) + strings.TrimPrefix(id, " ") + "\n")
		}
	}
	text.WriteString(classes())
	return text.String()
}

// layerLabel says how many steps of a layer are in which state; where all are in one, the
// layer has its colours.
func layerLabel(count map[string]int) (label, class string) {
	total := 0
	var parts []string
	for _, key := range keys(count) {
		total += count[key]
	}
	for _, paint := range Paints {
		if n := count[paint.State]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, paint.State))
			if n == total {
				class = ":::" + paint.State
			}
		}
	}
	label = fmt.Sprintf("%d steps", total)
	if total == 1 {
		label = "1 step"
	}
	if len(parts) > 0 {
		label += ": " + strings.Join(parts, ", ")
	}
	return label, class
}
