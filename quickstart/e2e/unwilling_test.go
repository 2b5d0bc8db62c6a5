package e2e

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// unwilling is a Temporal server with a worker, that starts nothing.
type unwilling struct {
	workflowservice.UnimplementedWorkflowServiceServer
	answer codes.Code // to a start; OK is none at all
	asked  chan string
}

func (*unwilling) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (u *unwilling) DescribeTaskQueue(_ context.Context, req *workflowservice.DescribeTaskQueueRequest) (*workflowservice.DescribeTaskQueueResponse, error) {
	u.asked <- "worker"
	if req.GetTaskQueue().GetName() == "lonely" {
		return &workflowservice.DescribeTaskQueueResponse{}, nil
	}
	return &workflowservice.DescribeTaskQueueResponse{Pollers: []*taskqueuepb.PollerInfo{{LastAccessTime: timestamppb.Now()}}}, nil
}

func (u *unwilling) StartWorkflowExecution(ctx context.Context, _ *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	u.asked <- "start"
	if u.answer == codes.OK {
		<-ctx.Done()
	}
	return nil, status.Error(u.answer, "not today")
}

func (u *unwilling) DescribeWorkflowExecution(context.Context, *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return nil, status.Error(u.answer, "not today")
}

func (u *unwilling) serve(t *testing.T) environment {
	t.Helper()
	u.asked = make(chan string, 1000)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, u)
	go server.Serve(listener) //nolint:errcheck // the test stops it
	t.Cleanup(server.Stop)
	return environment{"TEMPORAL_ADDRESS": listener.Addr().String()}
}

func TestWhatTemporalRefusesIsNoEndOfARun(t *testing.T) {
	t.Parallel()
	for answer, says := range map[codes.Code]string{
		codes.PermissionDenied: "check TEMPORAL_API_KEY",
		codes.InvalidArgument:  "refuses (not today): try again, or look at the server's log",
		codes.DataLoss:         "did not say whether run run-1 was started (not today): see starter status run-1",
	} {
		t.Run(answer.String(), func(t *testing.T) {
			t.Parallel()
			env := (&unwilling{answer: answer}).serve(t)
			got := program(t, env, "starter", "run", "--cluster", "c", "--all", "--id", "run-1", "--", "echo hi")
			require.Equal(t, 3, got.code, got.stderr)
			require.Contains(t, got.stderr, says)
			require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)

			shown := program(t, env, "starter", "status", "run-1")
			require.Equal(t, 3, shown.code, shown.stderr)
			require.Contains(t, shown.stderr, "not today")
		})
	}
}

func TestAnInterruptedStarterSaysWhetherARunWasStarted(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	connecting := make(chan string, 1)
	go func() {
		if conn, err := silent.Accept(); err == nil {
			connecting <- "connect"
			<-t.Context().Done()
			_ = conn.Close()
		}
	}()
	u := &unwilling{}
	env := u.serve(t)

	const nothing = "interrupted; nothing was started\n"
	for name, tc := range map[string]struct {
		env   environment
		asked <-chan string
		until string
		says  string
	}{
		"while it connects":     {environment{"TEMPORAL_ADDRESS": silent.Addr().String()}, connecting, "connect", nothing},
		"while it looks around": {env.with("EHPCFLOW_TASK_QUEUE", "lonely"), u.asked, "worker", nothing},
		"while it starts": {env, u.asked, "start",
			"interrupted; the Temporal server did not say whether run run-1 was started (context canceled): see starter status run-1 before starting it anew\n"},
	} {
		t.Run(name, func(t *testing.T) {
			starter, said := background(t, tc.env, "starter", "run", "--cluster", "c", "--all", "--id", "run-1", "--", "echo hi")
			for until := time.After(20 * time.Second); ; {
				select {
				case asked := <-tc.asked:
					if asked != tc.until {
						continue
					}
				case <-until:
					t.Fatal("it did not come so far: ", said.String())
				}
				break
			}
			require.NoError(t, starter.Process.Signal(os.Interrupt))
			require.Error(t, starter.Wait())
			require.Equal(t, 130, starter.ProcessState.ExitCode())
			require.Equal(t, tc.says, said.String())
			for len(tc.asked) > 0 {
				<-tc.asked
			}
		})
	}
}
