package pipeline

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Graph is a pipeline as a drawing has it: its steps, and what leads from one to another.
type Graph struct {
	Name  string
	Nodes []Node // in the order of the file: steps, each with those of its onFailure behind it, then finally
	Edges []Edge
}

// Node is a step.
type Node struct {
	Step    string
	Kind    Kind
	Foreach bool
	Finally bool
	Of      string // the step whose onFailure has it, or ""
	Gist    string // what it does, in a line
	Layer   int    // from 0: behind everything that it waits for
}

// Edge leads from a step to one that waits for it. From is "" where one of finally waits
// for all of the steps.
type Edge struct {
	From, To  string
	OnFailure bool // whether it is gone only when From failed
}

// Graph of the pipeline. Needs that lead to no step, or in a circle, lead nowhere.
func (p Pipeline) Graph() Graph {
	g := Graph{Name: p.Name}
	add := func(step Step, of string, finally bool) {
		g.Nodes = append(g.Nodes, Node{
			Step: step.Name, Kind: step.Kind, Foreach: step.Foreach != nil, Finally: finally, Of: of, Gist: step.gist(),
		})
	}
	for _, step := range p.Steps {
		add(step, "", false)
		for _, run := range step.OnFailure.Run {
			add(run, step.Name, false)
		}
	}
	for _, step := range p.Finally {
		add(step, "", true)
	}
	places := p.places()
	for _, node := range g.Nodes {
		needs := places[node.Step].step.Needs
		for _, need := range needs {
			if _, known := places[need]; known {
				g.Edges = append(g.Edges, Edge{From: need, To: node.Step})
			}
		}
		switch {
		case node.Of != "" && len(needs) == 0:
			g.Edges = append(g.Edges, Edge{From: node.Of, To: node.Step, OnFailure: true})
		case node.Finally && len(needs) == 0:
			g.Edges = append(g.Edges, Edge{To: node.Step})
		}
	}
	g.layer()
	return g
}

// layer finds the layers of the nodes. Those of finally are behind all others.
func (g Graph) layer() {
	before := make(map[string][]string, len(g.Nodes))
	for _, edge := range g.Edges {
		before[edge.To] = append(before[edge.To], edge.From)
	}
	layers := make(map[string]int, len(g.Nodes))
	var layer func(step string) int
	layer = func(step string) int {
		if known, is := layers[step]; is {
			return known
		}
		layers[step] = 0 // where needs lead in a circle
		deepest := 0
		for _, each := range before[step] {
			if each != "" {
				deepest = max(deepest, 1+layer(each))
			}
		}
		layers[step] = deepest
		return deepest
	}
	last := -1
	for i, node := range g.Nodes {
		g.Nodes[i].Layer = layer(node.Step)
		if !node.Finally {
			last = max(last, g.Nodes[i].Layer)
		}
	}
	for i, node := range g.Nodes {
		if node.Finally {
			g.Nodes[i].Layer += 1 + last
		}
	}
}

// Ends are the steps that none of steps and their onFailure waits for.
func (g Graph) Ends() []string {
	waitedFor := make(map[string]bool, len(g.Edges))
	for _, edge := range g.Edges {
		waitedFor[edge.From] = true
	}
	var ends []string
	for _, node := range g.Nodes {
		if !node.Finally && !waitedFor[node.Step] {
			ends = append(ends, node.Step)
		}
	}
	return ends
}

// gistOf are the words of a body that say best what a step does.
var gistOf = map[Kind][]string{
	RunsCommand: {"run"}, RunsJob: {"run"}, Approves: {"message"}, Waits: {"for", "until"}, SubPipeline: {"file"},
}

// gist is what a step does, in a line.
func (s Step) gist() string {
	for _, key := range gistOf[s.Kind] {
		if value, is := s.With[key]; is {
			return line(fmt.Sprint(value))
		}
	}
	return ""
}

// line is the first line of a text, printable and not long.
func line(text string) string {
	const most = 80
	text, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most]) + "…"
	}
	if rest != "" {
		return text + " …"
	}
	return text
}
