package runs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

type states = map[string]workflows.NodeState

// pastRun is a run that ended, on nodes of these names from i-a to i-e, in this order.
func pastRun(id string, nodes states) Past {
	past := Past{Report: Report{RunID: id, State: Completed}, Input: workflows.RolloutInput{
		RunCommandInput: workflows.RunCommandInput{
			ClusterID: "ehpc-1", Command: "uptime", TimeoutSeconds: 90, WorkingDir: "/srv", Raw: true, From: []string{"failed:older"},
		},
		Policy: policy.Policy{Concurrency: policy.Number(3)},
	}}
	for _, name := range []string{"i-a", "i-b", "i-c", "i-d", "i-e"} {
		if state, has := nodes[name]; has {
			past.Nodes = append(past.Nodes, workflows.NodeResult{InstanceID: name, State: state})
		}
	}
	return past
}

// chainOf are runs that started one after the other.
func chainOf(pasts ...Past) CommandChain {
	for i := range pasts {
		pasts[i].StartedAt = time.Date(2026, 11, 24, i, 0, 0, 0, time.UTC)
	}
	return CommandChain{Chain[Past]{First: "run-1", Runs: pasts, taken: max(1, len(pasts))}}
}

func going(past Past) Past {
	past.State = Running
	return past
}

func TestANodeStandsAsInTheLastRunThatItWasPartOfUnlessItSucceeded(t *testing.T) {
	t.Parallel()
	c := chainOf(
		pastRun("run-1", states{"i-a": activities.Succeeded, "i-b": activities.Nonzero, "i-c": activities.Lost, "i-d": activities.Nonzero}),
		pastRun("run-1-r2", states{"i-b": activities.Succeeded, "i-c": activities.Nonzero, "i-d": activities.TimedOut}),
		pastRun("run-1-r3", states{"i-b": activities.Skipped, "i-c": activities.Unknown}),
	)
	require.Equal(t, []Standing{
		{InstanceID: "i-a", State: activities.Succeeded, Run: "run-1"},
		{InstanceID: "i-b", State: activities.Succeeded, Run: "run-1-r2"},
		{InstanceID: "i-c", State: activities.Unknown, Run: "run-1-r3"},
		{InstanceID: "i-d", State: activities.TimedOut, Run: "run-1-r2"},
	}, c.Standings())
	require.Len(t, c.Open(), 2)
	require.False(t, c.Done())
	require.False(t, CommandChain{}.Done(), "a run that never had nodes is not done")
}

func TestARerunHasTheOptionsOfThePastRunOnTheNodesOfItsSets(t *testing.T) {
	t.Parallel()
	past := pastRun("run-1", states{
		"i-a": activities.Succeeded, "i-b": activities.Nonzero, "i-c": activities.Lost, "i-d": activities.Running, "i-e": activities.Skipped,
	})
	rerun, err := chainOf(past).rerun(past, []Set{"failed", "skipped"})
	require.NoError(t, err)
	want := past.Input
	want.Target, want.From = workflows.Target{Nodes: []string{"i-b", "i-e"}}, nil
	want.Lineage = &workflows.Lineage{Run: "run-1", First: "run-1", Sets: []string{"failed", "skipped"}}
	require.Equal(t, Rerun{ID: "run-1-r2", Input: want, Unknown: []string{"i-d"}}, rerun)

	rerun, err = chainOf(past).rerun(past, []Set{"unknown"})
	require.NoError(t, err)
	require.Equal(t, []string{"i-d"}, rerun.Input.Target.Nodes)
	require.Empty(t, rerun.Unknown)
}

func TestARerunLeavesOutWhatALaterRunOfTheChainSettled(t *testing.T) {
	t.Parallel()
	first := states{"i-a": activities.Succeeded, "i-b": activities.Nonzero, "i-c": activities.Nonzero, "i-d": activities.Nonzero}
	for name, tc := range map[string]struct {
		later   Past
		only    []Set
		nodes   []string
		done    []string
		unknown []string
		says    string
	}{
		"one succeeded":          {pastRun("r", states{"i-b": activities.Succeeded, "i-c": activities.Nonzero}), []Set{"failed"}, []string{"i-c", "i-d"}, []string{"i-b"}, nil, ""},
		"one may run":            {pastRun("r", states{"i-b": activities.Running}), []Set{"failed"}, []string{"i-c", "i-d"}, nil, []string{"i-b"}, ""},
		"one may run, and named": {pastRun("r", states{"i-b": activities.Running}), []Set{"failed", "unknown"}, []string{"i-b", "i-c", "i-d"}, nil, nil, ""},
		"all succeeded":          {pastRun("r", states{"i-b": activities.Succeeded, "i-c": activities.Succeeded, "i-d": activities.Succeeded}), []Set{"failed"}, nil, nil, nil, "was run again since"},
		"success is asked for":   {pastRun("r", states{"i-a": activities.Succeeded}), []Set{"succeeded"}, []string{"i-a"}, nil, nil, ""},
		"one goes on":            {going(pastRun("r", states{"i-b": activities.Running})), []Set{"failed", "unknown"}, nil, nil, nil, "run r of the same chain still goes on, on 1 node of these (i-b)"},
		"one goes on elsewhere":  {going(pastRun("r", states{"i-a": activities.Running})), []Set{"failed"}, []string{"i-b", "i-c", "i-d"}, nil, nil, ""},
		"nothing is left":        {pastRun("r", states{"i-b": activities.Nonzero}), []Set{"lost"}, nil, nil, nil, "no node of run run-1 is lost (1 succeeded, 3 nonzero)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			past := pastRun("run-1", first)
			c := chainOf(past, tc.later)
			rerun, err := c.rerun(c.Runs[0], tc.only)
			if tc.says != "" {
				require.ErrorContains(t, err, tc.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.nodes, rerun.Input.Target.Nodes)
			require.Equal(t, tc.done, rerun.Done)
			require.Equal(t, tc.unknown, rerun.Unknown)
			require.Equal(t, "run-1-r3", rerun.ID)
		})
	}
}

func TestOnlyNamesThatARerunWouldHaveCount(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"run-1-r2": 2, "run-1-r12": 12, "run-1": 0, "run-1-r": 0, "run-1-r02": 0, "run-1-r2-r3": 0, "run-2-r2": 0, "run-1-rest": 0,
	} {
		require.Equal(t, want, numberOf("run-1", name), name)
	}
}
