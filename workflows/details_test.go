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

func TestANodeThatEndedBeforeItsCommandWasAttachedToHasNoDuration(t *testing.T) {
	t.Parallel()
	at := time.Unix(1000, 500_000_000)
	s := RunCommandStatus{RunCommandResult: RunCommandResult{SubmittedAt: at}}
	for want, finished := range map[string]time.Time{
		"": at.Add(-time.Minute), "0s": time.Unix(1000, 0), "1m0s": at.Add(time.Minute),
	} {
		require.Equal(t, want, s.tookText(NodeResult{FinishedAt: finished}))
	}
}

func TestNobodyIsToldToStopWhatCannotBeStopped(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status RunCommandStatus
		says   string
	}{
		"of ours":        {RunCommandStatus{}, "stop the command wherever it runs: `starter cancel run-a`"},
		"raw":            {RunCommandStatus{raw: true}, "end the watching; the command, sent as it is, cannot be stopped: `starter cancel run-a`"},
		"from elsewhere": {RunCommandStatus{attached: true}, "end the watching; the command, submitted elsewhere, is not stopped: `starter cancel run-a`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tc.status
			s.runID, s.Phase = "run-a", Watching
			require.Contains(t, s.details(), "- "+tc.says+"\n")
			s.Phase, s.outcome = Ended, Outcome(Failed)
			require.Equal(t, !s.attached, strings.Contains(s.details(), "starter rerun"))
		})
	}
}
