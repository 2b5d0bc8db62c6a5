package pipeline

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page is docs/expressions.md: its examples by the tag of their block, and its scope.
type page struct {
	text     string
	examples map[string][][2]string
	scope    Scope
}

var block = regexp.MustCompile("(?ms)^```([a-z ]+)\n(.*?)^```$")

func readPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile("../docs/expressions.md")
	require.NoError(t, err)
	p := page{text: string(text), examples: map[string][][2]string{}}
	for _, found := range block.FindAllStringSubmatch(p.text, -1) {
		tag, body := found[1], found[2]
		switch tag {
		case "yaml":
			continue
		case "json":
			var scope struct {
				Inputs map[string]any
				Steps  map[string]StepValue
			}
			require.NoError(t, json.Unmarshal([]byte(body), &scope))
			p.scope = Scope{Inputs: scope.Inputs, Steps: scope.Steps}
			continue
		}
		for line := range strings.Lines(body) {
			left, right, is := strings.Cut(strings.TrimSuffix(line, "\n"), "→")
			require.True(t, is, line)
			p.examples[tag] = append(p.examples[tag], [2]string{strings.TrimSpace(left), strings.TrimSpace(right)})
		}
	}
	return p
}

var onThePage = Visible{
	Inputs: tried.Inputs,
	Steps:  []VisibleStep{{Name: "check", Kind: RunsCommand, Output: AsJSON}, {Name: "sweep", Kind: RunsCommand, Foreach: true}},
	Hidden: []string{"later"},
	Run:    true,
}

func TestTheExamplesOfThePageComeToWhatItSays(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	require.Greater(t, len(p.examples["expressions"]), 30)
	for _, example := range p.examples["expressions"] {
		require.NoError(t, Expression(example[0]).Check(onThePage), example[0])
		value, err := Expression(example[0]).Eval(p.scope)
		require.NoError(t, err, example[0])
		written, err := marshal(value)
		require.NoError(t, err)
		require.Equal(t, example[1], written, example[0])
	}
	for _, example := range p.examples["refused"] {
		require.EqualError(t, Expression(example[0]).Check(onThePage), example[1], example[0])
	}
	for _, example := range p.examples["run"] {
		require.NoError(t, Text(example[0]).CheckRun(onThePage), example[0])
		run, err := Text(example[0]).EvalRun(p.scope)
		require.NoError(t, err, example[0])
		require.Equal(t, example[1], run)
	}
	for _, example := range p.examples["refused in run"] {
		require.EqualError(t, Text(example[0]).CheckRun(onThePage), example[1], example[0])
		_, err := Text(example[0]).EvalRun(p.scope)
		require.EqualError(t, err, example[1], "nor is it evaluated: %s", example[0])
	}
	_, err := Text("rm -rf /data/${{ steps.check.json.dir }}").EvalRun(p.scope)
	require.ErrorContains(t, err, "it comes to nothing (nil)")
}

func TestThePageNamesEveryFunctionAndField(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	_, functions, _ := strings.Cut(p.text, "## Functions")
	functions, _, _ = strings.Cut(functions, "They are")
	var named []string
	for _, found := range regexp.MustCompile("`([A-Za-z0-9]+)`").FindAllStringSubmatch(functions, -1) {
		named = append(named, found[1])
	}
	slices.Sort(named)
	require.Equal(t, FunctionNames(), named)
	for _, name := range keys(refusedFunctions) {
		if name != "duration" && name != "timezone" {
			require.Contains(t, p.text, "`"+name+"`")
		}
	}
	for _, shape := range []map[string]*shape{shapeOfSteps, shapesOfKinds[RunsCommand], shapesOfKinds[RunsJob], shapesOfKinds[Approves], nodeShape.fields, jobShape.fields} {
		for _, field := range keys(shape) {
			require.Regexp(t, "`"+field+"(\\.STATE)?`", p.text)
		}
	}
}
