package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// The rollouts of this file go over 500 nodes that really run the command, so they are
// none of the parallel ones.

func newFleet(t *testing.T) *system {
	t.Helper()
	return newSystemWith(t, stack.Options{Nodes: 500, Pace: quickPace(), Logger: zap.NewNop()})
}

// brokenFor3Percent is a command that fails on 15 of 500 nodes, 3 of them among the 50 of
// the second wave, until they are repaired.
func (s *system) brokenFor3Percent() (command string, repair func()) {
	s.t.Helper()
	repaired, list := filepath.Join(s.t.TempDir(), "repaired"), filepath.Join(s.t.TempDir(), "broken")
	var broken []string
	for i, node := range ehpcsim.DemoCluster(stack.ClusterID, 500).Nodes {
		if i == 10 || i == 20 || i == 30 || i > 100 && i%33 == 1 {
			broken = append(broken, node.InstanceID)
		}
	}
	require.Len(s.t, broken, 15)
	require.NoError(s.t, os.WriteFile(list, []byte(strings.Join(broken, "\n")), 0o600))
	return `! grep -q "$EHPC_INSTANCE_ID" ` + list + ` || [ -e ` + repaired + ` ]`,
		func() { require.NoError(s.t, os.WriteFile(repaired, nil, 0o600)) }
}

// mostExecutions is how often the command ran on a node at the most.
func (s *system) mostExecutions() int {
	most := 0
	for _, n := range s.Simulator.Stats().Executions {
		most = max(most, n)
	}
	return most
}

func (s *system) executed() int {
	all := 0
	for _, n := range s.Simulator.Stats().Executions {
		all += n
	}
	return all
}

func TestARolloutOver500NodesStopsAtItsBudgetAndARerunCompletesIt(t *testing.T) {
	s := newFleet(t)
	command, repair := s.brokenFor3Percent()
	first, second := "fleet-"+runs.NewID(), ""
	second = first + "-r2"

	rollout, said := background(t, s.forPrograms(), "starter", "run", "--cluster", stack.ClusterID, "--all", "--id", first,
		"--waves", "1,10%,100%", "--pause", "first", "--max-failures-per-wave", "5%", "--", command)
	await(t, 20*time.Second, "it asks for the approval", func() bool { return strings.Contains(said.String(), "starter approve "+first) })
	require.Equal(t, 1, s.executed(), "the canary only")
	approved := s.starter("approve", first, "--by", "ada", "--why", "the canary lives")
	require.Equal(t, 0, approved.code, approved.stderr)
	_ = rollout.Wait()
	require.Equal(t, 5, rollout.ProcessState.ExitCode(), said.String())
	require.Contains(t, said.String(), "aborted (48 succeeded, 3 nonzero, 449 skipped; "+
		"3 of 50 nodes of wave 2 failed (nonzero 3), the budget of a wave allows 5% (2))")
	require.Contains(t, said.String(), "ada  approve  the canary lives")
	require.Equal(t, 51, s.executed(), "nothing beyond the wave")

	repair()
	again, said := background(t, s.forPrograms(), "starter", "rerun", first, "--only", "failed,skipped")
	await(t, 20*time.Second, "it asks for the approval", func() bool { return strings.Contains(said.String(), "starter approve "+second) })
	approved = s.starter("approve", second, "--why", "repaired")
	require.Equal(t, 0, approved.code, approved.stderr)
	_ = again.Wait()
	require.Equal(t, 0, again.ProcessState.ExitCode(), said.String())
	history := s.starter("history", first)
	require.Equal(t, 0, history.code, history.stderr)
	require.Contains(t, history.stdout, "of 500 nodes 500 succeeded by now")
	require.Equal(t, 51+452, s.executed())
	require.Equal(t, 2, s.mostExecutions(), "only what had failed ran again")
}

func TestABudgetOf5PercentLets3PercentFail(t *testing.T) {
	s := newFleet(t)
	command, _ := s.brokenFor3Percent()
	done := s.starter("run", "--cluster", stack.ClusterID, "--all", "--waves", "1,10%,100%", "--max-failures", "5%", "--", command)
	require.Equal(t, 4, done.code, done.stderr)
	require.Contains(t, done.stdout, "partial (485 succeeded, 15 nonzero)")
	require.Equal(t, 500, s.executed())
}

func TestAWindowOver500NodesStopsWithinItsWidthOfTheBreach(t *testing.T) {
	s := newFleet(t)
	command, _ := s.brokenFor3Percent()
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command = command
		in.Policy.Concurrency = policy.Number(40)
		in.Policy.Budget.Whole = size(7)
	})
	report := s.end(id)
	require.Equal(t, workflows.Aborted, report.Verdict, report.Reason)
	counts := report.Counts()
	require.Equal(t, s.executed(), counts[activities.Succeeded]+counts[activities.Nonzero])
	require.Greater(t, counts[activities.Nonzero], 7)
	eighth, failed := 0, 0
	for i, node := range report.Nodes {
		if node.State == activities.Nonzero {
			if failed++; failed == 8 {
				eighth = i
			}
		}
	}
	started := 500 - counts[activities.Skipped]
	require.LessOrEqual(t, started, eighth+1+40, "no more than what ran when it failed")
	require.Equal(t, 1, s.mostExecutions())
	commands, events := s.Simulator.Requests("InvokeShellCommand"), len(s.history(id).GetEvents())
	t.Logf("%d of 500 nodes were started in %d commands, with %d events", started, commands, events)
}
