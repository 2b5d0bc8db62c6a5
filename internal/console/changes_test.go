package console

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func TestEachChangeIsALineOfJSONWithTheNodesThatChanged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	changes := NewChanges(&out, time.Minute)
	next := func(r runs.Report) (lines []Change) {
		t.Helper()
		out.Reset()
		changes.Show(r)
		for line := range strings.Lines(out.String()) {
			var change Change
			require.NoError(t, json.Unmarshal([]byte(line), &change))
			lines = append(lines, change)
		}
		return lines
	}
	going := report(workflows.NodeResult{InstanceID: "i-a", State: activities.Running}, workflows.NodeResult{InstanceID: "i-b", State: activities.Running})
	going.State, going.Phase, going.StartedAt = runs.Running, workflows.Watching, time.Now().Add(-90*time.Second)
	first := next(going)
	require.Len(t, first, 1)
	require.Len(t, first[0].Nodes, 2)
	require.Equal(t, 60, first[0].ExpectedSeconds)
	require.InDelta(t, 90, first[0].ElapsedSeconds, 5)
	require.Empty(t, next(going), "that time goes by is no change")

	going.Nodes[1] = workflows.NodeResult{InstanceID: "i-b", State: activities.Nonzero, ExitCode: code(3), Reason: "why"}
	second := next(going)
	require.Equal(t, []NodeChange{{InstanceID: "i-b", State: activities.Nonzero, ExitCode: code(3), Remark: "why"}}, second[0].Nodes)
	going.Trouble = "busy"
	require.Equal(t, "busy", next(going)[0].Trouble)
	require.NoError(t, changes.Err())
}

func TestAChangeOfAClusterIsALine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	changes := NewChanges(&out, 0)
	changes.ShowClusters(onTwo())
	changes.ShowClusters(onTwo())
	var change Change
	require.NoError(t, json.Unmarshal(out.Bytes(), &change), "there is one line")
	require.Len(t, change.Clusters, 2)
	require.Equal(t, 2, change.NodeCount)
}

func TestOfManyNodesThoseThatWentWrongAndThoseThatRunOnAreShown(t *testing.T) {
	t.Parallel()
	var nodes []workflows.NodeResult
	for range 200 {
		nodes = append(nodes, workflows.NodeResult{State: activities.Succeeded})
	}
	nodes = append(nodes, workflows.NodeResult{InstanceID: "i-bad", State: activities.Nonzero}, workflows.NodeResult{InstanceID: "i-slow", State: activities.Running})
	r := report(nodes...)
	shown := worthWatching(r, 20)
	require.Len(t, shown, 2)
	require.Equal(t, []string{"i-bad", "i-slow"}, []string{shown[0].InstanceID, shown[1].InstanceID})
	for i := range 150 {
		r.Nodes[i].State = activities.Running
	}
	require.Len(t, worthWatching(r, 20), 1, "while most run, none is slow")
	require.Len(t, worthWatching(r, 500), 202, "all fit")
}

func TestTheBarShowsWhatHasEndedAndTheTime(t *testing.T) {
	t.Parallel()
	l := &live{expected: 5 * time.Minute, since: time.Now().Add(-80 * time.Second)}
	l.report = report(workflows.NodeResult{State: activities.Succeeded}, workflows.NodeResult{State: activities.Nonzero}, workflows.NodeResult{State: activities.Running})
	require.Regexp(t, `^  █{10}▓{10}░{10}  2 of 3 ended  1m20s of about 5m0s$`, l.bar())
}
