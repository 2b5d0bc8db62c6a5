package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func TestACancelledRunLeavesNothingRunningOnlyWhereThatIsKnown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		states             []workflows.NodeState
		ofOurs, ofAttached bool
	}{
		"every node has ended":   {[]workflows.NodeState{activities.Stopped, activities.Succeeded}, true, true},
		"one goes on":            {[]workflows.NodeState{activities.Stopped, activities.Running}, false, false},
		"no node was found, yet": {nil, true, false},
	} {
		var report runs.Report
		for _, state := range tc.states {
			report.Nodes = append(report.Nodes, workflows.NodeResult{State: state})
		}
		require.Equal(t, tc.ofOurs, runsNowhere(report, false), name)
		require.Equal(t, tc.ofAttached, runsNowhere(report, true), name)
	}
}
