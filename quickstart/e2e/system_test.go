// Package e2e drives the real Temporal server, the real worker and the simulator
// over HTTP. Its scenarios are also where the golden histories come from.
package e2e

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protojson"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

var historiesDir = flag.String("histories", "", "directory to record the golden histories in")

var dataConverter = converter.GetDefaultDataConverter()

// The one Temporal server of this package, and the programs under test.
var (
	temporal *devserver.Server
	programs string
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *historiesDir != "" {
		_ = os.Setenv("EHPCFLOW_USER", "golden") // histories name no machine
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ehpcflow-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	programs = dir
	for _, program := range []string{"worker", "starter", "cmd/ehpcsim"} {
		if out, err := exec.Command("go", "build", "-C", "../..", "-o", dir+"/", "./"+program).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", program, err, out)
			return 1
		}
	}
	if temporal, err = devserver.Start(devserver.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer temporal.Stop() //nolint:errcheck // the tests are over
	return m.Run()
}

// system is a simulated cluster and a worker of a test's own.
type system struct {
	*stack.Stack
	t     *testing.T
	queue string
}

// quickPace keeps tests short; what is waited for is the same.
func quickPace() activities.Pace {
	pace := activities.DefaultPace()
	pace.Look = activities.Bounds{Min: 100 * time.Millisecond, Max: time.Second}
	pace.Soon = activities.Bounds{Min: 200 * time.Millisecond, Max: time.Second}
	pace.Later = activities.Bounds{Min: 500 * time.Millisecond, Max: time.Second}
	pace.NewFor, pace.RefusedFor = 4*time.Second, 2*time.Second
	return pace
}

func newSystem(t *testing.T, pace activities.Pace) *system {
	t.Helper()
	return newSystemWith(t, stack.Options{Pace: pace, Logger: zap.NewNop()})
}

func newSystemWith(t *testing.T, o stack.Options) *system {
	t.Helper()
	o.SimulatorAddress, o.Nodes = "127.0.0.1:0", cmp.Or(o.Nodes, 4)
	o.Temporal = cmp.Or(o.Temporal, temporal.Address())
	o.TaskQueue, o.Identity = t.Name(), "golden"
	s, err := stack.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return &system{Stack: s, t: t, queue: o.TaskQueue}
}

// startInput starts a run on all nodes, with an input that may be changed, and
// returns its name.
func (s *system) startInput(change func(*workflows.RunCommandInput)) string {
	s.t.Helper()
	in := workflows.RunCommandInput{ClusterID: stack.ClusterID, Target: workflows.Target{All: true}, TimeoutSeconds: 120}
	change(&in)
	id := runs.NewID()
	require.NoError(s.t, runs.Start(s.t.Context(), s.Client, s.place(), id, workflows.RolloutInput{RunCommandInput: in}))
	return id
}

func (s *system) start(command string) string {
	s.t.Helper()
	return s.startInput(func(in *workflows.RunCommandInput) { in.Command = command })
}

func (s *system) place() runs.Place {
	return runs.Place{Namespace: devserver.Namespace, TaskQueue: s.queue}
}

// end follows a run to its end.
func (s *system) end(id string) runs.Report {
	s.t.Helper()
	report, err := runs.Follow(s.t.Context(), s.Client, id, func(runs.Report) {})
	require.NoError(s.t, err)
	return report
}

func (s *system) run(command string) runs.Report {
	s.t.Helper()
	return s.end(s.start(command))
}

func (s *system) runInput(change func(*workflows.RunCommandInput)) runs.Report {
	s.t.Helper()
	return s.end(s.startInput(change))
}

func (s *system) nodes() []string {
	var ids []string
	for _, node := range ehpcsim.DemoCluster(stack.ClusterID, 4).Nodes {
		ids = append(ids, node.InstanceID)
	}
	return ids
}

// executions counts the commands that really ran, over all nodes.
func (s *system) executions() int {
	n := 0
	for _, id := range s.nodes() {
		n += s.Simulator.Executions(id)
	}
	return n
}

func (s *system) history(id string) *historypb.History {
	s.t.Helper()
	return s.historyOf(id, "")
}

func (s *system) historyOf(id, runID string) *historypb.History {
	s.t.Helper()
	history := &historypb.History{}
	events := s.Client.GetWorkflowHistory(s.t.Context(), id, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(s.t, err)
		history.Events = append(history.Events, event)
	}
	return history
}

// keep records the history of a run when golden histories are being made.
func (s *system) keep(name, id string) {
	s.t.Helper()
	s.keepHistory(name, s.history(id))
}

func (s *system) keepHistory(name string, history *historypb.History) {
	s.t.Helper()
	if *historiesDir == "" {
		return
	}
	file, recorded := filepath.Join(*historiesDir, name+".json"), func(file string) bool { _, err := os.Stat(file); return err == nil }
	if recorded(file) { // a shape that was released is kept, beside it the one of since runs are listed
		file = filepath.Join(*historiesDir, "listed-"+name+".json")
	}
	if recorded(file) {
		return
	}
	text, err := protojson.MarshalOptions{Multiline: true, Indent: " "}.Marshal(history)
	require.NoError(s.t, err)
	machine, err := os.Hostname()
	require.NoError(s.t, err)
	text = bytes.ReplaceAll(text, []byte(`"`+machine+`:`), []byte(`"golden:`)) // sticky queues are named after it
	require.NoError(s.t, os.MkdirAll(*historiesDir, 0o755))
	require.NoError(s.t, os.WriteFile(file, append(text, '\n'), 0o600))
}

// await asks until the answer is yes.
func await(t *testing.T, within time.Duration, what string, yes func() bool) {
	t.Helper()
	require.Eventually(t, yes, within, 50*time.Millisecond, what)
}

func (s *system) phase(id string) workflows.Phase {
	report, err := runs.Read(s.t.Context(), s.Client, id)
	require.NoError(s.t, err)
	return report.Phase
}
