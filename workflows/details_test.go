package workflows

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
)

func TestTheDetailsBeginWithTheVerdict(t *testing.T) {
	t.Parallel()
	s := RunCommandStatus{Phase: Ended, outcome: Outcome(Partial), runID: "run-a", RunCommandResult: RunCommandResult{Nodes: NodeResults{
		{InstanceID: "i-1", State: activities.Succeeded}, {InstanceID: "i-2", State: activities.Nonzero, ExitCode: ptr(3), Output: "a\nno|such `file`\n\n"},
	}}}
	require.True(t, strings.HasPrefix(s.details(), "# PARTIAL: 1 of 2 nodes failed\n"), s.details())
	require.Contains(t, s.details(), "| node | state | exit | last line |\n|---|---|---|---|\n| i-1 | succeeded |  |  |\n| i-2 | **nonzero** | 3 | `no¦such 'file'` |\n")
	require.Contains(t, s.details(), "starter rerun run-a")
	s.outcome = OutcomeError
	require.Contains(t, s.details(), "# NOT FOLLOWED TO ITS END")
	s.outcome = Outcome(Succeeded)
	require.NotContains(t, s.details(), "starter rerun")
}

func TestABarIsFullOnlyWhenAllIsDone(t *testing.T) {
	t.Parallel()
	require.Empty(t, bar(0, 0))
	require.NotContains(t, bar(0, 3), "█")
	require.Contains(t, bar(9_999, 10_000), "░")
	require.Contains(t, bar(9_999, 10_000), "99%")
	require.NotContains(t, bar(3, 3), "░")
}

func TestOfManyNodesThoseThatMatterAreShown(t *testing.T) {
	t.Parallel()
	at := time.Unix(0, 0)
	s := RunCommandStatus{Phase: Watching, RunCommandResult: RunCommandResult{SubmittedAt: at}}
	for i := range MaxNodes {
		node := NodeResult{InstanceID: fmt.Sprintf("i-%05d", i), State: activities.Succeeded, FinishedAt: at.Add(time.Duration(i) * time.Second)}
		switch i % 2000 {
		case 0:
			node.State = activities.Failed
		case 1:
			node.State, node.FinishedAt = activities.Running, time.Time{}
		}
		s.Nodes = append(s.Nodes, node)
	}
	details := s.details()
	require.Contains(t, details, "| i-08000 | **failed**")
	require.Contains(t, details, "| i-08001 | running")
	require.Contains(t, details, "| i-09999 | succeeded | 2h46m39s")
	require.NotContains(t, details, "| i-00002 |")
	require.Contains(t, details, fmt.Sprintf("%d nodes not shown", MaxNodes-15))
	require.Less(t, len(details), 20_000)
}
