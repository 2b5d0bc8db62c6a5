package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
)

// Package pipeline does not know this one, so that it has the words once more.
func TestExpressionsKnowTheStatesOfNodesAndItems(t *testing.T) {
	t.Parallel()
	var nodes, items, painted []string
	for _, state := range activities.NodeStates {
		nodes = append(nodes, string(state))
	}
	for _, state := range StepStates {
		items = append(items, string(state))
	}
	for _, paint := range pipeline.Paints {
		painted = append(painted, paint.State)
	}
	require.ElementsMatch(t, nodes, pipeline.NodeStates)
	require.ElementsMatch(t, items, pipeline.ItemStates)
	require.ElementsMatch(t, items, painted)
}
