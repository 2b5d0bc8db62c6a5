// Package runs starts runs, and reads how they stand, through a Temporal client.
package runs

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/workflows"
)

// workerPatience bounds the wait for a worker on the task queue.
const workerPatience = 5 * time.Second

// ExistsError says that a run of that name was started before.
type ExistsError struct{ ID string }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("run %s exists already and nothing was started: look at it, or choose another id", e.ID)
}

// NewID names a run so that names sort by time: run-20261124-081605-x7k2qd.
func NewID() string {
	return "run-" + time.Now().UTC().Format("20060102-150405") + "-" + strings.ToLower(rand.Text()[:6])
}

// Place is where runs are put for a worker.
type Place struct{ Namespace, TaskQueue string }

// Start starts a run under a name that no run ever had, a rollout unless the input is
// plain. When no worker takes it
// up within a few seconds it leaves nothing behind. An error of the context says
// that nothing was started.
func Start(ctx context.Context, c client.Client, place Place, id string, in workflows.RolloutInput) error {
	return LaunchOf(in).start(ctx, c, place, id)
}

// start starts a workflow of any kind as Start says.
func (l Launch) start(ctx context.Context, c client.Client, place Place, id string) error {
	o := l.Options
	o.ID = id
	if err := awaitWorker(ctx, c, place.TaskQueue); err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	if err := checkAttributes(ctx, c, place.Namespace); err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	o.TaskQueue = place.TaskQueue
	o.WorkflowIDReusePolicy = cmp.Or(o.WorkflowIDReusePolicy, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)
	o.WorkflowExecutionErrorWhenAlreadyStarted = true
	started, err := c.ExecuteWorkflow(ctx, o, l.Workflow, l.Input)
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case err == nil:
	case errors.As(err, &exists):
		return &ExistsError{ID: o.ID}
	case ctx.Err() != nil || inDoubt(err):
		return &connect.UnreachableError{Message: fmt.Sprintf(
			"the Temporal server did not say whether run %s was started (%v): see starter status %s before starting it anew", o.ID, cmp.Or(ctx.Err(), err), o.ID)}
	default:
		return err
	}
	return awaitPickup(ctx, c, place, started)
}

// inDoubt says that a start that failed so may have started the run.
func inDoubt(err error) bool {
	var answer serviceerror.ServiceError
	if !errors.As(err, &answer) {
		return connect.Transient(err)
	}
	switch answer.Status().Code() {
	case codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented:
		return false
	default:
		return true
	}
}

func noWorker(queue, more string) error {
	return &connect.UnreachableError{Message: fmt.Sprintf(
		"no worker serves task queue %q, nothing was started: start the worker program with the same Temporal address, namespace and task queue%s", queue, more)}
}

func awaitWorker(ctx context.Context, c client.Client, queue string) error {
	err := within(ctx, noWorker(queue, ""), func() (bool, error) { return taskqueue.Served(ctx, c, queue) })
	var unserved *connect.UnreachableError
	if !errors.As(err, &unserved) {
		return err
	}
	if stalled := taskqueue.Stalled(ctx, c, queue); stalled != nil {
		return &connect.UnreachableError{Message: stalled.Error() + " (nothing was started)"}
	}
	return err
}

// awaitPickup waits until a worker has begun with the run. A worker that died a
// moment ago still looks like one, so the run is taken back when none does. Other
// troubles, an interruption among them, are left to whoever follows the run.
func awaitPickup(ctx context.Context, c client.Client, place Place, run client.WorkflowRun) error {
	err := within(ctx, noWorker(place.TaskQueue, ""), func() (bool, error) {
		waiting, err := untouched(ctx, c, run)
		return !waiting, err
	})
	var unreachable *connect.UnreachableError
	if !errors.As(err, &unreachable) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*workerPatience) // half a take-back would leave a run that waits
	defer cancel()
	err = takeBack(ctx, c, place, run)
	if stalled := taskqueue.Stalled(ctx, c, place.TaskQueue); stalled != nil && errors.As(err, &unreachable) {
		return &connect.UnreachableError{Message: unreachable.Message + "; " + stalled.Error()}
	}
	return err
}

// takenBack is the reason under which a run that cannot be deleted is terminated.
const takenBack = "no worker took it up; nothing was started"

// takeBack removes a run that no worker has begun with. The cancellation comes
// first: a worker that appears after it finds the run cancelled before its first
// step and submits nothing, so that ending it then is safe. It is deleted while it
// is open, which the server does at once; one that has ended keeps its name for
// another half minute.
func takeBack(ctx context.Context, c client.Client, place Place, run client.WorkflowRun) error {
	id := run.GetID()
	if err := c.CancelWorkflow(ctx, id, run.GetRunID()); err != nil {
		return &connect.UnreachableError{Message: fmt.Sprintf("run %s waits for a worker and could not be taken back (%v): see starter status %s", id, err, id)}
	}
	waiting, err := untouched(ctx, c, run)
	if err != nil {
		return &connect.UnreachableError{Message: fmt.Sprintf("run %s is cancelled but may still be listed (%v): see starter status %s", id, err, id)}
	}
	if !waiting {
		return &connect.UnreachableError{Message: fmt.Sprintf("run %s was taken up only while it was being cancelled: see starter status %s", id, id)}
	}
	_, refused := c.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace:         place.Namespace,
		WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: run.GetRunID()},
	})
	if refused == nil {
		return awaitGone(ctx, c, place, run)
	}
	if err := c.TerminateWorkflow(ctx, id, run.GetRunID(), takenBack); err != nil {
		return &connect.UnreachableError{Message: fmt.Sprintf("run %s is cancelled but still listed as waiting (%v): see starter status %s", id, err, id)}
	}
	return noWorker(place.TaskQueue, fmt.Sprintf("; the name %s is spent, choose another id: the server did not delete it (%v)", id, refused))
}

// awaitGone waits until the name of a deleted run can be used again, and says why
// it was taken back.
func awaitGone(ctx context.Context, c client.Client, place Place, run client.WorkflowRun) error {
	err := within(ctx, errStillThere, func() (bool, error) {
		_, err := c.DescribeWorkflowExecution(ctx, run.GetID(), run.GetRunID())
		var notFound *serviceerror.NotFound
		if errors.As(err, &notFound) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return noWorker(place.TaskQueue, fmt.Sprintf("; the name %s is free again in a moment", run.GetID()))
	}
	return noWorker(place.TaskQueue, "")
}

var errStillThere = errors.New("the run is still there")

// untouched reports whether no worker has begun with the run.
func untouched(ctx context.Context, c client.Client, run client.WorkflowRun) (bool, error) {
	described, err := c.DescribeWorkflowExecution(ctx, run.GetID(), run.GetRunID())
	if err != nil {
		return false, fmt.Errorf("describe run %s: %w", run.GetID(), err)
	}
	task := described.GetPendingWorkflowTask()
	return task.GetState() == enumspb.PENDING_WORKFLOW_TASK_STATE_SCHEDULED && task.GetAttempt() <= 1 &&
		described.GetWorkflowExecutionInfo().GetHistoryLength() <= 3, nil
}

// within asks until the answer is yes, for workerPatience, and then gives up with
// the error.
func within(ctx context.Context, giveUp error, ask func() (bool, error)) error {
	deadline := time.After(workerPatience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, err := ask()
		if err != nil || yes {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline:
			return giveUp
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
