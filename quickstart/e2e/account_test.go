package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

func TestWhatTheAccountHasIsListed(t *testing.T) {
	t.Parallel()
	cluster := ehpcsim.DemoCluster(stack.ClusterID, 3)
	cluster.Nodes[1].Status, cluster.Nodes[2].Queue = "stopped", "gpu"
	cluster.Nodes = append(cluster.Nodes, ehpcsim.Node{InstanceID: "i-l", HostName: "login0", Roles: []string{"Login"}, LockReason: "financial"})
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Clusters: []ehpcsim.Cluster{cluster, {ID: "west", Status: "creating"}}})
	shows := func(args []string, lines ...string) {
		t.Helper()
		got := s.starter(args...)
		require.Equal(t, 0, got.code, got.stderr)
		require.Empty(t, got.stderr)
		for _, line := range lines {
			require.Regexp(t, line, got.stdout)
		}
	}
	c := "--cluster=" + stack.ClusterID

	shows([]string{"clusters"}, `CLUSTER +NAME +STATUS +REGION +SCHEDULER +COMPUTE NODES`,
		stack.ClusterID+` +`+stack.ClusterID+` +running +cn-hangzhou +slurm +3, 2 running`, `west +west +creating +cn-hangzhou +slurm +0, 0 running`)
	shows([]string{"nodes", c}, `ROLE +HOST +STATUS +NODE +REMARK\n +Compute +compute000 +running +i-sim000000000001\n`,
		`Login +login0 +running +i-l +cannot run a command: financial`, `4 of cluster ehpc-sim-demo, which has 4 nodes \(Compute 3, Login 1; running 3, stopped 1\)`)
	shows([]string{"nodes", c, "--role", "Compute", "--status", "running", "--queue", "gpu", "--host", "compute*"},
		`ROLE +QUEUE +HOST`, `Compute +gpu +compute002`, `^[^1]*1 of cluster|\n1 of cluster`)
	shows([]string{"nodes", c, "--role", "Compte"}, `^0 of cluster ehpc-sim-demo, .*; nothing in it matches role Compte\n$`)

	shows([]string{"commands", c}, "the service lists no commands of this cluster")
	require.Equal(t, 0, s.starter("run", c, "--node", cluster.Nodes[0].InstanceID, "--", "echo hi; echo there").code)
	require.Equal(t, 0, s.starter("run", c, "--node", cluster.Nodes[0].InstanceID, "--raw", "--", "echo raw").code)
	shows([]string{"commands", c}, `COMMAND +SUBMITTED BY +TIMEOUT +TEXT`, `others +\d+s +echo raw\n`, `ehpcflow, as [a-z2-7]{13} +\d+s +echo hi; echo there\n`)
	shows([]string{"commands", c, "--limit", "1"}, `echo raw`, `there are more \(--limit\)`)

	var listed struct{ Commands []activities.ClusterCommand }
	got := s.starter("commands", c, "--json")
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &listed))
	require.Equal(t, "echo hi; echo there", listed.Commands[1].Text)
	require.Len(t, listed.Commands[1].Token, 13)
}

func TestALargeClusterIsListedWhole(t *testing.T) {
	t.Parallel()
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Nodes: 10_000})
	var listed struct{ Nodes []activities.Node }
	got := s.starter("nodes", "--cluster", stack.ClusterID, "--json")
	require.Equal(t, 0, got.code, got.stderr)
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &listed))
	require.Len(t, listed.Nodes, 10_000)
	require.Equal(t, "compute9999", listed.Nodes[9_999].HostName)
	require.Equal(t, 10_002, strings.Count(s.starter("nodes", "--cluster", stack.ClusterID).stdout, "\n")-1)
}

func TestWhatCannotBeListedSaysWhy(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	c := "--cluster=" + stack.ClusterID
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a word too many":    {[]string{"clusters", "all"}, 2, `starter: clusters takes only flags, and no "all"; see starter clusters --help`},
		"no cluster":         {[]string{"nodes", "--role", "a b"}, 2, `starter: no cluster: name one (--cluster); --role "a b" holds a space or a comma: give each role by itself`},
		"a limit of 0":       {[]string{"commands", c, "--limit", "0"}, 2, "starter: 0 commands are asked for (--limit): use 1 to 500"},
		"an unknown cluster": {[]string{"nodes", "--cluster", "ehpc-x"}, 1, "starter: no list of the nodes: ListNodes on cluster ehpc-x: ClusterNotFound (HTTP 404)"},
		"no commands of it":  {[]string{"commands", "--cluster", "ehpc-x"}, 1, "; check the cluster id and the worker's region\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.starter(tc.args...)
			require.Equal(t, tc.code, got.code, got.stderr)
			require.Contains(t, got.stderr, tc.says)
			require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
			require.Empty(t, got.stdout)
		})
	}
}

func TestAWorkerThatIsTooOldIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	queue := t.Name() + "-old"
	old := worker.New(s.Client, queue, worker.Options{})
	old.RegisterWorkflow(workflows.RunCommand)
	old.RegisterActivity(&activities.Activities{})
	require.NoError(t, old.Start())
	t.Cleanup(old.Stop)

	got := program(t, s.forPrograms().with("EHPCFLOW_TASK_QUEUE", queue), "starter", "clusters")
	require.Equal(t, 1, got.code, got.stderr)
	require.Equal(t, "starter: no list of the clusters: the worker that was asked is older than starter and does not know the question: bring every worker of the task queue up to date\n", got.stderr)
}
