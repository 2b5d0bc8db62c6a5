package workflows_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

func selecting(s workflows.Selector) workflows.RunCommandInput {
	in := onNodes()
	in.Target = workflows.Target{Select: &s}
	return in
}

func TestASelectorIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	type sel = workflows.Selector
	for name, tc := range map[string]struct {
		target workflows.Target
		want   []string
	}{
		"an empty selector":        {workflows.Target{Select: &sel{}}, []string{"no target: the selector selects nothing"}},
		"only excludes":            {workflows.Target{Select: &sel{Excludes: []string{"i-a"}}}, []string{"only nodes to leave out are named (--exclude); to run on all the others, say --all"}},
		"all and named":            {workflows.Target{Select: &sel{All: true, InstanceIDs: []string{"i-a"}, Roles: []string{"Login"}}}, []string{"choose one"}},
		"a selector beside all":    {workflows.Target{All: true, Select: &sel{Roles: []string{"Login"}}}, []string{"beside all nodes"}},
		"a selector beside nodes":  {workflows.Target{Nodes: []string{"i-a"}, Select: &sel{Roles: []string{"Login"}}}, []string{"beside all nodes or single nodes"}},
		"skipping without looking": {workflows.Target{Nodes: []string{"i-a"}, SkipUnfit: true}, []string{"unfit nodes can be skipped where a selector"}},
		"a node twice":             {workflows.Target{Select: &sel{InstanceIDs: []string{"i-a", "i-a"}, Roles: []string{"Login"}}}, []string{"i-a is named twice"}},
		"everything": {
			workflows.Target{Select: &sel{
				InstanceIDs: []string{"i-a,i-b"}, Roles: []string{"", "Login Compute"}, Queues: []string{"gpu,cpu", ""}, Statuses: []string{"running,stopped"},
				HostNames: []string{"compute[0-"}, Excludes: []string{" ", "[]a"},
			}},
			[]string{
				`--queue "gpu,cpu" holds a space or a comma: give each queue by itself`, "a queue is empty (--queue)",
				`node id "i-a,i-b"`, "a role is empty (--role)", `--role "Login Compute" holds a space or a comma`, `--status "running,stopped"`,
				`--host "compute[0-" is no pattern`, "a node to leave out is empty (--exclude)", `--exclude "[]a" is no pattern`,
			},
		},
		"too many words": {
			workflows.Target{Select: &sel{All: true, Excludes: slices.Repeat([]string{"i-a"}, workflows.MaxWords+1)}},
			[]string{"--exclude is given 1001 times"},
		},
		"too many queues": {
			workflows.Target{Select: &sel{Queues: slices.Repeat([]string{"q"}, workflows.MaxQueues+1)}},
			[]string{"--queue is given 21 times, a run takes 20: use several runs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := onNodes()
			in.Target = tc.target
			err := in.Validate()
			require.ErrorAs(t, err, new(*workflows.InputError))
			for _, want := range tc.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
	require.NoError(t, selecting(sel{All: true, Excludes: []string{"i-a", "gpu-[0-3]*"}}).Validate())
	require.NoError(t, selecting(sel{Statuses: []string{"running"}}).Validate())
	require.NoError(t, selecting(sel{Queues: []string{"gpu"}}).Validate())
}

func TestATargetIsSaidInWords(t *testing.T) {
	t.Parallel()
	for want, target := range map[string]workflows.Target{
		"all nodes": {All: true},
		"i-a":       {Nodes: []string{"i-a"}},
		"2 nodes":   {Nodes: []string{"i-a", "i-b"}},
		"2 nodes; role Compute, Login; queue gpu, cpu; host name c*; status running; but not i-a": {Select: &workflows.Selector{
			InstanceIDs: []string{"i-a", "i-b"}, Roles: []string{"Compute", "Login"}, Queues: []string{"gpu", "cpu"}, HostNames: []string{"c*"},
			Statuses: []string{"running"}, Excludes: []string{"i-a"},
		}},
		"all nodes; but not i-a": {Select: &workflows.Selector{All: true, Excludes: []string{"i-a"}}},
	} {
		require.Equal(t, want, target.String())
	}
}

// listing answers ListNodes and keeps what it was asked.
func (b *bundle) listing(listed activities.ListNodesResult) *[]activities.ListNodesInput {
	var asked []activities.ListNodesInput
	b.OnActivity(acts.ListNodes, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ListNodesInput) (*activities.ListNodesResult, error) {
			asked = append(asked, in)
			return &listed, nil
		})
	return &asked
}

var sixNodes = &activities.ClusterNodes{
	Nodes: 6, Roles: []activities.WordCount{{Word: "Compute", Nodes: 5}, {Word: "Login", Nodes: 1}},
	Statuses: []activities.WordCount{{Word: "running", Nodes: 5}, {Word: "stopped", Nodes: 1}},
}

func TestASelectionIsLookedUpOnceAndFrozen(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	in := selecting(workflows.Selector{Roles: []string{"Compute"}})
	asked := b.listing(activities.ListNodesResult{
		Nodes: activities.Nodes{{InstanceID: "i-b", HostName: "compute001"}, {InstanceID: "i-a"}}, Cluster: sixNodes,
	})
	b.onSubmit([]string{"i-b", "i-a"}, nil)
	b.onWatch(changed(saw("i-a", activities.Finished), saw("i-b", activities.Finished)))
	b.onResults(left("i-a", 0, ""), left("i-b", 0, ""))
	result, err := b.run(in)
	require.NoError(t, err)
	require.Equal(t, []activities.ListNodesInput{{ClusterID: "ehpc-1", Select: in.Target.Select}}, *asked)
	require.Equal(t, []string{"i-b", "i-a"}, b.submits[0].InstanceIDs)
	require.Equal(t, "compute001", result.Nodes[0].HostName)
	require.Equal(t, workflows.Succeeded, result.Verdict)
}

func TestSkippedNodesAreNotSubmittedToAndSpoilTheVerdict(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	in := selecting(workflows.Selector{All: true})
	in.Target.SkipUnfit, in.NodesPerCommand = true, 1
	b.listing(activities.ListNodesResult{
		Nodes: activities.Nodes{{InstanceID: "i-a"}, {InstanceID: "i-b", Unfit: "stopped"}, {InstanceID: "i-c"}, {InstanceID: "i-d", Unfit: "recycling"}}, Cluster: sixNodes,
	})
	b.onParts(accepted)
	b.onAllFinished([]string{"i-a", "i-c"})
	result, err := b.run(in)
	require.NoError(t, err)
	var submitted []string
	for _, submit := range b.submits {
		submitted = append(submitted, submit.InstanceIDs...)
	}
	require.ElementsMatch(t, []string{"i-a", "i-c"}, submitted)
	require.Equal(t, workflows.Partial, result.Verdict, "not every node that was meant ran it")
	require.Equal(t, "skipped 2 nodes that cannot run a command: i-b is stopped, i-d is recycling", result.Reason)
	require.Equal(t, map[workflows.NodeState]int{activities.Succeeded: 2, activities.Skipped: 2}, result.Counts())
	require.Equal(t, "it cannot run a command: the cluster says that it is stopped", result.Nodes[2].Reason)
}

func TestAnOldWorkerThatListsEveryNodeStartsNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.listing(activities.ListNodesResult{Nodes: activities.Nodes{{InstanceID: "i-a"}, {InstanceID: "i-b"}}})
	b.onSubmit(nil, nil)
	_, err := b.run(selecting(workflows.Selector{Roles: []string{"Compute"}}))
	requireCode(t, err, workflows.ErrNoNodes)
	require.ErrorContains(t, err, "bring every worker of the task queue up to date")
	require.Empty(t, b.submits)
}

func TestAWorkerThatListsTheNodesOfEveryQueueStartsNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.listing(activities.ListNodesResult{Nodes: activities.Nodes{{InstanceID: "i-a"}, {InstanceID: "i-b"}}, Cluster: sixNodes})
	b.onSubmit(nil, nil)
	_, err := b.run(selecting(workflows.Selector{Roles: []string{"Compute"}, Queues: []string{"gpu"}}))
	requireCode(t, err, workflows.ErrNoNodes)
	require.ErrorContains(t, err, "the worker that listed the nodes of cluster ehpc-1 cannot choose them by queue: bring every worker of the task queue up to date")
	require.Empty(t, b.submits)
}

func TestAQueueThatNoNodeServesRefusesTheRun(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	cluster := *sixNodes
	cluster.Queues = []activities.WordCount{{Word: "cpu", Nodes: 2}, {Word: "gqu", Nodes: 0}}
	b.listing(activities.ListNodesResult{
		Nodes: activities.Nodes{{InstanceID: "i-a"}, {InstanceID: "i-b"}}, Cluster: &cluster, Unmatched: []string{"queue gqu"},
	})
	b.onSubmit(nil, nil)
	_, err := b.run(selecting(workflows.Selector{Queues: []string{"cpu", "gqu"}}))
	requireCode(t, err, workflows.ErrNoNodes)
	require.ErrorContains(t, err, "nothing in cluster ehpc-1 matches queue gqu; it has 6 nodes (Compute 5, Login 1; queue cpu 2, gqu 0; running 5, stopped 1)")
	require.Empty(t, b.submits)
}

func TestASelectionThatCannotBeRunOnIsRefusedWithWhatIsThere(t *testing.T) {
	t.Parallel()
	fit, down := activities.Node{InstanceID: "i-a"}, activities.Node{InstanceID: "i-b", Unfit: "stopped"}
	const there = "6 nodes (Compute 5, Login 1; running 5, stopped 1)"
	for name, tc := range map[string]struct {
		listed activities.ListNodesResult
		skip   bool
		code   string
		says   []string
	}{
		"nothing matches all": {activities.ListNodesResult{}, false, workflows.ErrNoNodes,
			[]string{"no node of cluster ehpc-1 matches all of what was asked for (role Compute; host name c*)", "it has " + there}},
		"words match nothing": {activities.ListNodesResult{Nodes: activities.Nodes{fit}, Unmatched: []string{"role Logn", "exclude i-x"}}, false, workflows.ErrNoNodes,
			[]string{"matches role Logn, exclude i-x; it has " + there}},
		"one is down":     {activities.ListNodesResult{Nodes: activities.Nodes{fit, down}}, false, workflows.ErrUnfitNodes, []string{"i-b is stopped", "--skip-unfit"}},
		"all to skip":     {activities.ListNodesResult{Nodes: activities.Nodes{down}}, true, workflows.ErrUnfitNodes, []string{"no node that matches can run a command (i-b is stopped)"}},
		"too many":        {activities.ListNodesResult{Nodes: make(activities.Nodes, workflows.MaxNodes+1)}, false, workflows.ErrInvalidInput, []string{"10001 nodes match"}},
		"several at once": {activities.ListNodesResult{Nodes: activities.Nodes{fit, down}, Unmatched: []string{"role Logn"}}, false, workflows.ErrNoNodes, []string{"role Logn", "i-b is stopped"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			in := selecting(workflows.Selector{Roles: []string{"Compute"}, HostNames: []string{"c*"}})
			in.Target.SkipUnfit, tc.listed.Cluster = tc.skip, sixNodes
			b.listing(tc.listed)
			b.onSubmit(nil, nil)
			_, err := b.run(in)
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, "nothing was started")
			for _, says := range tc.says {
				require.ErrorContains(t, err, says)
			}
			require.Empty(t, b.submits)
			require.Equal(t, len(tc.listed.Nodes), b.status().Counts()[activities.Skipped])
			if nodes := b.status().Nodes; tc.skip {
				require.Contains(t, nodes[len(nodes)-1].Reason, "it is stopped", "a refusal does not hide it")
			}
		})
	}
}
