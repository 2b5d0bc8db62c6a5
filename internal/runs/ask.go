package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/workflows"
)

// answerPatience is when Temporal ends a question that its worker did not answer.
const answerPatience = 90 * time.Second

// Question is what a worker is asked through a short workflow.
type Question struct {
	Kind     string // first word of the workflow's id
	Summary  string // its line in the Web UI
	Workflow any    // the function
	Input    []any  // that it takes, none or one
}

// UnansweredError says why a question has no answer.
type UnansweredError struct {
	Message string

	// Outdated says that no worker knows the question: all are older than this program.
	Outdated bool
}

func (e *UnansweredError) Error() string { return e.Message }

// Ask has a worker answer a question. Asked, when there is one, is called with the
// workflow when a worker has begun with it. Like Start it leaves nothing behind that
// waits; and it does not wait for a worker that does not know the question.
func Ask(ctx context.Context, c client.Client, place Place, q Question, answer any, asked func(client.WorkflowRun)) error {
	if err := awaitWorker(ctx, c, place.TaskQueue); err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	started, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       q.Kind + "-" + strings.TrimPrefix(NewID(), "run-"),
		TaskQueue:                place.TaskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionTimeout: answerPatience,
		StaticSummary:            q.Summary,
	}, q.Workflow, q.Input...)
	if err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	if err := awaitPickup(ctx, c, place, started); err != nil {
		return err
	}
	if asked != nil {
		asked(started)
	}
	waiting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		if unknownFor(waiting, c, place, started) {
			stop(errUnknown)
		}
	}()
	err = started.Get(waiting, answer)
	if errors.Is(context.Cause(waiting), errUnknown) {
		_ = c.TerminateWorkflow(ctx, started.GetID(), started.GetRunID(), errUnknown.Error()) // it ends by itself soon
		return &UnansweredError{Outdated: true, Message: "the worker that was asked is older than starter and does not know the question: bring every worker of the task queue up to date"}
	}
	return whyUnanswered(ctx, err)
}

func whyUnanswered(ctx context.Context, err error) error {
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case err == nil || ctx.Err() != nil:
		return cmp.Or(ctx.Err(), err)
	case errors.As(err, &application) && application.Type() == workflows.ErrInvalidInput:
		return &workflows.InputError{Problems: []string{application.Message()}}
	case errors.As(err, &application):
		return &UnansweredError{Message: application.Message()}
	case errors.As(err, &timeout):
		return &UnansweredError{Message: fmt.Sprintf("no answer came within %v: see the log of the worker", answerPatience)}
	}
	return err
}

// errUnknown is the reason under which a question is taken back that no worker knows.
var errUnknown = errors.New("no worker knows this question")

// unknownTry is the try of a workflow's first step that is not waited for when those
// before it found no worker that knows the workflow: it comes after 10 seconds, later ones
// after more. Where some workers do know it, one may have been missed; what to do is the
// same.
const unknownTry = 3

// unknownFor watches a workflow until the context ends, or until it is clear that no
// worker knows its type.
func unknownFor(ctx context.Context, c client.Client, place Place, run client.WorkflowRun) bool {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
		described, err := c.DescribeWorkflowExecution(ctx, run.GetID(), run.GetRunID())
		if err == nil && described.GetPendingWorkflowTask().GetAttempt() >= unknownTry && refusedType(ctx, c, place, run) {
			return true
		}
	}
}

// unknownType begins what a worker of Temporal's SDK says of a type that it does not know.
const unknownType = "unable to find workflow type"

func refusedType(ctx context.Context, c client.Client, place Place, run client.WorkflowRun) bool {
	history, err := c.WorkflowService().GetWorkflowExecutionHistory(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{
		Namespace: place.Namespace,
		Execution: &commonpb.WorkflowExecution{WorkflowId: run.GetID(), RunId: run.GetRunID()},
	})
	if err != nil {
		return false
	}
	return refusesType(history.GetHistory())
}

func refusesType(history *historypb.History) bool {
	for _, event := range history.GetEvents() {
		if strings.Contains(event.GetWorkflowTaskFailedEventAttributes().GetFailure().GetMessage(), unknownType) {
			return true
		}
	}
	return false
}
