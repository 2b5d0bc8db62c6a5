package encryption

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	// handBackPatience bounds the call that hands a task back.
	handBackPatience = 5 * time.Second

	// handBackPause is when the server offers an activity anew that was handed back.
	handBackPause = 5 * time.Second

	// unreadableType is the type of the failure with which a task is handed back.
	unreadableType = "UnreadablePayload"
)

// handBack gives a task that a worker has taken and cannot decrypt back to the server with
// the reason, for another worker or a later day: nothing of it was begun, and no run fails
// by it. The worker sees a failed call and takes the next task a little later.
func handBack(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoker(ctx, method, req, reply, cc, opts...)
	if err == nil || !Unreadable(err) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handBackPatience)
	defer cancel()
	server := workflowservice.NewWorkflowServiceClient(cc)
	message := status.Convert(err).Message()
	switch task := reply.(type) {
	case *workflowservice.PollWorkflowTaskQueueResponse:
		asked := req.(*workflowservice.PollWorkflowTaskQueueRequest)
		if task.GetQuery() != nil {
			_, _ = server.RespondQueryTaskCompleted(ctx, &workflowservice.RespondQueryTaskCompletedRequest{
				Namespace: asked.GetNamespace(), TaskToken: task.GetTaskToken(),
				CompletedType: enumspb.QUERY_RESULT_TYPE_FAILED, ErrorMessage: message,
			}) // else the server waits for it in vain, as it does below
			return err
		}
		_, _ = server.RespondWorkflowTaskFailed(ctx, &workflowservice.RespondWorkflowTaskFailedRequest{
			Namespace: asked.GetNamespace(), TaskToken: task.GetTaskToken(), Identity: asked.GetIdentity(),
			Cause:   enumspb.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
			Failure: failure(message),
		})
	case *workflowservice.PollActivityTaskQueueResponse:
		asked := req.(*workflowservice.PollActivityTaskQueueRequest)
		_, _ = server.RespondActivityTaskFailed(ctx, &workflowservice.RespondActivityTaskFailedRequest{
			Namespace: asked.GetNamespace(), TaskToken: task.GetTaskToken(), Identity: asked.GetIdentity(),
			Failure: failure(message),
		})
	}
	return err
}

func failure(message string) *failurepb.Failure {
	return &failurepb.Failure{Message: message, FailureInfo: &failurepb.Failure_ApplicationFailureInfo{
		ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{Type: unreadableType, NextRetryDelay: durationpb.New(handBackPause)},
	}}
}
