package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// unlessRepaired is a command that fails on one node until a file is there.
func (s *system) unlessRepaired() (command string, repair func()) {
	file := filepath.Join(s.t.TempDir(), "repaired")
	return `[ "$EHPC_INSTANCE_ID" != ` + s.nodes()[2] + ` ] || [ -e ` + file + ` ]`,
		func() { require.NoError(s.t, os.WriteFile(file, nil, 0o600)) }
}

func (s *system) named(change func(*workflows.RunCommandInput)) string {
	s.t.Helper()
	id := "run-of-" + strings.ReplaceAll(s.t.Name(), "/", "-")
	in := workflows.RunCommandInput{ClusterID: stack.ClusterID, Target: workflows.Target{All: true}, TimeoutSeconds: 120}
	change(&in)
	require.NoError(s.t, runs.Start(s.t.Context(), s.Client, s.place(), id, workflows.RolloutInput{RunCommandInput: in}))
	return id
}

func TestARerunOfWhatFailedCompletesTheChain(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	bad := s.nodes()[2]
	command, repair := s.unlessRepaired()
	first := s.named(func(in *workflows.RunCommandInput) {
		in.Command, in.ExpectedSeconds, in.GraceSeconds, in.WorkingDir = command, 7, 3, "/tmp"
	})
	require.Equal(t, workflows.Partial, s.end(first).Verdict)

	still := s.starter("rerun", first, "--timeout", "90s")
	require.Equal(t, 1, still.code, still.stderr)
	require.Contains(t, still.stdout, "rerun of "+first+" (failed, lost, skipped)")
	second := first + "-r2"
	report, err := runs.Read(t.Context(), s.Client, second)
	require.NoError(t, err)
	require.Len(t, report.Nodes, 1)
	require.Equal(t, bad, report.Nodes[0].InstanceID)
	require.Equal(t, &workflows.Lineage{Run: first, First: first, Sets: []string{"failed", "lost", "skipped"}}, report.Lineage)
	in := s.inputOf(second)
	require.Equal(t, []int{90, 7, 3}, []int{in.TimeoutSeconds, in.ExpectedSeconds, in.GraceSeconds}, "one is replaced, the others are as before")
	require.Equal(t, command, in.Command)
	require.Equal(t, "/tmp", in.WorkingDir)

	open := s.starter("history", second)
	require.Equal(t, 1, open.code, open.stderr)
	require.Contains(t, open.stdout, "of 4 nodes 3 succeeded by now, 1 open:\n  "+bad)
	require.Contains(t, open.stdout, "nonzero in "+second)

	repair()
	named := s.starter("rerun", second, "--only", "nonzero", "--id", "repaired-"+first)
	require.Equal(t, 0, named.code, named.stderr)
	require.Contains(t, named.stdout, "rerun of "+second+" (nonzero), first run "+first)
	await(t, 20*time.Second, "a rerun of another name is listed", func() bool {
		return strings.Contains(s.starter("history", first).stdout, "repaired-"+first)
	})
	for _, asked := range []string{first, second, "repaired-" + first} {
		shown := s.starter("history", asked)
		require.Equal(t, 0, shown.code, shown.stderr)
		for _, want := range []string{first + " ", second + " ", "repaired-" + first, "nonzero of " + second, "of 4 nodes 4 succeeded by now\n"} {
			require.Contains(t, shown.stdout, want)
		}
	}
	var chain struct {
		Runs []struct {
			RunID   string             `json:"run"`
			Lineage *workflows.Lineage `json:"lineage"`
		}
		NodeCount, Succeeded int
		Open                 []runs.Standing
	}
	require.NoError(t, json.Unmarshal([]byte(s.starter("history", first, "--json").stdout), &chain))
	require.Len(t, chain.Runs, 3)
	require.Equal(t, 4, chain.NodeCount)
	require.Equal(t, 4, chain.Succeeded)
	require.NotNil(t, chain.Open)
	require.Empty(t, chain.Open)
	require.Equal(t, 6, s.executions())

	again := s.starter("rerun", first)
	require.Equal(t, 2, again.code, again.stderr)
	require.Contains(t, again.stderr, "every node of run "+first+" that is failed or lost or skipped was run again since")
	require.Equal(t, 6, s.executions())
}

func (s *system) inputOf(id string) workflows.RunCommandInput {
	s.t.Helper()
	var in workflows.RunCommandInput
	started := s.history(id).GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	require.NoError(s.t, dataConverter.FromPayloads(started.GetInput(), &in))
	return in
}

func TestARunTakesTheNodesOfPastRuns(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	command, _ := s.unlessRepaired()
	first := s.named(func(in *workflows.RunCommandInput) { in.Command = command })
	require.Equal(t, 1, s.end(first).Counts()[activities.Nonzero])
	nodes := s.nodes()

	failed := s.starter("run", "--from", "failed:"+first, "--json", "--", "echo other")
	require.Equal(t, 0, failed.code, failed.stderr)
	var report runs.Report
	require.NoError(t, json.Unmarshal([]byte(failed.stdout), &report))
	require.Len(t, report.Nodes, 1)
	require.Equal(t, nodes[2], report.Nodes[0].InstanceID)
	require.Equal(t, []string{"failed:" + first}, report.From)
	require.Contains(t, s.starter("status", report.RunID).stdout, "nodes from failed:"+first)

	both := s.starter("run", "--from", "failed:"+first, "--from", "succeeded:"+first, "--cluster", stack.ClusterID,
		"--node", nodes[3], "--node", nodes[2], "--", "echo other")
	require.Equal(t, 0, both.code, both.stderr)
	require.Contains(t, both.stdout, "succeeded (2 succeeded)")

	fitting := s.starter("plan", "--from", "failed:"+first, "--from", "succeeded:"+first, "--exclude", "compute000", "--json", "--", "echo other")
	require.Equal(t, 0, fitting.code, fitting.stderr)
	require.Contains(t, fitting.stdout, `"nodes": 3`, "all but the excluded one")
	require.Contains(t, s.starter("history", first).stdout, "of 4 nodes 3 succeeded by now", "another command is not of the chain")
}

func TestAPastRunThatCannotBeATargetIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	ended := s.run("echo hi").RunID
	going := s.start("sleep 300")
	await(t, 20*time.Second, "it runs", func() bool { return s.phase(going) == workflows.Watching })
	before := s.Simulator.Requests("InvokeShellCommand")
	for name, tc := range map[string]struct {
		args []string
		says []string
	}{
		"a rerun of an unknown run":         {[]string{"rerun", "run-nowhere"}, []string{"there is no run run-nowhere"}},
		"a rerun of a run that goes on":     {[]string{"rerun", going}, []string{going + " still goes on"}},
		"a rerun of nothing":                {[]string{"rerun", ended}, []string{"no node of run " + ended + " is failed or lost or skipped (4 succeeded)", "--only"}},
		"a rerun of no set":                 {[]string{"rerun", ended, "--only", "broken"}, []string{`"broken" is no set`, "timed_out"}},
		"a rerun of another command":        {[]string{"rerun", ended, "--", "echo ho"}, []string{"another command is a new run", "starter run --from failed:" + ended}},
		"wrong flags of a rerun":            {[]string{"rerun", ended, "--only", "x", "--timeout", "1500ms", "--grace", "0"}, []string{"--only", "--timeout is 1.5s", "--grace is 0"}},
		"a wrong timeout of a rerun":        {[]string{"rerun", ended, "--only", "succeeded", "--timeout", "10s"}, []string{"the timeout is 10s"}},
		"a rerun under a name that ran":     {[]string{"rerun", ended, "--only", "succeeded", "--id", going}, []string{"exists already"}},
		"the history of an unknown run":     {[]string{"history", "run-nowhere"}, []string{"there is no run"}},
		"nodes of unknown and running runs": {[]string{"run", "--from", "failed:run-nowhere", "--from", "failed:" + going, "--", "echo"}, []string{"there is no run", "still goes on"}},
		"nodes of an empty set":             {[]string{"run", "--from", "failed:" + ended, "--from", "lost:" + ended, "--", "echo"}, []string{"is failed (4 succeeded)", "is lost (4 succeeded)"}},
		"nodes of another cluster":          {[]string{"run", "--cluster", "ehpc-other", "--from", "succeeded:" + ended, "--", "echo"}, []string{"was on cluster " + stack.ClusterID, "ehpc-other"}},
		"nodes of no run, and all":          {[]string{"run", "--all", "--from", "failed", "--", "w"}, []string{"names no run", "choose one", "has 1 character,"}},
		"named nodes beside the set":        {[]string{"run", "--from", "succeeded:" + ended, "--node", "i-elsewhere", "--", "echo"}, []string{"none of the nodes that --node names"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := program(t, s.forPrograms(), "starter", tc.args...)
			require.Equal(t, 2, got.code, got.stderr)
			for _, says := range tc.says {
				require.Contains(t, got.stderr, says)
			}
			require.Empty(t, got.stdout)
		})
	}
	require.Equal(t, before, s.Simulator.Requests("InvokeShellCommand"), "nothing was started")
}

func TestNodesThatMayStillRunTheCommandAreRunAgainOnlyWhenNamed(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	first := s.named(func(in *workflows.RunCommandInput) {
		in.Command = `case $HOSTNAME in *000) exit 3;; *001) exit 0;; esac; sleep 300`
	})
	await(t, 20*time.Second, "two run on", func() bool {
		counts := s.read(first).Counts()
		return counts[activities.Running] == 2 && counts[activities.Finished] == 2
	})
	require.NoError(t, s.Client.TerminateWorkflow(t.Context(), first, "", "for the test"))

	none := s.starter("rerun", first)
	require.Equal(t, 2, none.code, none.stderr)
	require.Contains(t, none.stderr, "4 nodes left out: the command may still be running there, or its outcome is not known")
	require.Contains(t, none.stderr, "(2 finished, 2 running)")

	again, said := background(t, s.forPrograms(), "starter", "rerun", first, "--only", "unknown")
	await(t, 20*time.Second, "it runs there", func() bool { return strings.Contains(said.String(), first+"-r2") && s.executions() > 4 })
	require.NoError(t, again.Process.Kill())
	same := s.starter("rerun", first, "--only", "unknown")
	require.Equal(t, 2, same.code, same.stderr)
	require.Contains(t, same.stderr, "run "+first+"-r2 of the same chain still goes on, on 4 nodes of these")
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), first+"-r2", ""))
	s.end(first + "-r2")
}
