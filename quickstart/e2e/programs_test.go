package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ehpcflow/ehpcsim"
	"ehpcflow/internal/logging"
	"ehpcflow/internal/runs"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// environment is what the programs of a test are started with: nothing of the
// machine's own settings.
type environment map[string]string

func (e environment) with(name, value string) environment {
	changed := environment{name: value}
	for k, v := range e {
		if k != name {
			changed[k] = v
		}
	}
	return changed
}

func (e environment) list() []string {
	list := []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	for name, value := range e {
		list = append(list, name+"="+value)
	}
	return list
}

// forPrograms are the settings of programs that belong to the system.
func (s *system) forPrograms() environment {
	return environment{
		"TEMPORAL_ADDRESS":                    temporal.Address(),
		"EHPCFLOW_TASK_QUEUE":                 s.queue,
		"EHPCFLOW_ENDPOINT":                   s.API.URL(),
		"EHPCFLOW_REGION":                     "cn-hangzhou",
		"ALIBABA_CLOUD_ACCESS_KEY_ID":         s.Key.ID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET":     s.Key.Secret,
		"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
	}
}

type outcome struct {
	code           int
	stdout, stderr string
}

func program(t *testing.T, env environment, name string, args ...string) outcome {
	t.Helper()
	return programWithin(t, 2*time.Minute, env, name, args...)
}

func programWithin(t *testing.T, limit time.Duration, env environment, name string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(programs, name), args...)
	cmd.Env = env.list()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// starter runs the command line against the system.
func (s *system) starter(args ...string) outcome {
	s.t.Helper()
	return program(s.t, s.forPrograms(), "starter", args...)
}

// background starts a program that a test ends itself; what it says is kept.
func background(t *testing.T, env environment, name string, args ...string) (*exec.Cmd, *logBuffer) {
	t.Helper()
	return backgroundOf(t, env, filepath.Join(programs, name), args...)
}

// backgroundOf starts any program, with an open stdin, which ends with the test.
func backgroundOf(t *testing.T, env environment, path string, args ...string) (*exec.Cmd, *logBuffer) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Env = env.list()
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	said := &logBuffer{}
	cmd.Stdout, cmd.Stderr = said, said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, said
}

func TestTheProgramsRunACommandAgainstAnyTemporalAndEndpoint(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	env := s.forPrograms()
	metrics := freeAddress(t)
	worker, said := background(t, env, "worker", "--metrics-address", metrics)
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })

	nodes := s.nodes()
	ok := program(t, env, "starter", "run", "--cluster", stack.ClusterID, "--node", nodes[0], "--node", nodes[1], "--id", "run-of-"+t.Name(), "--", "echo hello; echo world")
	require.Equal(t, 0, ok.code, ok.stderr)
	require.Contains(t, ok.stdout, "==> "+nodes[0]+"\nhello\nworld\n")
	require.Contains(t, ok.stdout, "succeeded (2 succeeded)")
	require.Contains(t, ok.stderr, nodes[1]+" succeeded (exit 0)", "plain lines where there is no terminal")
	require.NotContains(t, ok.stderr, "\x1b")

	again := program(t, env, "starter", "run", "--cluster", stack.ClusterID, "--node", nodes[0], "--id", "run-of-"+t.Name(), "--", "echo hello")
	require.Equal(t, 2, again.code, "a name runs once")
	require.Contains(t, again.stderr, "exists already")
	require.Equal(t, 2, s.executions())

	failed := program(t, env, "starter", "run", "--cluster", stack.ClusterID, "--all", "--json", "--", "exit 3")
	require.Equal(t, 1, failed.code)
	var report runs.Report
	require.NoError(t, json.Unmarshal([]byte(failed.stdout), &report), failed.stdout)
	require.Equal(t, workflows.Failed, report.Verdict)
	require.Equal(t, 3, *report.Nodes[3].ExitCode)

	shown := program(t, env, "starter", "status", report.RunID)
	require.Equal(t, 1, shown.code)
	require.Contains(t, shown.stdout, "4 nonzero")
	asJSON := program(t, env, "starter", "status", report.RunID, "--json")
	require.Equal(t, failed.stdout, asJSON.stdout)

	unknown := program(t, env, "starter", "run", "--cluster", "ehpc-nowhere", "--all", "--", "echo no")
	require.Equal(t, 1, unknown.code)
	require.Contains(t, unknown.stdout, "ClusterNotFound")
	require.Contains(t, unknown.stdout, "check the cluster id")

	resp, err := http.Get("http://" + metrics + "/metrics")
	require.NoError(t, err)
	scraped, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Contains(t, string(scraped), "ehpcflow_budget_throttled_requests_total 0")
	require.Regexp(t, `ehpcflow_budget_requests_total [1-9]`, string(scraped))

	require.NoError(t, worker.Process.Signal(syscall.SIGTERM))
	require.NoError(t, worker.Wait(), "a worker that is asked to stop ends in order")
	for _, secret := range []string{s.Key.ID, s.Key.Secret, "Signature="} {
		require.NotContains(t, said.String(), secret)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestBadUseGetsOneLineAndItsExitCode(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	env := s.forPrograms()
	c := "--cluster=" + stack.ClusterID
	nobody := env.with("TEMPORAL_ADDRESS", "127.0.0.1:1")
	for name, tc := range map[string]struct {
		env     environment
		program string
		args    []string
		code    int
		says    string
	}{
		"a short command":           {env, "starter", []string{"run", c, "--all", "--", "w"}, 2, "has 1 character,"},
		"a long command":            {env, "starter", []string{"run", c, "--all", "--", strings.Repeat("x", 2049)}, 2, "has 2049 characters"},
		"no target":                 {env, "starter", []string{"run", c, "--", "echo"}, 2, "--all"},
		"both targets":              {env, "starter", []string{"run", c, "--all", "--node", "i-a", "--", "echo"}, 2, "choose one"},
		"an empty node id":          {env, "starter", []string{"run", c, "--node", "", "--", "echo"}, 2, "node id is empty"},
		"an exclude alone":          {env, "starter", []string{"run", c, "--exclude", "i-a", "--", "echo"}, 2, "to run on all the others, say --all"},
		"a malformed pattern":       {env, "starter", []string{"run", c, "--host", "compute[0", "--", "echo"}, 2, `--host "compute[0" is no pattern`},
		"all and one by role":       {env, "starter", []string{"run", c, "--all", "--node", "i-a", "--role", "Login", "--", "echo"}, 2, "choose one"},
		"no command":                {env, "starter", []string{"run", c, "--all"}, 2, "no command"},
		"an unknown flag":           {env, "starter", []string{"run", "--alll"}, 2, "--alll"},
		"an unknown subcommand":     {env, "starter", []string{"walk"}, 2, `"walk"`},
		"an unknown run":            {env, "starter", []string{"status", "run-nowhere"}, 2, "there is no run"},
		"a fraction of a second":    {env, "starter", []string{"run", c, "--all", "--timeout", "90500ms", "--", "echo"}, 2, "whole seconds"},
		"no Temporal":               {nobody, "starter", []string{"run", c, "--all", "--", "echo hi"}, 3, "no Temporal server answers at 127.0.0.1:1"},
		"no such Temporal":          {env.with("TEMPORAL_ADDRESS", "not-a-host.invalid:99"), "starter", []string{"status", "run-1"}, 3, "answers at not-a-host.invalid:99 (lookup not-a-host.invalid"},
		"no port of Temporal":       {env.with("TEMPORAL_ADDRESS", "nowhere"), "starter", []string{"status", "run-1"}, 3, "its address is not HOST:PORT"},
		"no Temporal for worker":    {nobody, "worker", nil, 3, "no Temporal server answers"},
		"no namespace":              {env.with("TEMPORAL_NAMESPACE", "nope"), "starter", []string{"run", c, "--all", "--", "echo hi"}, 2, `namespace "nope" does not exist`},
		"no worker":                 {env.with("EHPCFLOW_TASK_QUEUE", "lonely"), "starter", []string{"run", c, "--all", "--", "echo hi"}, 3, "no worker serves"},
		"no credentials":            {env.with("ALIBABA_CLOUD_ACCESS_KEY_ID", "").with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""), "worker", nil, 2, "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"half a credential":         {env.with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""), "worker", nil, 2, "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not"},
		"no region":                 {env.with("EHPCFLOW_REGION", "").with("EHPCFLOW_ENDPOINT", ""), "worker", nil, 2, "no region"},
		"a wrong endpoint":          {env.with("EHPCFLOW_ENDPOINT", "ftp://x"), "worker", nil, 2, "ftp"},
		"no request rate":           {env, "worker", []string{"--api-rate", "0"}, 2, "--api-rate"},
		"an output store elsewhere": {env, "worker", []string{"--output-store", "oss://bucket/outputs"}, 2, "--output-store: output store \"oss://bucket/outputs\": oss is not supported"},
		"a wrong output store":      {env.with("EHPCFLOW_OUTPUT_STORE", "/proc/nowhere"), "worker", nil, 2, "give a directory that can be made and written"},
		"a wrong metrics address":   {env, "worker", []string{"--metrics-address", "nowhere"}, 2, "--metrics-address"},
		"a fault of nowhere":        {env, "ehpcsim", []string{"--listen", "127.0.0.1:0", "--faults", "testdata/wrong-faults.yaml"}, 2, `there is no code "Tired"`},
		"no fault file":             {env, "ehpcsim", []string{"--listen", "127.0.0.1:0", "--faults", "nowhere.yaml"}, 2, "nowhere.yaml"},
		"a wrong log level":         {env, "worker", []string{"--log-level", "loud"}, 2, "loud"},
		"half a simulator's key":    {env.with("ALIBABA_CLOUD_ACCESS_KEY_ID", ""), "ehpcsim", []string{"--listen", "127.0.0.1:0"}, 2, "set both, or neither"},
		"an odd cluster id":         {env, "ehpcsim", []string{"--listen", "127.0.0.1:0", "--cluster", "../x"}, 2, "../x"},
		"an exposed simulator":      {env, "ehpcsim", []string{"--listen", "0.0.0.0:0"}, 2, "loopback"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := program(t, tc.env, tc.program, tc.args...)
			require.Equal(t, tc.code, got.code, got.stderr)
			require.Contains(t, got.stderr, tc.says)
			require.Equal(t, 1, strings.Count(strings.TrimSpace(got.stderr), "\n")+1, "one line: %s", got.stderr)
			require.Empty(t, got.stdout)
		})
	}
	t.Cleanup(func() {
		require.Zero(t, s.Simulator.Requests("InvokeShellCommand"), "nothing was started")
		listed, err := s.Client.ListWorkflow(context.Background(), &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: devserver.Namespace, Query: `TaskQueue = "lonely"`,
		})
		require.NoError(t, err)
		require.Empty(t, listed.GetExecutions(), "no workflow is left behind")
	})
}

func TestWrongCredentialsEndTheRunWithWhatToDo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ variable, value, code string }{
		"unknown key":  {"ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI-somebody", "InvalidAccessKeyId.NotFound"},
		"wrong secret": {"ALIBABA_CLOUD_ACCESS_KEY_SECRET", "not-the-secret", "SignatureDoesNotMatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, quickPace())
			s.StopWorker()
			env := s.forPrograms().with(tc.variable, tc.value)
			_, said := background(t, env, "worker")
			await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
			got := program(t, env, "starter", "run", "--cluster", stack.ClusterID, "--all", "--", "echo hi")
			require.Equal(t, 1, got.code)
			require.Contains(t, got.stdout, tc.code)
			require.Contains(t, got.stdout, "correct the worker's ALIBABA_CLOUD_ACCESS_KEY_ID")
			require.NotContains(t, got.stdout+got.stderr+said.String(), tc.value)
		})
	}
}

func TestAnInterruptedStarterLeavesTheRunAlone(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := "run-of-" + t.Name()
	starter, said := background(t, s.forPrograms(), "starter", "run", "--cluster", stack.ClusterID, "--all", "--id", id, "--", "sleep 8; echo done")
	await(t, 20*time.Second, "running", func() bool { return strings.Contains(said.String(), "running") })
	require.NoError(t, starter.Process.Signal(os.Interrupt))
	require.Error(t, starter.Wait())
	require.Equal(t, 130, starter.ProcessState.ExitCode())
	require.Contains(t, said.String(), "starter status "+id)
	require.True(t, s.end(id).Succeeded())
}

// A worker that dies with the command sent and no answer recorded leaves a doubt: the
// command is looked for, and not sent again.
func TestAWorkerKilledDuringTheSubmitDoesNotRunTheCommandTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the attempt's timeout")
	}
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Delay: 10 * time.Second, Times: -1})
	worker, said := background(t, s.forPrograms(), "worker")
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	id := s.start("echo once")
	await(t, 20*time.Second, "the command runs", func() bool { return s.executions() == 4 })
	require.NoError(t, worker.Process.Kill())
	require.NoError(t, s.StartWorker())

	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	require.True(t, report.Commands[0].Adopted)
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))
	require.Equal(t, 4, s.executions())
}

// A worker that died a moment ago still looks like one to the server.
func TestARunThatNoWorkerTakesUpIsTakenBack(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	worker, said := background(t, s.forPrograms(), "worker")
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	await(t, 20*time.Second, "the server knows it", func() bool {
		served, err := taskqueue.Served(t.Context(), s.Client, s.queue)
		return err == nil && served
	})
	require.NoError(t, worker.Process.Kill())
	require.Error(t, worker.Wait())

	id := "run-of-" + t.Name()
	got := program(t, s.forPrograms(), "starter", "run", "--cluster", stack.ClusterID, "--all", "--id", id, "--", "echo never")
	require.Equal(t, 3, got.code, got.stderr)
	require.Contains(t, got.stderr, "no worker serves")
	_, err := runs.Read(t.Context(), s.Client, id)
	require.ErrorAs(t, err, new(*runs.NotFoundError), "nothing is left of it")

	spent := "spent-" + id
	err = runs.Start(t.Context(), keepingRuns(t), s.place(), spent, workflows.RolloutInput{RunCommandInput: workflows.RunCommandInput{
		ClusterID: stack.ClusterID, Target: workflows.Target{All: true}, Command: "echo never", TimeoutSeconds: 60,
	}})
	require.ErrorContains(t, err, "the name "+spent+" is spent, choose another id")
	shown := program(t, s.forPrograms(), "starter", "status", spent)
	require.Equal(t, 1, shown.code)
	require.Contains(t, shown.stdout, "run "+spent+" terminated: no worker took it up; nothing was started")

	require.NoError(t, s.StartWorker())
	again := program(t, s.forPrograms(), "starter", "run", "--cluster", stack.ClusterID, "--all", "--id", id, "--", "echo later")
	require.Equal(t, 0, again.code, "the name is free again: %s", again.stderr)
	require.Equal(t, 4, s.executions(), "what was taken back never ran")
}

// keepingRuns is a client whose server deletes nothing.
func keepingRuns(t *testing.T) client.Client {
	t.Helper()
	refuse := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if method == workflowservice.WorkflowService_DeleteWorkflowExecution_FullMethodName {
			return status.Error(codes.PermissionDenied, "not yours")
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort:          temporal.Address(),
		Logger:            logging.ForTemporal(zap.NewNop()),
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(refuse)}},
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}
