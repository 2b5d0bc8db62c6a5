package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// clustersSystem has as many clusters of two nodes each.
func clustersSystem(t *testing.T, ids ...string) *system {
	t.Helper()
	o := stack.Options{Pace: quickPace(), Logger: zap.NewNop()}
	for _, id := range ids {
		o.Clusters = append(o.Clusters, ehpcsim.Cluster{ID: id, Nodes: []ehpcsim.Node{
			{InstanceID: "i-" + id + "-0", HostName: id + "-compute000"}, {InstanceID: "i-" + id + "-1", HostName: id + "-compute001"},
		}})
	}
	return newSystemWith(t, o)
}

func (s *system) startClusters(command string, change func(*workflows.ClustersInput), ids ...string) string {
	s.t.Helper()
	in := workflows.ClustersInput{Run: workflows.RolloutInput{RunCommandInput: workflows.RunCommandInput{
		Command: command, Target: workflows.Target{All: true}, TimeoutSeconds: 120,
	}}}
	for _, id := range ids {
		in.Clusters = append(in.Clusters, workflows.ClusterTarget{ClusterID: id})
	}
	if change != nil {
		change(&in)
	}
	id := runs.NewID()
	require.NoError(s.t, runs.StartClusters(s.t.Context(), s.Client, s.place(), id, in))
	return id
}

func (s *system) readClusters(id string) runs.ClustersReport {
	report, err := runs.ReadClusters(s.t.Context(), s.Client, id)
	require.NoError(s.t, err)
	return report
}

func (s *system) endClusters(id string) runs.ClustersReport {
	s.t.Helper()
	report, err := runs.FollowClusters(s.t.Context(), s.Client, id, func(runs.ClustersReport) {})
	require.NoError(s.t, err)
	return report
}

func TestGoldenClustersRunAtTheSameTimeAndOneFails(t *testing.T) {
	t.Parallel()
	s := clustersSystem(t, "east", "west")
	id := s.startClusters(`sleep 3; case $HOSTNAME in west*) exit 4;; esac; echo hi`, nil, "east", "west")
	await(t, 20*time.Second, "both run, and say how", func() bool {
		clusters := s.readClusters(id).Clusters
		return len(clusters) == 2 && clusters[0].States[activities.Running] == 2 && clusters[1].States[activities.Running] == 2
	})
	report := s.endClusters(id)
	require.Equal(t, runs.Completed, report.State)
	require.Equal(t, workflows.Partial, report.Verdict)
	require.Equal(t, "1 succeeded, 1 failed", report.ClustersText())
	require.Equal(t, map[workflows.NodeState]int{activities.Nonzero: 2}, report.Clusters[1].States)

	own := s.end(report.Clusters[0].RunID)
	require.Equal(t, id+"/east", own.RunID)
	require.Equal(t, "hi\n", own.Nodes[1].Output)
	s.keep("clusters", id)
}

func TestGoldenCancellingARunOnClustersStopsTheCommandOnEachOfThem(t *testing.T) {
	t.Parallel()
	s := clustersSystem(t, "east", "west", "north")
	id := s.startClusters("sleep 300", func(in *workflows.ClustersInput) { in.AtOnce, in.Run.GraceSeconds = 2, 1 }, "east", "west", "north")
	await(t, 20*time.Second, "two run", func() bool { return s.Simulator.Stats().Running == 4 })
	require.NoError(t, runs.Cancel(t.Context(), s.Client, id))
	report := s.endClusters(id)
	require.Zero(t, s.Simulator.Stats().Running)
	require.Equal(t, workflows.Canceled, report.Verdict)
	for _, cluster := range report.Clusters[:2] {
		require.Equal(t, map[workflows.NodeState]int{activities.Stopped: 2}, cluster.States)
		require.Equal(t, runs.Canceled, s.read(cluster.RunID).State)
	}
	require.Zero(t, s.Simulator.Executions("i-north-0"))
	s.keep("clusters-cancelled", id)
}

func TestGoldenAClusterThatIsRefusedHoldsTheNext(t *testing.T) {
	t.Parallel()
	s := clustersSystem(t, "east", "west")
	id := s.startClusters("echo hi", func(in *workflows.ClustersInput) {
		in.AtOnce, in.OnFailure = 1, workflows.HoldOthers
	}, "nowhere", "east", "west")
	report := s.endClusters(id)
	require.Equal(t, runs.Completed, report.State, "what becomes of a cluster is an outcome")
	require.Equal(t, workflows.Failed, report.Verdict)
	require.Equal(t, "ClusterNotFound", report.Clusters[0].Error.Code)
	require.Equal(t, "nowhere did not succeed, so that these were skipped: east, west", report.Reason)
	require.Zero(t, s.Simulator.Requests("InvokeShellCommand"))
	s.keep("clusters-held", id)
}

func TestStarterStopsEveryCluster(t *testing.T) {
	t.Parallel()
	s := clustersSystem(t, "east", "west", "north")
	id := s.startClusters("sleep 300", func(in *workflows.ClustersInput) { in.AtOnce, in.Run.GraceSeconds = 2, 1 }, "east", "west", "north")
	await(t, 20*time.Second, "two run", func() bool { return s.Simulator.Stats().Running == 4 })
	shown := s.starter("status", id)
	require.Equal(t, 0, shown.code, shown.stderr)
	require.Contains(t, shown.stdout, "run "+id+" goes on, watching: 2 running, 1 waiting")
	got := s.starter("cancel", id)
	require.Equal(t, 0, got.code, got.stdout+got.stderr)
	require.Contains(t, got.stdout, "run "+id+": cancelled; 2 cancelled, 1 skipped")
	require.Contains(t, got.stdout, "2 stopped")
	require.Zero(t, s.Simulator.Stats().Running)
}

func TestEndingARunOnClustersFromOutsideStopsThemToo(t *testing.T) {
	t.Parallel()
	s := clustersSystem(t, "east", "west")
	id := s.startClusters("sleep 300", func(in *workflows.ClustersInput) { in.Run.GraceSeconds = 1 }, "east", "west")
	await(t, 20*time.Second, "both run", func() bool { return s.Simulator.Stats().Running == 4 })
	require.NoError(t, s.Client.TerminateWorkflow(t.Context(), id, "", "from outside"))
	await(t, 30*time.Second, "nothing runs", func() bool { return s.Simulator.Stats().Running == 0 })
	require.Contains(t, s.readClusters(id).Error.Message, "cancelled by that")
}

func TestAClusterWhoseRunExistsAlreadyIsNotRunOnAgain(t *testing.T) {
	t.Parallel()
	s := clustersSystem(t, "east", "west")
	id := s.startClusters("echo hi", nil, "east", "west")
	require.True(t, s.endClusters(id).Succeeded())
	s.reset(id)
	report := s.endClusters(id)
	require.Equal(t, "2 not followed to its end", report.ClustersText())
	require.Equal(t, "AlreadyStarted", report.Clusters[1].Error.Code)
	require.Contains(t, report.Clusters[1].Error.Message, "see starter status "+id+"/west")
	require.Equal(t, 1, s.Simulator.Executions("i-east-0"))
	require.Equal(t, 1, s.Simulator.Executions("i-west-1"))
}

func TestStarterRunsOnSeveralClustersAndNamesTheirRuns(t *testing.T) {
	t.Parallel()
	s := clustersSystem(t, "east", "west")
	flags := []string{"--cluster", "east", "--cluster", "west", "--all"}

	plan := s.starter(append(append([]string{"plan"}, flags...), "--", "echo hi")...)
	require.Equal(t, 0, plan.code, plan.stderr)
	require.Contains(t, plan.stdout, "would run on 2 nodes of east")
	require.Contains(t, plan.stdout, "would run on 2 nodes of west")
	missing := s.starter("plan", "--cluster", "nowhere", "--cluster", "west", "--all", "--", "echo hi")
	require.Equal(t, 1, missing.code)
	require.Contains(t, missing.stderr, "nowhere: no plan: ListNodes")
	require.Contains(t, missing.stdout, "would run on 2 nodes of west")

	id := "several-" + s.queue
	ran := s.starter(append(append([]string{"run", "--id", id}, flags...), "--", "echo hi from $HOSTNAME")...)
	require.Equal(t, 0, ran.code, ran.stdout+ran.stderr)
	require.Contains(t, ran.stdout, "run "+id+": succeeded (2 succeeded)")
	require.Regexp(t, `east succeeded: 2 succeeded\n`, ran.stderr)

	shown := s.starter("status", id, "--json")
	require.Equal(t, 0, shown.code, shown.stderr)
	var report runs.ClustersReport
	require.NoError(t, json.Unmarshal([]byte(shown.stdout), &report))
	require.Equal(t, workflows.Succeeded, report.Verdict)
	require.Equal(t, id+"/west", report.Clusters[1].RunID)
	one := s.starter("status", id+"/west")
	require.Equal(t, 0, one.code, one.stderr)
	require.Contains(t, one.stdout, "hi from west-compute001")

	for name, args := range map[string][]string{
		"rerun":   {"rerun", id},
		"history": {"history", id},
		"answer":  {"answer", id, "resubmit"},
		"from":    {"run", "--from", "succeeded:" + id, "--", "echo hi"},
	} {
		refused := s.starter(args...)
		require.Equal(t, 2, refused.code, name)
		require.Contains(t, refused.stderr, fmt.Sprintf("run %s is on several clusters, each of which has a run of its own: name one of %s/east, %s/west", id, id, id), name)
	}
	again := s.starter("cancel", id)
	require.Equal(t, 2, again.code)
	require.Contains(t, again.stderr, "has ended already")
	other := s.starter("run", "--from", "succeeded:"+id+"/east", "--", "echo again")
	require.Equal(t, 0, other.code, other.stderr)
	rerun := s.starter("rerun", id+"/east", "--only", "succeeded")
	require.Equal(t, 0, rerun.code, rerun.stderr)
	require.Contains(t, rerun.stderr, "run "+id+"/east-r2 on cluster east")
}

// The names of the clusters' runs hold a slash, which the Web UI has to bear.
func TestTheWebUIShowsTheRunOfACluster(t *testing.T) {
	t.Parallel()
	s := clustersSystem(t, "east", "west")
	id := s.startClusters("echo hi", nil, "east", "west")
	require.True(t, s.endClusters(id).Succeeded())
	name := url.PathEscape(workflows.ClusterRunID(id, "east"))
	require.Contains(t, name, "%2F")
	for path, want := range map[string]string{
		"": `"name":"RunCommand"`, "/history": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
	} {
		resp, err := http.Get(temporal.UIURL() + "/api/v1/namespaces/" + devserver.Namespace + "/workflows/" + name + path)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode, string(body))
		require.Contains(t, strings.ReplaceAll(string(body), " ", ""), want)
	}
}

func TestGoldenEachClusterHasItsOwnRolloutAndIsSteeredByItsName(t *testing.T) {
	t.Parallel()
	s := clustersSystem(t, "east", "west")
	id := s.startClusters(`case $HOSTNAME in west*) exit 4;; esac; echo hi`, func(in *workflows.ClustersInput) {
		in.Run.Policy.Waves = sizes(t, "1,1")
		in.Run.Policy.Pause = []policy.Pause{policy.PauseFirst}
		in.Run.Policy.Budget.Whole = size(0)
	}, "east", "west")
	await(t, 20*time.Second, "one waits for its approval, the other has breached its budget", func() bool {
		clusters := s.readClusters(id).Clusters
		return len(clusters) == 2 && clusters[1].Verdict == workflows.Aborted &&
			strings.Contains(s.readClusters(id).Troubles["east"], "starter approve "+id+"/east")
	})
	parent := s.starter("approve", id, "--why", "both")
	require.Equal(t, 2, parent.code, "%+v", parent)
	require.Contains(t, parent.stderr, "each of which has a run of its own: name one of "+id+"/east, "+id+"/west")
	approved := s.starter("approve", id+"/east", "--why", "the canary lives")
	require.Equal(t, 0, approved.code, approved.stderr)
	report := s.endClusters(id)
	require.Equal(t, workflows.Partial, report.Verdict)
	require.Equal(t, "1 succeeded, 1 aborted", report.ClustersText())
	require.Equal(t, map[workflows.NodeState]int{activities.Nonzero: 1, activities.Skipped: 1}, report.Clusters[1].States)
	s.keep("clusters-rollouts", id)
}
