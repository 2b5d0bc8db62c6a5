package console

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

func share(t *testing.T, text string) policy.Size {
	t.Helper()
	size, err := policy.ParseSize(text)
	require.NoError(t, err)
	return size
}

func TestThePlanOfARolloutSaysHowItWouldGo(t *testing.T) {
	t.Parallel()
	five, ten := share(t, "5%"), share(t, "10%")
	plan := workflows.PlanCommandResult{
		Waves: []workflows.PlannedWave{
			{Nodes: 1}, {From: 1, Nodes: 50, Approval: workflows.ApprovalAlways}, {From: 51, Nodes: 449, Approval: workflows.ApprovalIfFailed},
		},
		Commands: []workflows.PlannedCommand{{Nodes: 1}, {From: 1, Nodes: 20}, {From: 21, Nodes: 10}},
		Calls:    workflows.PlannedCalls{InvokeShellCommand: 3, ListInvocationResults: 3, MostSubmits: 500},
	}
	for i := range 500 {
		plan.Nodes = append(plan.Nodes, activities.Node{InstanceID: fmt.Sprintf("i-%d", i), HostName: fmt.Sprintf("compute%03d", i)})
	}
	plan.Nodes[499].HostName = ""
	plan.Input.Policy = policy.Policy{
		Waves: []policy.Size{policy.Number(1)}, Concurrency: policy.Number(20), SoakSeconds: 600, Pause: []policy.Pause{policy.PauseFirst}, Approvals: 2, ApproveWithinSeconds: 86400,
		Budget: policy.Budget{Whole: &five, PerWave: &ten, Counts: []workflows.NodeState{activities.Nonzero, activities.Lost}, OnBreach: policy.Stop},
		Quorum: policy.Quorum{Nodes: share(t, "90.1%")},
		Retry:  policy.Retry{Attempts: 3, On: []workflows.NodeState{activities.Lost}, ExitCodes: []int{75, 111}},
	}
	var out bytes.Buffer
	require.NoError(t, WritePlan(&out, plan))
	for _, want := range []string{
		"Waves      3\n           1: 1 node, compute000\n           2: 50 nodes, compute001 to compute050; begins when it is approved\n" +
			"           3: 449 nodes, compute051 to i-499; begins when it is approved, if a node of wave 2 failed\n",
		"Waits      10m0s between two waves; for approvals, each by 2 people; for a person 24h0m0s at the most, then it ends as parked\n",
		"At a time  20 nodes; as one ends another is started\n",
		"Budget     5% of 500: 25 nodes may fail, the 26th breaches it; 10% of the nodes of a wave may fail; counted are nonzero, lost; on a breach what runs is stopped\n",
		"Quorum     90.1% of 500: it ends when 451 nodes succeeded, and what runs then is waited for\n",
		"Attempts   3 on a node at the most, after lost or exit code 75, 111; the second 30s later\n",
		"Commands   3, each on 1 to 20 nodes; up to 500, for as a node ends the next one is a command of its own\n",
		"API calls  3 to 500 InvokeShellCommand, 3 to 500 ListInvocationResults,",
	} {
		require.Contains(t, out.String(), want)
	}

	plan.Waves = make([]workflows.PlannedWave, 400)
	text := plannedWaves(plan)
	require.Contains(t, text, "\n380 waves not listed; --json has them all\n400: ")
	plan.Input.Policy = policy.Policy{Budget: policy.Budget{Whole: new(policy.Size)}}
	require.Equal(t, "0 nodes may fail, the 1st breaches it; on a breach what runs is waited for", budgetText(plan.Input.Policy, 500))
	require.Empty(t, retryText(policy.Retry{Attempts: 1}))
}

func TestThePlanOfAPlainRunSaysNothingOfWaves(t *testing.T) {
	t.Parallel()
	require.Empty(t, rolloutLines(workflows.PlanCommandResult{}))
	require.Equal(t, "3, each on 100 nodes, the last on 50", commandsText(workflows.PlanCommandResult{Commands: []workflows.PlannedCommand{{Nodes: 100}, {Nodes: 100}, {Nodes: 50}}}))
}

func TestOrdinalsAreSpeltAsInEnglish(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 21: "21st", 112: "112th", 1003: "1003rd"} {
		require.Equal(t, want, ordinal(n))
	}
}
