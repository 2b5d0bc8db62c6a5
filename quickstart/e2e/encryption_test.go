package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"ehpcflow/activities"
	"ehpcflow/internal/encryption"
	"ehpcflow/internal/logging"
	"ehpcflow/internal/runs"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// What must not be found: part of every command, of what the nodes print, which no
// command holds, and of what a person says.
const (
	inCommand = "commandwhichnobodyreads"
	inOutput  = "output4242whichnobodyreads"
	inOrder   = "reasonwhichnobodyreads"
)

const secretCommand = `: ` + inCommand + `; echo output$((42*101))whichnobodyreads; echo output$((42*101))whichnobodyreads >&2; `

func newKeyFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	_, err := encryption.Create(file)
	require.NoError(t, err)
	return file
}

func readKeys(t *testing.T, file string) *encryption.Keyring {
	t.Helper()
	keys, err := encryption.Read(file)
	require.NoError(t, err)
	return keys
}

// newEncrypted is a system on a server and a database file of its own. No key file is no
// encryption.
func newEncrypted(t *testing.T, keyFile string) (*system, *devserver.Server, string) {
	t.Helper()
	database := filepath.Join(t.TempDir(), "temporal.db")
	server, err := devserver.Start(devserver.Options{Database: database})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	o := stack.Options{Temporal: server.Address(), Pace: quickPace(), Logger: zap.NewNop()}
	if keyFile != "" {
		o.Keys = readKeys(t, keyFile)
	}
	return newSystemWith(t, o), server, database
}

// programsWith are the settings of programs that belong to a system of newEncrypted.
func (s *system) programsWith(server *devserver.Server, keyFile string) environment {
	env := s.forPrograms().with("TEMPORAL_ADDRESS", server.Address())
	if keyFile != "" {
		env = env.with(encryption.Setting, keyFile)
	}
	return env
}

func TestADumpOfTheDatabaseAndOfEveryHistoryHoldsNothingOfEncryptedRuns(t *testing.T) {
	t.Parallel()
	for name, keyFile := range map[string]string{"encrypted": newKeyFile(t), "plain": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, server, database := newEncrypted(t, keyFile)
			s.liveThrough(t, s.programsWith(server, keyFile))

			dumps := map[string]string{
				"files":     filesBeside(t, database),
				"tables":    tablesOf(t, database),
				"histories": historiesOf(t, server.Address()),
			}
			for where, dump := range dumps {
				for _, text := range []string{inCommand, inOutput, inOrder} {
					require.Equal(t, keyFile == "", holds(dump, text), "%s in the %s", text, where)
				}
			}
			if keyFile != "" {
				requireEncrypted(t, server.Address())
			}
		})
	}
}

// liveThrough is what happens in the life of a cluster: runs that succeed, fail, are
// steered, rerun and cancelled.
func (s *system) liveThrough(t *testing.T, env environment) {
	t.Helper()
	bad := s.nodes()[1]
	failing := secretCommand + `[ "$EHPC_INSTANCE_ID" != ` + bad + ` ]`

	first := s.run(failing)
	require.Equal(t, workflows.Partial, first.Verdict, "%+v", first)
	require.Contains(t, first.Nodes[0].Output, inOutput)

	rollout := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command = failing
		in.Policy.Waves = sizes(t, "1,1,2")
		in.Policy.Pause = []policy.Pause{policy.PauseFirst}
		in.Policy.Budget.Whole = size(0)
	})
	s.awaitWait(rollout, workflows.ForApproval)
	require.NoError(t, s.order(rollout, workflows.ApproveUpdate, workflows.Order{By: "ada", Why: inOrder}))
	require.Equal(t, workflows.Aborted, s.end(rollout).Verdict)

	rejected := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command, in.Policy.Pause = secretCommand, []policy.Pause{policy.PauseStart}
	})
	s.awaitWait(rejected, workflows.ForApproval)
	require.NoError(t, s.order(rejected, workflows.RejectUpdate, workflows.Order{By: "ada", Why: inOrder}))
	s.end(rejected)

	again := program(t, env, "starter", "rerun", first.RunID)
	require.Equal(t, 1, again.code, again.stderr)
	require.Contains(t, again.stdout, inOutput)
	chain := program(t, env, "starter", "history", first.RunID)
	require.Contains(t, chain.stdout, first.RunID+"-r2", chain.stderr)

	long := s.start(secretCommand + "sleep 60")
	s.awaitState(long, activities.Running)
	running := program(t, env, "starter", "status", long)
	require.Contains(t, running.stdout+running.stderr, string(activities.Running))
	canceled := program(t, env, "starter", "cancel", long)
	require.Equal(t, 0, canceled.code, "it did as it was asked: %s", canceled.stderr)
}

func (s *system) awaitState(id string, state activities.NodeState) {
	s.t.Helper()
	await(s.t, 30*time.Second, "nodes are "+string(state), func() bool {
		return s.read(id).Counts()[state] > 0
	})
}

// requireEncrypted fails when a payload of a history is not encrypted.
func requireEncrypted(t *testing.T, address string) {
	t.Helper()
	seen := 0
	for _, history := range rawHistories(t, address) {
		require.NoError(t, proxy.VisitPayloads(t.Context(), history, proxy.VisitPayloadsOptions{
			SkipSearchAttributes: true,
			Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
				for _, p := range payloads {
					require.Equal(t, encryption.Encoding, string(p.GetMetadata()["encoding"]), "%s", p)
					seen++
				}
				return payloads, nil
			},
		}))
	}
	require.Greater(t, seen, 50)
}

func TestAnEncryptedRunIsReadByWhoeverHoldsItsKeyAndByNobodyElse(t *testing.T) {
	t.Parallel()
	keyFile := newKeyFile(t)
	old := readKeys(t, keyFile).Active()
	s, server, _ := newEncrypted(t, keyFile)
	run := s.run(secretCommand)
	require.Equal(t, workflows.Succeeded, run.Verdict)

	_, err := encryption.Rotate(keyFile)
	require.NoError(t, err)
	shown := program(t, s.programsWith(server, keyFile), "starter", "status", run.RunID)
	require.Equal(t, 0, shown.code, shown.stderr)
	require.Contains(t, shown.stdout, inOutput)

	without := program(t, s.programsWith(server, ""), "starter", "status", run.RunID)
	requireRefused(t, without, `key "`+old+`"`, "EHPCFLOW_ENCRYPTION_KEYS is not set")
	another := newKeyFile(t)
	removed := program(t, s.programsWith(server, another), "starter", "status", run.RunID)
	requireRefused(t, removed, `key "`+old+`"`, another, "put the key back")
	require.NoError(t, os.Chmod(keyFile, 0o644))
	open := program(t, s.programsWith(server, keyFile), "starter", "status", run.RunID)
	requireRefused(t, open, keyFile, "chmod 600")
	worker := program(t, s.programsWith(server, filepath.Join(t.TempDir(), "none")), "worker")
	requireRefused(t, worker, encryption.Setting, "starter keygen")
}

// requireRefused says that a program told in one line why it does nothing.
func requireRefused(t *testing.T, o outcome, said ...string) {
	t.Helper()
	require.Equal(t, 2, o.code, o.stderr)
	require.Empty(t, o.stdout)
	require.Equal(t, 1, strings.Count(o.stderr, "\n"), o.stderr)
	for _, text := range said {
		require.Contains(t, o.stderr, text)
	}
}

func TestARunOutlivesAWorkerThatCannotReadIt(t *testing.T) {
	t.Parallel()
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Keys: readKeys(t, newKeyFile(t))})
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command, in.Policy.Pause = "true", []policy.Pause{policy.PauseStart}
	})
	s.awaitWait(id, workflows.ForApproval)
	s.StopWorker()

	withoutKeys, err := encryption.DialOption(nil)
	require.NoError(t, err)
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: temporal.Address(), Logger: logging.ForTemporal(zap.NewNop()),
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{withoutKeys}},
	})
	require.NoError(t, err)
	defer c.Close()
	w := taskqueue.NewWorker(c, s.queue, activities.Activities{}, taskqueue.Settings{})
	require.NoError(t, w.Start())
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), id, ""))
	await(t, 30*time.Second, "the worker says why it does not go on", func() bool {
		for _, event := range s.history(id).Events {
			if event.EventType == enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED &&
				strings.Contains(event.GetWorkflowTaskFailedEventAttributes().GetFailure().GetMessage(), encryption.Setting) {
				return true
			}
		}
		return false
	})
	w.Stop()
	require.NoError(t, s.StartWorker())
	require.Equal(t, runs.Canceled, s.end(id).State)
}
