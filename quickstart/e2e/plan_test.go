package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// mixedSystem has a cluster with a manager, a login node, and compute nodes of which
// one is stopped and one is being recycled.
func mixedSystem(t *testing.T) *system {
	t.Helper()
	return newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Clusters: []ehpcsim.Cluster{{
		ID: stack.ClusterID,
		Nodes: []ehpcsim.Node{
			{InstanceID: "i-m", HostName: "manager", Roles: []string{"Scheduler", "Account"}},
			{InstanceID: "i-l", HostName: "login0", Roles: []string{"Login"}},
			{InstanceID: "i-c0", HostName: "compute000"},
			{InstanceID: "i-c1", HostName: "compute001", Status: "stopped"},
			{InstanceID: "i-c2", HostName: "compute002"},
			{InstanceID: "i-c3", HostName: "compute003", LockReason: "recycling"},
			{InstanceID: "i-g0", HostName: "gpu000"},
		},
	}}})
}

func TestChosenNodesRunTheCommandAndNoOthers(t *testing.T) {
	t.Parallel()
	s := mixedSystem(t)
	const c = "--cluster=" + stack.ClusterID
	for name, tc := range map[string]struct {
		flags []string
		want  []string
	}{
		"by role":                {[]string{"--role", "login", "--role", "Manager"}, []string{"i-m", "i-l"}},
		"by role and status":     {[]string{"--role", "Compute", "--status", "running", "--exclude", "i-c3"}, []string{"i-c0", "i-c2", "i-g0"}},
		"by host name":           {[]string{"--host", "compute00[02]"}, []string{"i-c0", "i-c2"}},
		"all but some":           {[]string{"--all", "--exclude", "compute*", "--exclude", "i-m"}, []string{"i-l", "i-g0"}},
		"named ones that match":  {[]string{"--node", "i-g0", "--node", "i-c1", "--node", "i-c0", "--status", "running"}, []string{"i-c0", "i-g0"}},
		"named ones as they are": {[]string{"--node", "i-g0", "--node", "i-c0"}, []string{"i-g0", "i-c0"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.starter(append(append([]string{"run", c, "--json"}, tc.flags...), "--", "echo hi")...)
			require.Equal(t, 0, got.code, got.stdout+got.stderr)
			var report runs.Report
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &report))
			require.Equal(t, workflows.Succeeded, report.Verdict)
			var ran []string
			for _, node := range report.Nodes {
				ran = append(ran, node.InstanceID)
			}
			require.Equal(t, tc.want, ran)
		})
	}
	require.Equal(t, 4, s.Simulator.Executions("i-g0"))
	require.Zero(t, s.Simulator.Executions("i-c1")+s.Simulator.Executions("i-c3"))
}

func TestGoldenSkippedNodesAreInTheVerdict(t *testing.T) {
	t.Parallel()
	s := mixedSystem(t)
	report := s.runInput(func(in *workflows.RunCommandInput) {
		in.Command = "echo hi"
		in.Target = workflows.Target{SkipUnfit: true, Select: &workflows.Selector{
			Roles: []string{"Compute"}, HostNames: []string{"compute*", "login*"}, Excludes: []string{"compute002"},
		}}
	})
	require.Equal(t, runs.Completed, report.State, "%+v", report)
	require.Equal(t, workflows.Partial, report.Verdict)
	require.Equal(t, "skipped 2 nodes that cannot run a command: i-c1 is stopped, i-c3 is recycling", report.Reason)
	require.Equal(t, map[workflows.NodeState]int{activities.Succeeded: 1, activities.Skipped: 2}, report.Counts())
	require.Equal(t, "i-c0", report.Nodes[0].InstanceID)
	require.Equal(t, "compute001", report.Nodes[1].HostName)
	s.keep("skipped", report.RunID)
}

func TestGoldenASelectionThatMeansNothingRefusesTheRun(t *testing.T) {
	t.Parallel()
	s := mixedSystem(t)
	report := s.runInput(func(in *workflows.RunCommandInput) {
		in.Command = "echo never"
		in.Target = workflows.Target{Select: &workflows.Selector{Roles: []string{"Login"}, HostNames: []string{"compute*"}}}
	})
	require.Equal(t, workflows.ErrNoNodes, report.Error.Code)
	require.Contains(t, report.Error.Message, "(role Login; host name compute*); it has 7 nodes (Account 1, Compute 5, Login 1, Scheduler 1; running 6, stopped 1)")
	require.Zero(t, s.Simulator.Requests("InvokeShellCommand"))
	s.keep("no-nodes", report.RunID)
}

func TestAPlanShowsWhatARunWouldDoAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := mixedSystem(t)
	flags := []string{"--cluster=" + stack.ClusterID, "--role", "Compute", "--exclude", "gpu*", "--skip-unfit", "--nodes-per-command", "1", "--expect", "30s", "--", "echo hi"}

	shown := s.starter(append([]string{"plan"}, flags...)...)
	require.Equal(t, 0, shown.code, shown.stderr)
	for _, line := range []string{
		`i-c0 +compute000 +Compute +running`,
		`i-c1 +compute001 +Compute +stopped +skipped, cannot run a command: stopped`,
		`i-c3 +compute003 +Compute +running +skipped, cannot run a command: recycling`,
		`i-l +login0 +Login +running +left out: of another role`,
		`i-g0 +gpu000 +Compute +running +left out: excluded`,
		`Cluster +ehpc-sim-demo, 7 nodes \(Account 1, Compute 5, Login 1, Scheduler 1; running 6, stopped 1\)`,
		`Nodes +4 meant, compute000 to compute002; 2 of them skipped; 3 left out: 2 of another role, 1 excluded`,
		`Commands +2, each on 1 node`,
		`API calls +1 ListNodes, 2 InvokeShellCommand, 2 ListInvocationResults, about 2 to \d+ ListInvocationStatus \(60 to \d+ if it takes as long as expected\)`,
		`Text +\d+ of 2048 characters: 7 of the command, \d+ that make it run at most once`,
		`Command +echo hi`,
		`would run on 2 nodes of ehpc-sim-demo, and skip 2`,
	} {
		require.Regexp(t, line, shown.stdout)
	}
	asJSON := s.starter(append([]string{"plan", "--json"}, flags...)...)
	require.Equal(t, 0, asJSON.code, asJSON.stderr)
	var plan workflows.PlanCommandResult
	require.NoError(t, json.Unmarshal([]byte(asJSON.stdout), &plan))
	require.Len(t, plan.LeftOut, 3)
	require.Contains(t, plan.Text, "echo hi")
	require.Zero(t, s.Simulator.Requests("InvokeShellCommand"))

	before := map[string]int{"ListNodes": s.Simulator.Requests("ListNodes"), "ListInvocationResults": s.Simulator.Requests("ListInvocationResults")}
	run := s.starter(append([]string{"run", "--json"}, flags...)...)
	require.Equal(t, 4, run.code, "skipped nodes are no plain success")
	var report runs.Report
	require.NoError(t, json.Unmarshal([]byte(run.stdout), &report))
	require.Equal(t, workflows.Partial, report.Verdict)
	for i, node := range append(plan.Nodes, plan.Skipped...) {
		require.Equal(t, node.InstanceID, report.Nodes[i].InstanceID, "the run is about the nodes of the plan")
	}
	require.Equal(t, plan.Calls.InvokeShellCommand, s.Simulator.Requests("InvokeShellCommand"))
	require.Equal(t, plan.Calls.ListNodes, s.Simulator.Requests("ListNodes")-before["ListNodes"])
	require.Equal(t, plan.Calls.ListInvocationResults, s.Simulator.Requests("ListInvocationResults")-before["ListInvocationResults"])
	require.GreaterOrEqual(t, s.Simulator.Requests("ListInvocationStatus"), plan.Calls.ListInvocationStatus.Least)
}

func TestTheNodesOfAQueueRunTheCommandAsPlanned(t *testing.T) {
	t.Parallel()
	cluster := ehpcsim.DemoCluster(stack.ClusterID, 5)
	for i, queue := range []string{"cpu", "gpu", "cpu", "gpu", ""} {
		cluster.Nodes[i].Queue = queue
	}
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Clusters: []ehpcsim.Cluster{cluster, {
		ID: "west", Nodes: []ehpcsim.Node{{InstanceID: "i-w0", HostName: "west000", Queue: "gpu"}, {InstanceID: "i-w1", HostName: "west001"}},
	}}})
	flags := []string{"--cluster=" + stack.ClusterID, "--queue", "gpu", "--exclude", "compute003", "--", "echo hi"}

	shown := s.starter(append([]string{"plan"}, flags...)...)
	require.Equal(t, 0, shown.code, shown.stderr)
	for _, line := range []string{
		`NODE +HOST +ROLE +QUEUE +STATUS +REMARK`,
		`compute001 +Compute +gpu +running`,
		`compute003 +Compute +gpu +running +left out: excluded`,
		`compute004 +Compute +running +left out: of another queue`,
		`5 nodes \(Compute 5; queue gpu 2; running 5\)`,
		`Target +queue gpu; but not compute003`,
		`Nodes +1 meant; 4 left out: 3 of another queue, 1 excluded`,
		`API calls +1 ListNodes, 1 ListNodesByQueue, 1 InvokeShellCommand`,
	} {
		require.Regexp(t, line, shown.stdout)
	}
	before := s.Simulator.Requests("ListNodesByQueue")
	run := s.starter(append([]string{"run"}, flags...)...)
	require.Equal(t, 0, run.code, run.stdout+run.stderr)
	require.Equal(t, 1, s.Simulator.Requests("ListNodesByQueue")-before)
	for i, node := range cluster.Nodes {
		require.Equal(t, i == 1, s.Simulator.Executions(node.InstanceID) == 1, node.HostName)
	}

	misspelt := s.starter("run", "--cluster="+stack.ClusterID, "--queue", "gpu", "--queue", "gqu", "--", "echo hi")
	require.Equal(t, 2, misspelt.code, misspelt.stdout+misspelt.stderr)
	require.Contains(t, misspelt.stdout+misspelt.stderr, "nothing in cluster ehpc-sim-demo matches queue gqu")
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))

	both := s.starter("run", "--cluster="+stack.ClusterID, "--cluster=west", "--queue", "gpu", "--", "echo hi")
	require.Equal(t, 0, both.code, both.stdout+both.stderr)
	require.Equal(t, map[string]int{cluster.Nodes[1].InstanceID: 2, cluster.Nodes[3].InstanceID: 1, "i-w0": 1}, s.Simulator.Stats().Executions)
}

func TestAPlanOfARolloutShowsItsWaves(t *testing.T) {
	t.Parallel()
	s := mixedSystem(t)
	shown := s.starter("plan", "--cluster", stack.ClusterID, "--node", "i-c0", "--node", "i-c2", "--node", "i-l", "--status", "running",
		"--waves", "1,100%", "--pause", "first", "--max-failures", "50%", "--", "echo hi")
	require.Equal(t, 0, shown.code, shown.stderr)
	require.Contains(t, shown.stdout, "Waves      2\n           1: 1 node, ")
	require.Contains(t, shown.stdout, "; begins when it is approved\n")
	require.Contains(t, shown.stdout, "Budget     50% of 3: 1 node may fail, the 2nd breaches it")
	require.Contains(t, shown.stdout, "Commands   2, each on 1 to 2 nodes\n")
	require.Contains(t, shown.stdout, "would run on 3 nodes of "+stack.ClusterID+" in 2 waves\n")
	require.Zero(t, s.Simulator.Requests("InvokeShellCommand"))
}

func TestAPlanOfALargeClusterIsASummary(t *testing.T) {
	t.Parallel()
	cluster := ehpcsim.DemoCluster(stack.ClusterID, 250)
	cluster.Nodes[120].Status = "stopped"
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Clusters: []ehpcsim.Cluster{cluster}})
	shown := s.starter("plan", "--cluster", stack.ClusterID, "--all", "--skip-unfit", "--", "echo hi")
	require.Equal(t, 0, shown.code, shown.stderr)
	require.Contains(t, shown.stdout, "compute120")
	require.Contains(t, shown.stdout, "249 nodes not listed; --json has them all")
	require.Contains(t, shown.stdout, "250 meant, compute000 to compute249; 1 of them skipped")
	require.Contains(t, shown.stdout, "3, each on 100 nodes, the last on 49")
	require.Contains(t, shown.stdout, "3 ListNodes, 3 InvokeShellCommand, 5 ListInvocationResults")
	require.Less(t, strings.Count(shown.stdout, "\n"), 20)
}

func TestWhatCannotBePlannedSaysWhy(t *testing.T) {
	t.Parallel()
	s := mixedSystem(t)
	const c = "--cluster=" + stack.ClusterID
	for name, tc := range map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"unfit nodes":           {[]string{c, "--role", "Compute"}, 1, "the run would be refused: not every node that matches can run a command (i-c1 is stopped, i-c3 is recycling)", ""},
		"nothing matches":       {[]string{c, "--role", "Login", "--host", "gpu*"}, 1, "matches all of what was asked for (role Login; host name gpu*); it has 7 nodes", ""},
		"a misspelt word":       {[]string{c, "--all", "--exclude", "computer001", "--role", "Compte"}, 1, "matches role Compte, exclude computer001; it has 7 nodes", ""},
		"an unknown node":       {[]string{c, "--node", "i-c0", "--node", "i-gone", "--status", "running"}, 1, "matches node i-gone", ""},
		"named as they are":     {[]string{c, "--node", "i-gone"}, 0, "not looked at: named nodes are taken as they are", ""},
		"an unknown cluster":    {[]string{"--cluster", "ehpc-nowhere", "--all"}, 1, "", "no plan: ListNodes"},
		"only excludes":         {[]string{c, "--exclude", "i-c0"}, 2, "", "to run on all the others, say --all"},
		"everything wrong":      {[]string{"--role", "a,b", "--host", "[", "--timeout", "1s"}, 2, "", `no cluster: name one (--cluster); --role "a,b" holds a space or a comma: give each role by itself; --host "[" is no pattern: * stands for any characters, ? for one, [0-3] for one of these; the timeout is 1s`},
		"waves that do not fit": {[]string{c, "--role", "Compute", "--skip-unfit", "--waves", "1,10%", "--quorum", "9"}, 1, "the run would be refused: wave 2 is 10% of 3 nodes, which is less than one node", ""},
		"a wrong policy":        {[]string{c, "--all", "--waves", "0", "--soak", "soon"}, 2, "", `--soak: "soon" is no length of time: use one such as 90s, 10m or 24h; wave 1 is 0`},
		"a skip without a set":  {[]string{c, "--skip-unfit"}, 2, "", "no target"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.starter(append(append([]string{"plan"}, tc.args...), "--", "echo hi")...)
			require.Equal(t, tc.code, got.code, got.stdout+got.stderr)
			require.Contains(t, got.stdout, tc.stdout)
			require.Contains(t, got.stderr, tc.stderr)
			require.Equal(t, tc.stderr == "", got.stderr == "", got.stderr)
			require.Equal(t, tc.stdout == "", got.stdout == "", got.stdout)
		})
	}
	t.Run("no worker", func(t *testing.T) {
		t.Parallel()
		got := program(t, s.forPrograms().with("EHPCFLOW_TASK_QUEUE", "lonely"), "starter", "plan", c, "--all", "--", "echo hi")
		require.Equal(t, 3, got.code, got.stderr)
		require.Contains(t, got.stderr, "no worker serves")
	})
	t.Cleanup(func() { require.Zero(t, s.Simulator.Requests("InvokeShellCommand")) })
}
