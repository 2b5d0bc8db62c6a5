package workflows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
)

// Package pipeline does not know this one, so that it has the words once more.
func TestExpressionsKnowTheStatesOfNodesAndItems(t *testing.T) {
	t.Parallel()
	var nodes, items, ended, painted []string
	for _, state := range activities.NodeStates {
		nodes = append(nodes, string(state))
	}
	for _, state := range StepStates {
		items = append(items, string(state))
		if (StepResult{State: state}).Ended() {
			ended = append(ended, string(state))
		}
	}
	for _, paint := range pipeline.Paints {
		painted = append(painted, paint.State)
	}
	require.ElementsMatch(t, nodes, pipeline.NodeStates)
	require.ElementsMatch(t, items, pipeline.ItemStates)
	require.ElementsMatch(t, ended, pipeline.EndedStates)
	require.ElementsMatch(t, items, painted)
}

func TestExpressionsKnowTheVerdicts(t *testing.T) {
	t.Parallel()
	source, err := parser.ParseFile(token.NewFileSet(), "status.go", nil, 0)
	require.NoError(t, err)
	words := []string{""}
	ast.Inspect(source, func(node ast.Node) bool {
		spec, is := node.(*ast.ValueSpec)
		if !is {
			return true
		}
		if kind, named := spec.Type.(*ast.Ident); named && kind.Name == "Verdict" {
			word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			words = append(words, verdictWord(Verdict(word)))
		}
		return true
	})
	require.ElementsMatch(t, words, pipeline.Verdicts[pipeline.RunsCommand])
	require.Subset(t, words, pipeline.Verdicts[pipeline.RunsJob])
	require.Subset(t, words, pipeline.Verdicts[pipeline.SubPipeline])
}
