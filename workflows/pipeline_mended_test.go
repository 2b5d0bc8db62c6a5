package workflows

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
)

func TestAStepThatSucceededSinceLeavesWhatItsLastRunsPrinted(t *testing.T) {
	t.Parallel()
	failed := StepResult{
		Name: "solve", Kind: pipeline.RunsCommand, State: StepFailed, Verdict: Partial, Reason: "partial; 1 lost", MayRun: true,
		RunID: "p/solve", States: map[NodeState]int{activities.Lost: 1}, Item: "fine",
	}
	nodes := NodeResults{{InstanceID: "i-a", State: activities.Succeeded, Output: `{"cells": 7}`}, {InstanceID: "i-b", State: activities.Succeeded, Output: "b"}}

	mended, err := failed.Mended(nodes, "p/solve-r3", pipeline.AsJSON, pipeline.Wanted{"json": true, "nodes": true, "item": true}, MaxDone)
	require.NoError(t, err)
	require.Equal(t, StepSucceeded, mended.State)
	require.Equal(t, Succeeded, mended.Verdict)
	require.Empty(t, mended.Reason)
	require.False(t, mended.MayRun)
	require.Equal(t, "p/solve-r3", mended.DoneIn)
	require.Equal(t, 2, mended.NodeCount)
	require.Equal(t, map[NodeState]int{activities.Succeeded: 2}, mended.States)
	require.Equal(t, map[string]any{"cells": 7.0}, mended.Value.JSON)
	require.Equal(t, "fine", mended.Value.Item)
	require.Len(t, mended.Value.Nodes, 2)

	unwanted, err := failed.Mended(nodes, "p/solve-r3", pipeline.AsText, nil, MaxDone)
	require.NoError(t, err)
	require.Nil(t, unwanted.Value)

	nodes[0].Output = "no JSON"
	_, err = failed.Mended(nodes, "p/solve-r3", pipeline.AsJSON, nil, MaxDone)
	require.ErrorContains(t, err, "its output is no JSON")

	nodes[0].Output = strings.Repeat("x", 5000)
	large, err := failed.Mended(nodes, "p/solve-r3", pipeline.AsText, pipeline.Wanted{"output": true}, 4000)
	require.NoError(t, err)
	require.Nil(t, large.Value)
	require.Contains(t, large.Lacks, "more bytes than a rerun can take over")
}
