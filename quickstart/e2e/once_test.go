package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
)

func TestACommandIsNotSentAgainWhenItsAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Drop: ehpcsim.DropAfter, Times: -1})
	report := s.run("echo once")
	require.Equal(t, runs.Failed, report.State)
	require.Contains(t, report.Error.Message, "may be running and was not sent again")
	require.Equal(t, 4, report.Counts()[activities.Unknown])
	await(t, 10*time.Second, "every node runs it once", func() bool { return s.executions() == 4 })
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))
}

func TestACommandIsNotSentAgainWhenTheServiceFailsDoubtfully(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Code: "ServiceUnavailable", Times: -1})
	report := s.run("echo once")
	require.Equal(t, "ServiceUnavailable", report.Error.Code)
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))
}

func TestAWatchGoesOnInAnotherWorker(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.start("sleep 8; echo done")
	await(t, 20*time.Second, "running", func() bool {
		report, err := runs.Read(t.Context(), s.Client, id)
		require.NoError(t, err)
		return report.Counts()[activities.Running] == 4
	})
	stopping := time.Now()
	s.StopWorker()
	require.Less(t, time.Since(stopping), 10*time.Second, "a stopping worker lets go of its watches")
	require.NoError(t, s.StartWorker())
	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Equal(t, 4, s.executions())
}

func TestNothingIsStartedWhenANodeIsDown(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.SetNodeStatus("ehpc-sim-demo", s.nodes()[1], "stopped")
	report := s.run("echo never")
	require.Equal(t, "UnfitNodes", report.Error.Code)
	require.Contains(t, report.Error.Message, s.nodes()[1]+" is stopped")
	require.Zero(t, s.Simulator.Requests("InvokeShellCommand"))
}
