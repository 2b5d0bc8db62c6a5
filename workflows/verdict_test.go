package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
)

func ptr[T any](v T) *T { return &v }

func TestANodeSucceedsOnlyByAnExitCodeThatWasRead(t *testing.T) {
	t.Parallel()
	submitted := time.Date(2026, 4, 1, 8, 0, 0, 500, time.UTC)
	killed := submitted.Add(time.Minute)
	for name, tc := range map[string]struct {
		ended  NodeState
		record *activities.ResultRecord
		want   NodeState
	}{
		"finished with 0":               {activities.Finished, &activities.ResultRecord{ExitCode: ptr(0), Collected: ptr(true)}, activities.Succeeded},
		"finished with 0, no word":      {activities.Finished, &activities.ResultRecord{ExitCode: ptr(0)}, activities.Succeeded},
		"finished with 3":               {activities.Finished, &activities.ResultRecord{ExitCode: ptr(3), Collected: ptr(true)}, activities.Nonzero},
		"finished without exit code":    {activities.Finished, &activities.ResultRecord{}, activities.Failed},
		"finished, not collected":       {activities.Finished, &activities.ResultRecord{ExitCode: ptr(0), Collected: ptr(false)}, activities.Failed},
		"finished, result says running": {activities.Finished, &activities.ResultRecord{NodeStatus: saw(activities.Running), ExitCode: ptr(0)}, activities.Failed},
		"finished, result says failed":  {activities.Finished, &activities.ResultRecord{NodeStatus: saw(activities.Failed), ExitCode: ptr(0)}, activities.Failed},
		"finished, no result":           {activities.Finished, nil, activities.Failed},
		"failed with 0":                 {activities.Failed, &activities.ResultRecord{ExitCode: ptr(0), Collected: ptr(true)}, activities.Failed},
		"failed with 2":                 {activities.Failed, &activities.ResultRecord{ExitCode: ptr(2), Collected: ptr(true)}, activities.Nonzero},
		"failed with -1":                {activities.Failed, &activities.ResultRecord{ExitCode: ptr(-1)}, activities.Failed},
		"failed before its timeout":     {activities.Failed, &activities.ResultRecord{ExitCode: ptr(-1), FinishedAt: killed.Add(-2 * time.Second)}, activities.Failed},
		"failed at its timeout":         {activities.Failed, &activities.ResultRecord{ExitCode: ptr(-1), FinishedAt: killed.Truncate(time.Second)}, activities.TimedOut},
		"timed out in so many words":    {activities.TimedOut, &activities.ResultRecord{}, activities.TimedOut},
		"stopped":                       {activities.Stopped, &activities.ResultRecord{ExitCode: ptr(0)}, activities.Stopped},
		"stopped, no result":            {activities.Stopped, nil, activities.Stopped},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := RunCommandResult{
				Commands: []Command{{SubmittedAt: submitted, Nodes: 1}},
				Nodes:    []NodeResult{{InstanceID: "i-a", State: tc.ended}},
			}
			var records []activities.ResultRecord
			if tc.record != nil {
				tc.record.InstanceID = "i-a"
				if tc.record.State == "" {
					tc.record.State = tc.ended
				}
				records = append(records, *tc.record)
			}
			run := runCommand{in: RunCommandInput{TimeoutSeconds: 60}, status: RunCommandStatus{RunCommandResult: r}, judged: map[string]bool{}}
			run.judge(map[string]activities.ResultRecords{"": records}, nil)
			node := run.status.Nodes[0]
			require.Equal(t, tc.want, node.State)
			require.Equal(t, tc.want == activities.Succeeded, run.status.verdict() == Succeeded)
			if node.State == activities.Failed {
				require.NotEmpty(t, node.Reason)
			}
		})
	}
}

func saw(state NodeState) activities.NodeStatus { return activities.NodeStatus{State: state} }

func TestTheVerdictFollowsFromTheNodes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		states []NodeState
		want   Verdict
	}{
		{[]NodeState{activities.Succeeded, activities.Succeeded}, Succeeded},
		{[]NodeState{activities.Succeeded, activities.Nonzero}, Partial},
		{[]NodeState{activities.Succeeded, activities.Running}, Partial},
		{[]NodeState{activities.Nonzero, activities.Lost}, Failed},
		{nil, Failed},
	} {
		var r RunCommandResult
		for _, state := range tc.states {
			r.Nodes = append(r.Nodes, NodeResult{State: state})
		}
		require.Equal(t, tc.want, r.verdict(), "%v", tc.states)
	}
}

func TestDetailsOfALargeRunStayWithinWhatTheServerTakes(t *testing.T) {
	t.Parallel()
	s := RunCommandStatus{Phase: Watching}
	for range MaxNodes {
		s.Nodes = append(s.Nodes, NodeResult{
			InstanceID: "i-bp1aaaa0000000000001", HostName: "compute-with-a-long-name-000", State: activities.TimedOut,
			ExitCode: ptr(-1), Reason: "it ended, but the service holds no result of it",
		})
	}
	require.Less(t, len(s.details()), 20_000)
}
