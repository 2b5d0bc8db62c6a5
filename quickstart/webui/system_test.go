// Package webui looks at runs as a person finds and sees them: by search attributes, and
// in the Web UI, through a real browser.
package webui

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// temporal is the one server of this package.
var temporal *devserver.Server

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if temporal, err = devserver.Start(devserver.Options{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer temporal.Stop() //nolint:errcheck // the tests are over
		return m.Run()
	}())
}

// system is a simulated cluster and a worker of a test's own.
type system struct {
	*stack.Stack
	t    *testing.T
	gate string // a file for which commands may wait
}

func newSystem(t *testing.T) *system {
	t.Helper()
	return newSystemOn(t, temporal)
}

func newSystemOn(t *testing.T, server *devserver.Server) *system {
	t.Helper()
	pace := activities.DefaultPace()
	pace.Look = activities.Bounds{Min: 100 * time.Millisecond, Max: time.Second}
	s, err := stack.Start(t.Context(), stack.Options{
		Temporal: server.Address(), SimulatorAddress: "127.0.0.1:0", Nodes: 4, Pace: pace, TaskQueue: t.Name(), Logger: zap.NewNop(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return &system{s, t, filepath.Join(t.TempDir(), "gate")}
}

// open lets the commands go on that wait for the gate.
func (s *system) open() {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(s.gate, nil, 0o600))
}

func (s *system) place() runs.Place {
	return runs.Place{Namespace: devserver.Namespace, TaskQueue: s.t.Name()}
}

func (s *system) input(command string) workflows.RolloutInput {
	return workflows.RolloutInput{RunCommandInput: workflows.RunCommandInput{
		ClusterID: stack.ClusterID, Target: workflows.Target{All: true}, Command: command, TimeoutSeconds: 120,
	}}
}

// start starts a run on all nodes and returns its name.
func (s *system) start(command string) string {
	s.t.Helper()
	id := runs.NewID()
	require.NoError(s.t, runs.Start(s.t.Context(), s.Client, s.place(), id, s.input(command)))
	return id
}

func (s *system) end(id string) runs.Report {
	s.t.Helper()
	report, err := runs.Follow(s.t.Context(), s.Client, id, func(runs.Report) {})
	require.NoError(s.t, err)
	return report
}

func (s *system) list(q runs.Query) []runs.Listed {
	s.t.Helper()
	if q.Limit == 0 {
		q.Limit = 20
	}
	require.Empty(s.t, q.Problems())
	list, err := runs.ReadList(s.t.Context(), s.Client, q)
	require.NoError(s.t, err)
	return list.Runs
}

// await waits until a run is listed so.
func (s *system) await(id string, is func(runs.Listed) bool) runs.Listed {
	s.t.Helper()
	var found runs.Listed
	require.Eventually(s.t, func() bool {
		for _, run := range s.list(runs.Query{Text: id}) {
			if run.RunID == id {
				found = run
			}
		}
		return found.RunID == id && is(found)
	}, time.Minute, 100*time.Millisecond, "how run %s is listed", id)
	return found
}

// awaitCounts waits until so many nodes of a run have ended.
func (s *system) awaitCounts(id string, ended int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		report, err := runs.Read(s.t.Context(), s.Client, id)
		return err == nil && report.EndedNodes() >= ended
	}, time.Minute, 100*time.Millisecond)
}

func (s *system) events(id string) []*historypb.HistoryEvent {
	s.t.Helper()
	var all []*historypb.HistoryEvent
	events := s.Client.GetWorkflowHistory(s.t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(s.t, err)
		all = append(all, event)
	}
	return all
}
