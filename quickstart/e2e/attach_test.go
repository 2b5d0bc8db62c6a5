package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// elsewhere submits a command as the console would, past ehpcflow, and returns its id.
func (s *system) elsewhere(command string) string {
	s.t.Helper()
	api, err := ehpc.New(ehpc.Config{
		Region: "cn-hangzhou", Endpoint: s.API.URL(), Budget: ehpc.NewBudget(100),
		Credentials: credentials.NewStaticSTSCredentialsProvider(s.Key.ID, s.Key.Secret, s.Key.SecurityToken),
	})
	require.NoError(s.t, err)
	answer, err := api.InvokeShellCommand(s.t.Context(), ehpc.InvokeShellCommandRequest{
		ClusterID: stack.ClusterID, Command: command, InstanceIDs: s.nodes(), Timeout: 120,
	})
	require.NoError(s.t, err)
	return answer.CommandID
}

func (s *system) attach(commandID string) string {
	s.t.Helper()
	id, err := runs.Attach(s.t.Context(), s.Client, s.place(), workflows.RunCommandInput{
		ClusterID: stack.ClusterID, Attach: &workflows.Attachment{CommandID: commandID},
	})
	require.NoError(s.t, err)
	return id
}

func TestGoldenACommandSubmittedElsewhereIsFollowed(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	commandID := s.elsewhere(`sleep 8; [ "$EHPC_INSTANCE_ID" != ` + s.nodes()[2] + ` ] || exit 3; echo hi`)
	id := s.attach(commandID)
	require.Equal(t, "attach-"+stack.ClusterID+"-"+commandID, id)
	report := s.end(id)
	require.Equal(t, workflows.Partial, report.Verdict, "%+v", report)
	require.Equal(t, 3, *report.Nodes[2].ExitCode)
	require.Equal(t, "hi\n", report.Nodes[0].Output)
	require.Contains(t, report.Command, "sleep 8; ")
	require.Equal(t, 4, s.executions(), "nothing was submitted again")
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))
	s.keep("attached", id)
}

func TestGoldenCancellingAnAttachedRunLeavesTheCommandRunning(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	commandID := s.elsewhere("sleep 300")
	id := s.attach(commandID)
	await(t, 20*time.Second, "running", func() bool { return s.phase(id) == workflows.Watching })
	stopped := s.starter("cancel", id)
	require.Equal(t, 1, stopped.code, stopped.stderr)
	require.Contains(t, stopped.stdout, "submitted elsewhere, was not stopped, and may still be running on 4 of 4 nodes")
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"), "no stop was sent")
	s.keep("attached-cancelled", id)

	again := s.starter("attach", "--cluster", stack.ClusterID, "--command-id", commandID, "--no-wait")
	require.Equal(t, 0, again.code, again.stderr)
	require.Contains(t, again.stderr, "run "+id+" follows command "+commandID)
	twice := s.starter("attach", "--cluster", stack.ClusterID, "--command-id", commandID)
	require.Equal(t, 2, twice.code, twice.stderr)
	require.Contains(t, twice.stderr, "follows command "+commandID+" already: see starter watch "+id)
}

func TestAnAttachedCommandIsFollowedAlthoughTheWorkerDies(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	env := s.forPrograms()
	worker, said := background(t, env, "worker")
	await(t, 30*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	id := s.attach(s.elsewhere("sleep 90; echo done"))
	await(t, 90*time.Second, "the worker has made sure of the nodes for a minute", func() bool { return s.phase(id) == workflows.Watching })
	require.NoError(t, worker.Process.Kill())
	_ = worker.Wait()
	background(t, env, "worker")
	report := s.end(id)
	require.Equal(t, workflows.Succeeded, report.Verdict, "%+v", report)
	require.Equal(t, 4, s.executions())
}

func TestACommandCanBeAttachedToAgainAfterTheRunThatFollowedItHasEnded(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	commandID := s.elsewhere("echo done")
	require.True(t, s.end(s.attach(commandID)).Succeeded())
	again := s.end(s.attach(commandID))
	require.True(t, again.Succeeded(), "%+v", again)
	require.Equal(t, 4, s.executions(), "nothing was submitted")
}

func TestCancellingWhileTheNodesAreMadeSureOfDoesNotSayThatNothingRuns(t *testing.T) {
	t.Parallel()
	pace := quickPace()
	pace.NewFor = time.Minute
	s := newSystem(t, pace)
	id := s.attach(s.elsewhere("sleep 300"))
	await(t, 20*time.Second, "looked once", func() bool { return s.Simulator.Requests("ListInvocationStatus") > 0 })
	stopped := s.starter("cancel", id)
	require.Equal(t, 1, stopped.code, stopped.stderr)
	require.Contains(t, stopped.stdout, "before the nodes of the command were found")
}

func TestACommandOfATerminatedRunIsFollowedOnAndReadAsItsOwn(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	run := s.start("sleep 3; echo mine")
	await(t, 20*time.Second, "running", func() bool { return s.phase(run) == workflows.Watching })
	begun, err := runs.Read(t.Context(), s.Client, run)
	require.NoError(t, err)
	require.NoError(t, s.Client.TerminateWorkflow(t.Context(), run, "", "by mistake"))
	report := s.end(s.attach(begun.CommandID))
	require.True(t, report.Succeeded(), "%+v", report)
	require.Equal(t, "sleep 3; echo mine", report.Command)
	require.Equal(t, "mine\n", report.Nodes[0].Output, "without the marks of the wrapper")
}

func TestACommandThatNobodyKnowsIsRefusedUnderItsCode(t *testing.T) {
	t.Parallel()
	pace := quickPace()
	pace.NewFor = time.Second
	s := newSystem(t, pace)
	refused := s.starter("attach", "--cluster", stack.ClusterID, "--command-id", "c-nobody")
	require.Equal(t, 1, refused.code, refused.stderr)
	require.Contains(t, refused.stdout, "ObjectNotFound")
	require.Contains(t, refused.stdout, "c-nobody")
	require.Zero(t, s.executions())
}

func TestAnAttachedRunIsNotRerunButGivesItsNodes(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.attach(s.elsewhere("exit 3"))
	require.Equal(t, 4, s.end(id).Counts()[activities.Nonzero])
	refused := s.starter("rerun", id)
	require.Equal(t, 2, refused.code, refused.stderr)
	require.Contains(t, refused.stderr, "followed a command that was submitted elsewhere")
	anew := s.starter("run", "--from", "failed:"+id, "--", "echo repaired")
	require.Equal(t, 0, anew.code, anew.stderr)
}
