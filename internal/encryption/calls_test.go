package encryption_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"ehpcflow/internal/encryption"
)

// server holds what it is sent, and gives a payload out.
type server struct {
	workflowservice.UnimplementedWorkflowServiceServer
	held *commonpb.Payload

	mu       sync.Mutex
	received []proto.Message
}

func (s *server) take(m proto.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, m)
}

func (s *server) payloads() *commonpb.Payloads {
	return &commonpb.Payloads{Payloads: []*commonpb.Payload{s.held}}
}

func (s *server) SignalWorkflowExecution(_ context.Context, r *workflowservice.SignalWorkflowExecutionRequest) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	s.take(r)
	return &workflowservice.SignalWorkflowExecutionResponse{}, nil
}

func (s *server) DescribeWorkflowExecution(context.Context, *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: s.info()}, nil
}

func (s *server) info() *workflowpb.WorkflowExecutionInfo {
	return &workflowpb.WorkflowExecutionInfo{Memo: &commonpb.Memo{Fields: map[string]*commonpb.Payload{"m": s.held}}}
}

func (s *server) ListWorkflowExecutions(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{s.info()}}, nil
}

func (s *server) PollWorkflowTaskQueue(context.Context, *workflowservice.PollWorkflowTaskQueueRequest) (*workflowservice.PollWorkflowTaskQueueResponse, error) {
	return &workflowservice.PollWorkflowTaskQueueResponse{TaskToken: []byte("workflow task"), History: &historypb.History{Events: []*historypb.HistoryEvent{{
		Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{Input: s.payloads()},
		},
	}}}}, nil
}

func (s *server) PollActivityTaskQueue(context.Context, *workflowservice.PollActivityTaskQueueRequest) (*workflowservice.PollActivityTaskQueueResponse, error) {
	return &workflowservice.PollActivityTaskQueueResponse{TaskToken: []byte("activity task"), Input: s.payloads()}, nil
}

func (s *server) RespondWorkflowTaskFailed(_ context.Context, r *workflowservice.RespondWorkflowTaskFailedRequest) (*workflowservice.RespondWorkflowTaskFailedResponse, error) {
	s.take(r)
	return &workflowservice.RespondWorkflowTaskFailedResponse{}, nil
}

func (s *server) RespondActivityTaskFailed(_ context.Context, r *workflowservice.RespondActivityTaskFailedRequest) (*workflowservice.RespondActivityTaskFailedResponse, error) {
	s.take(r)
	return &workflowservice.RespondActivityTaskFailedResponse{}, nil
}

// connect connects to a server that holds a payload, by some keys.
func connect(t *testing.T, keys *encryption.Keyring, held *commonpb.Payload) (workflowservice.WorkflowServiceClient, *server) {
	t.Helper()
	s := &server{held: held}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(g, s)
	go func() { _ = g.Serve(listener) }() // until it is stopped
	t.Cleanup(g.Stop)
	encrypting, err := encryption.DialOption(keys)
	require.NoError(t, err)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), encrypting)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return workflowservice.NewWorkflowServiceClient(conn), s
}

func TestARequestIsEncryptedOnItsWayAndLeftAsItWas(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	c, s := connect(t, keys, nil)
	request := &workflowservice.SignalWorkflowExecutionRequest{Input: &commonpb.Payloads{Payloads: []*commonpb.Payload{payload(t, "text")}}}
	for range 2 { // as a call that is tried again
		_, err := c.SignalWorkflowExecution(t.Context(), request)
		require.NoError(t, err)
	}
	require.True(t, proto.Equal(payload(t, "text"), request.GetInput().GetPayloads()[0]))
	for _, received := range s.received {
		decoded, err := keys.Decode(received.(*workflowservice.SignalWorkflowExecutionRequest).GetInput().GetPayloads())
		require.NoError(t, err)
		require.True(t, proto.Equal(payload(t, "text"), decoded[0]))
	}
}

func TestAFailureIsEncryptedWithItsMessageAndKeepsItsType(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	c, s := connect(t, keys, nil)
	_, err := c.RespondActivityTaskFailed(t.Context(), &workflowservice.RespondActivityTaskFailedRequest{Failure: &failurepb.Failure{
		Message: "nvidia-smi failed", StackTrace: "main.go",
		FailureInfo: &failurepb.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{Type: "ServiceUnavailable"}},
	}})
	require.NoError(t, err)
	received := s.received[0].(*workflowservice.RespondActivityTaskFailedRequest).GetFailure()
	require.Equal(t, "ServiceUnavailable", received.GetApplicationFailureInfo().GetType())
	require.NotContains(t, received.String(), "nvidia-smi")
	require.NotContains(t, received.String(), "main.go")
	_, err = keys.Decode([]*commonpb.Payload{received.GetEncodedAttributes()})
	require.NoError(t, err)
}

func TestAListShowsTheOthersWhenOneCannotBeRead(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	held := encode(t, keys, payload(t, "memo"))[0]
	for _, keyring := range []*encryption.Keyring{nil, keys} {
		c, _ := connect(t, keyring, held)
		listed, err := c.ListWorkflowExecutions(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{})
		require.NoError(t, err)
		memo := listed.GetExecutions()[0].GetMemo().GetFields()["m"]
		require.Equal(t, keyring != nil, proto.Equal(payload(t, "memo"), memo))
	}
}

func TestACallThatCannotBeReadIsToldApartThroughTheSDK(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	c, _ := connect(t, nil, encode(t, keys, payload(t, "memo"))[0])
	_, err := c.DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{})
	require.True(t, encryption.Unreadable(err))
	require.True(t, encryption.Unreadable(status.Convert(err).Err()), "as an interceptor leaves it")
	told := serviceerror.FromStatus(status.Convert(err)) // as the SDK does
	require.True(t, encryption.Unreadable(told))
	require.ErrorContains(t, told, encryption.Setting)
	require.False(t, encryption.Unreadable(serviceerror.NewFailedPrecondition("else")))
}

func TestATaskThatCannotBeReadIsHandedBackWithTheReason(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	c, s := connect(t, nil, encode(t, keys, payload(t, "input"))[0])

	_, err := c.PollWorkflowTaskQueue(t.Context(), &workflowservice.PollWorkflowTaskQueueRequest{Namespace: "n"})
	require.True(t, encryption.Unreadable(err))
	_, err = c.PollActivityTaskQueue(t.Context(), &workflowservice.PollActivityTaskQueueRequest{Namespace: "n"})
	require.True(t, encryption.Unreadable(err))

	require.Len(t, s.received, 2)
	workflowTask := s.received[0].(*workflowservice.RespondWorkflowTaskFailedRequest)
	require.Equal(t, "workflow task", string(workflowTask.GetTaskToken()))
	require.Contains(t, workflowTask.GetFailure().GetMessage(), encryption.Setting)
	activityTask := s.received[1].(*workflowservice.RespondActivityTaskFailedRequest)
	require.Equal(t, "activity task", string(activityTask.GetTaskToken()))
	require.Contains(t, activityTask.GetFailure().GetMessage(), encryption.Setting)
	require.False(t, activityTask.GetFailure().GetApplicationFailureInfo().GetNonRetryable(), "the run must not fail by it")
	require.Positive(t, activityTask.GetFailure().GetApplicationFailureInfo().GetNextRetryDelay().AsDuration())
}

func TestAWorkerWithOtherKeysHandsATaskBackAsOneWithoutKeysDoes(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	others, _ := newKeys(t)
	c, s := connect(t, others, encode(t, keys, payload(t, "input"))[0])

	_, err := c.PollWorkflowTaskQueue(t.Context(), &workflowservice.PollWorkflowTaskQueueRequest{Namespace: "n"})
	require.True(t, encryption.Unreadable(err))
	_, err = c.PollActivityTaskQueue(t.Context(), &workflowservice.PollActivityTaskQueueRequest{Namespace: "n"})
	require.True(t, encryption.Unreadable(err))

	require.Len(t, s.received, 2)
	workflowTask := s.received[0].(*workflowservice.RespondWorkflowTaskFailedRequest)
	activityTask := s.received[1].(*workflowservice.RespondActivityTaskFailedRequest)
	require.Equal(t, "workflow task", string(workflowTask.GetTaskToken()))
	require.Equal(t, "activity task", string(activityTask.GetTaskToken()))
	for _, failure := range []*failurepb.Failure{workflowTask.GetFailure(), activityTask.GetFailure()} {
		reason, err := others.Decode([]*commonpb.Payload{failure.GetEncodedAttributes()})
		require.NoError(t, err, "the reason is encrypted as every failure is")
		require.Contains(t, string(reason[0].GetData()), keys.Active())
	}
}
