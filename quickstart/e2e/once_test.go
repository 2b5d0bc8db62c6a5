package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
)

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

func TestAStoppingWorkerFinishesTheSubmitUnderWay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Delay: 4 * time.Second})
	worker, said := background(t, s.forPrograms(), "worker")
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	id := s.start("echo once")
	await(t, 20*time.Second, "it submits", func() bool { return s.Simulator.Requests("InvokeShellCommand") == 1 })
	require.NoError(t, worker.Process.Signal(syscall.SIGTERM))
	require.NoError(t, worker.Wait())
	require.NoError(t, s.StartWorker())
	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	require.False(t, report.Commands[0].Adopted, "the answer was recorded by the worker that stopped")
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))
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
