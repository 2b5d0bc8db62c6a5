package pipeline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReferencesAreThePartsThatExpressionsLookAt(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]Wanted{
		`steps.a.output`: {"output": true},
		`steps.a.succeeded && steps.a.state == "failed"`:       {"succeeded": true, "state": true},
		`steps.a.json.deep.down[0]`:                            {"json": true},
		`steps["a"]["output"]`:                                 {"output": true},
		`steps.a?.output ?? "x"`:                               {"output": true},
		`steps.a.counts.failed > 0`:                            {"counts.failed": true},
		`toJSON(steps.a)`:                                      {"": true},
		`steps.a`:                                              {"": true},
		`let x = steps.a; x.output`:                            {"output": true},
		`(true ? steps.a : steps.a).output`:                    {"output": true},
		`len(steps.a.nodes)`:                                   {"nodes.state": true},
		`map(steps.a.nodes, .id)`:                              {"nodes.state": true, "nodes.id": true},
		`map(steps.a.nodes, #index)`:                           {"nodes.state": true},
		`filter(steps.a.nodes, .state == "lost") | map(.host)`: {"nodes.state": true, "nodes.host": true},
		`filter(steps.a.nodes, .exitCode == 1)`:                {"nodes.state": true, "nodes.exitCode": true, "nodes": true},
		`first(steps.a.nodes).output`:                          {"nodes.state": true, "nodes.output": true},
		`steps.a.nodes[0].id`:                                  {"nodes.state": true, "nodes.id": true},
		`steps.a.nodes[1:][0].id`:                              {"nodes.state": true, "nodes.id": true},
		`find(steps.a.nodes, .id == "x").output`:               {"nodes.state": true, "nodes.id": true, "nodes.output": true},
		`concat(steps.a.nodes, [1])`:                           {"nodes": true},
		`map(steps.a.nodes, toJSON(#))`:                        {"nodes": true, "nodes.state": true},
		`map(steps.f.items, .output)`:                          nil,
		`map(filter(steps.a.nodes, .id != ""), {.output})[0]`:  {"nodes.state": true, "nodes.id": true, "nodes.output": true},
		`map(map(steps.a.nodes, {let n = #; n}), .host)`:       {"nodes.state": true, "nodes.host": true},
		`sortBy(steps.a.nodes, .host)[0].id`:                   {"nodes.state": true, "nodes.host": true, "nodes.id": true},
		`reduce(steps.a.nodes, #acc + .host, "")`:              {"nodes.state": true, "nodes.host": true},
		`get(steps.a, "output")`:                               {"": true},
		`inputs.x`:                                             nil,
		`) wrong (`:                                            nil,
	} {
		p := Pipeline{
			Inputs: []Input{{Name: "x", Type: String}},
			Steps: []Step{
				{Name: "a", Kind: RunsCommand, Output: AsJSON}, {Name: "f", Kind: RunsCommand, Foreach: &Foreach{Items: []any{1}}},
				{Name: "b", Kind: RunsCommand, Needs: []string{"a"}, With: map[string]any{"run": "x", "nodes": []any{"${{ " + expression + " }}"}}},
			},
		}
		require.Equal(t, want, References(p)["a"], expression)
		if want != nil {
			require.NoError(t, Expression(expression).Check(p.VisibleTo("b")), expression)
		}
		p.Steps[2].With, p.Steps[2].When = nil, Expression(expression)
		require.Equal(t, want, References(p)["a"], "when: %s", expression)
		p.Steps[2].When, p.Outputs = "", []Output{{"o", Text("a ${{ " + expression + " }}")}}
		require.Equal(t, want, References(p)["a"], "output: %s", expression)
	}
}

func TestAForeachLooksAtWhatItsBodyDoesByItem(t *testing.T) {
	t.Parallel()
	p := Pipeline{Steps: []Step{
		{Name: "a", Kind: RunsCommand, Foreach: &Foreach{Items: []any{1, 2}}},
		{
			Name: "b", Kind: RunsCommand, Needs: []string{"a"}, Foreach: &Foreach{In: "filter(steps.a.items, .succeeded)"},
			With: map[string]any{"run": "echo ${{ item.counts.lost }}${{ item.nodes[0].host }}${{ raw(item.item) }}"},
		},
	}, Finally: []Step{{Name: "c", Kind: RunsCommand, When: "steps.b.failed"}}}
	require.Empty(t, p.Steps[1].CheckBody(p.VisibleTo("b")))
	mistaken := p.Steps[1]
	mistaken.With = map[string]any{"run": "echo ${{ item.outptu }}"}
	require.Equal(t, "item has no outptu: did you mean output?", mistaken.CheckBody(p.VisibleTo("b"))[0].Message)

	wanted := References(p)
	require.Equal(t, Wanted{"items.state": true, "items.succeeded": true, "items.counts.lost": true, "items.nodes.state": true, "items.nodes.host": true, "items.item": true}, wanted["a"])
	require.Equal(t, Wanted{"failed": true}, wanted["b"])
	require.NotContains(t, wanted, "c")

	one := 1
	value := StepValue{State: "succeeded", Reason: "r", Counts: map[string]int{"succeeded": 2}, Output: "no", Items: []StepValue{{
		State: "succeeded", Succeeded: true, Item: 1, Output: "no", JSON: "no", Counts: map[string]int{"lost": 0},
		Nodes: []NodeValue{{ID: "i-1", Host: "h", State: "succeeded", ExitCode: &one, Output: "no"}},
	}}}
	require.Equal(t, StepValue{State: "succeeded", Reason: "r", Items: []StepValue{{
		State: "succeeded", Succeeded: true, Item: 1, Counts: map[string]int{"lost": 0},
		Nodes: []NodeValue{{ID: "i-1", Host: "h", State: "succeeded", ExitCode: &one}},
	}}}, wanted["a"].Keep(value))
	require.Equal(t, value, Wanted{"": true}.Keep(value))
	require.Equal(t, value, Wanted{"": true, "items.output": true}.Keep(value))
	require.Equal(t, StepValue{State: "succeeded", Reason: "r"}, Wanted(nil).Keep(value))
	require.True(t, wanted["a"].Wants("items"))
	require.False(t, wanted["a"].Wants("output"))
	require.True(t, wanted["a"].Within("items").Wants("item"))
	require.False(t, wanted["a"].Within("items").Wants("output"))
}

func TestAStepSeesWhatIsSureToHaveEnded(t *testing.T) {
	t.Parallel()
	p := drawn()
	p.Clusters = []Cluster{{Name: "main", ID: "x"}}
	names := func(v Visible) (all []string) {
		for _, step := range v.Steps {
			all = append(all, step.Name)
		}
		return all
	}
	require.Empty(t, names(p.VisibleTo("stage")))
	require.Equal(t, []string{"end", "stage"}, names(p.VisibleTo("ask")))
	require.True(t, p.VisibleTo("end").Item)
	require.Equal(t, []string{"end", "stage"}, names(p.VisibleTo("cleanup")), "the step that failed, and what it needs")
	require.Equal(t, []string{"cleanup", "end", "stage"}, names(p.VisibleTo("tell")))
	require.Equal(t, []string{"ask", "cleanup", "end", "pause", "publish", "stage", "tell"}, names(p.VisibleTo("clean")))
	require.Equal(t, []string{"ask", "clean", "cleanup", "end", "pause", "publish", "stage", "tell"}, names(p.VisibleTo("report")))
	require.Len(t, names(p.VisibleToOutputs()), 9)
	require.Empty(t, p.VisibleToOutputs().Hidden)
	require.Contains(t, p.VisibleTo("stage").Hidden, "clean")
	require.NoError(t, Text("ehpc-${{ inputs.x }}").Check(Visible{Inputs: []Input{{Name: "x", Type: String}}}))
	require.ErrorContains(t, Text("ehpc-${{ run.id }}").Check(p.VisibleToClusters()), "run is not known here")
}
