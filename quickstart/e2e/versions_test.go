package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// makeCurrent does what temporal worker deployment set-current-version does, as soon as
// the server knows the version.
func (s *system) makeCurrent(deployment, buildID string) {
	s.t.Helper()
	await(s.t, 30*time.Second, buildID+" becomes the current version", func() bool {
		_, err := s.Client.WorkerDeploymentClient().GetHandle(deployment).SetCurrentVersion(s.t.Context(),
			client.WorkerDeploymentSetCurrentVersionOptions{BuildID: buildID})
		return err == nil
	})
}

func TestARunInFlightSurvivesAnUpgradeOfItsWorker(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	const deployment = "ehpcflow-upgraded"
	build := func(id string) []string { return []string{"--deployment", deployment, "--build-id", id} }
	_, stopOld, said := startMeasured(t, s.forPrograms(), build("v1")...)
	require.Contains(t, said.String(), "temporal worker deployment set-current-version --deployment-name "+deployment+" --build-id v1")

	early := s.starter("run", "--cluster", stack.ClusterID, "--all", "--id", "early-"+t.Name(), "--", "echo too early")
	require.Equal(t, 3, early.code, early.stdout+early.stderr)
	require.Contains(t, early.stderr, "no version of it is current", "a run would wait for ever")
	require.Contains(t, early.stderr, "--deployment-name "+deployment+" --build-id v1")
	require.Equal(t, 1, strings.Count(early.stderr, "\n"), early.stderr)
	_, err := runs.Read(t.Context(), s.Client, "early-"+t.Name())
	require.ErrorAs(t, err, new(*runs.NotFoundError), "nothing is left of it")

	s.makeCurrent(deployment, "v1")
	id := s.start("sleep 12; echo upgraded")
	await(t, 30*time.Second, "the run is watched", func() bool { return s.phase(id) == workflows.Watching })

	address, _, _ := startMeasured(t, s.forPrograms(), build("v2")...)
	s.makeCurrent(deployment, "v2")
	stopOld()
	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Equal(t, "upgraded\n", report.Nodes[0].Output)
	require.Equal(t, 4, s.executions(), "it ran once on each node")
	ended := counts(scrape(t, address)["ehpcflow_runs_ended_total"], "verdict")
	require.Equal(t, map[string]int{"succeeded": 1}, ended, "the new worker ended it")

	after := s.starter("run", "--cluster", stack.ClusterID, "--all", "--", "echo after")
	require.Equal(t, 0, after.code, after.stderr)
	shown := s.starter("status", id)
	require.Equal(t, 0, shown.code, shown.stderr)
}
