package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// drawn has a step of each kind, one that runs on failure, and two at last.
func drawn() Pipeline {
	return Pipeline{
		Name: "solve",
		Steps: []Step{
			{Name: "stage", Kind: RunsCommand, With: map[string]any{"run": "mkdir -p /data\nmore"}},
			{Name: "end", Kind: RunsJob, Needs: []string{"stage", "nosuch"}, Foreach: &Foreach{Items: []any{"a"}}, OnFailure: OnFailure{Run: []Step{
				{Name: "cleanup", Kind: RunsCommand},
				{Name: "tell", Kind: RunsCommand, Needs: []string{"cleanup"}},
			}}},
			{Name: "ask", Kind: Approves, Needs: []string{"end"}, With: map[string]any{"message": "Go on?"}},
			{Name: "pause", Kind: Waits, Needs: []string{"ask", "stage"}, With: map[string]any{"for": "10m"}},
			{Name: "publish", Kind: SubPipeline, Needs: []string{"pause"}},
		},
		Finally: []Step{{Name: "clean", Kind: RunsCommand}, {Name: "report", Kind: RunsCommand, Needs: []string{"clean"}}},
	}
}

func TestAGraphHasEveryStepBehindWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	g := drawn().Graph()
	var steps []string
	layers := map[string]int{}
	for _, node := range g.Nodes {
		steps = append(steps, node.Step)
		layers[node.Step] = node.Layer
	}
	require.Equal(t, []string{"stage", "end", "cleanup", "tell", "ask", "pause", "publish", "clean", "report"}, steps)
	require.Equal(t, map[string]int{"stage": 0, "end": 1, "cleanup": 2, "tell": 3, "ask": 2, "pause": 3, "publish": 4, "clean": 5, "report": 6}, layers)
	require.Equal(t, "mkdir -p /data …", g.Nodes[0].Gist)
	require.Contains(t, g.Edges, Edge{From: "end", To: "cleanup", OnFailure: true})
	require.Contains(t, g.Edges, Edge{To: "clean"})
	require.Equal(t, []string{"tell", "publish"}, g.Ends())
}

func TestAGraphOfNeedsInACircleHasAnEnd(t *testing.T) {
	t.Parallel()
	p := Pipeline{Steps: []Step{{Name: "a", Needs: []string{"b"}}, {Name: "b", Needs: []string{"a", "b"}}}}
	require.Len(t, p.Graph().Nodes, 2)
	require.Empty(t, p.VisibleTo("a").Hidden[1:], "b is seen from a; the circle is another's to report")
}

func TestMermaidHasTheStatesAndShapesOfSteps(t *testing.T) {
	t.Parallel()
	text := drawn().Graph().Mermaid(func(step string) string {
		return map[string]string{"stage": "succeeded", "end": "failed"}[step]
	}, 18_000)
	graph, _, _ := strings.Cut(text, "  classDef")
	require.Equal(t, `flowchart LR
  n0["stage"]:::succeeded
  n1("end × n"):::failed
  n2["cleanup"]
  n3["tell"]
  n4{{"ask"}}
  n5(["pause"])
  n6[["publish"]]
  ended((" "))
  subgraph last["finally"]
  n7["clean"]
  n8["report"]
  end
  n3 --- ended
  n6 --- ended
  n0 --> n1
  n1 -. failed .-> n2
  n2 --> n3
  n1 --> n4
  n4 --> n5
  n0 --> n5
  n5 --> n6
  ended --> n7
  n7 --> n8
`, graph)
	for _, paint := range Paints {
		require.Contains(t, text, "classDef "+paint.State+" fill:"+paint.Fill)
	}
}

func TestMermaidReadsNoNameAsItsOwnWords(t *testing.T) {
	t.Parallel()
	p := Pipeline{Steps: []Step{{Name: `end"]; click n0 "javascript:x" %% <b> #quot;` + "\n", Kind: RunsCommand}}}
	text := p.Graph().Mermaid(func(string) string { return "" }, 18_000)
	require.Contains(t, text, `n0["end#34;#93;#59; click n0 #34;javascript:x#34; #37;#37; #60;b#62; #35;quot#59;#10;"]`)
}

func TestMermaidSumsUpWhatIsTooLargeByLayers(t *testing.T) {
	t.Parallel()
	var p Pipeline
	for i := range MaxSteps {
		step := Step{Name: fmt.Sprintf("s%d", i), Kind: RunsCommand}
		if i >= 10 {
			step.Needs = []string{fmt.Sprintf("s%d", i-10)}
		}
		p.Steps = append(p.Steps, step)
	}
	g := p.Graph()
	text := g.Mermaid(func(step string) string {
		if step == "s3" {
			return "failed"
		}
		return "succeeded"
	}, 18_000)
	require.Less(t, len(text), 5_000)
	require.Contains(t, text, `l0["30 steps: 29 succeeded, 1 failed"]`)
	require.Contains(t, text, `l1["30 steps: 30 succeeded"]:::succeeded`)
	require.Contains(t, text, "l0 --> l1\n")
	require.Equal(t, 34, strings.Count(text, `["`))

	small := drawn().Graph()
	require.Contains(t, small.Mermaid(func(string) string { return "" }, 100), `l0["1 step"]`)
}
