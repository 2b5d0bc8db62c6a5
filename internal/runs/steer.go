package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/internal/connect"
	"ehpcflow/workflows"
)

// RefusedError says why a run did not take what it was told.
type RefusedError struct{ Message string }

func (e *RefusedError) Error() string { return e.Message }

// Cancel asks a run to stop its command and to end. Follow it to see what came of it.
func Cancel(ctx context.Context, c client.Client, id string) error {
	described, _, err := describeRun(ctx, c, id)
	if err != nil {
		return err
	}
	if state := StateOf(described.GetWorkflowExecutionInfo().GetStatus()); state != Running {
		return &RefusedError{fmt.Sprintf("run %s has ended already (%s): there is nothing to cancel", id, state)}
	}
	if err := c.CancelWorkflow(ctx, id, ""); err != nil {
		return fmt.Errorf("cancel run %s: %w", id, err)
	}
	return nil
}

// AnswerQuestion answers the question of a run. It is signed by User.
func AnswerQuestion(ctx context.Context, c client.Client, id string, answer workflows.Answer) error {
	answer.By = cmp.Or(answer.By, User())
	return update(ctx, c, id, workflows.AnswerUpdate, answer, nil)
}

// Steer tells a rollout, or an approval, something by the name of an update. An order of
// nobody is signed by User.
func Steer(ctx context.Context, c client.Client, id, name string, order workflows.Order) (workflows.OrderTaken, error) {
	var taken workflows.OrderTaken
	described, err := c.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return taken, unknownRun(err, id)
	}
	info := described.GetWorkflowExecutionInfo()
	kind, err := kindOf(id, info.GetType().GetName())
	switch state := StateOf(info.GetStatus()); {
	case err != nil:
		return taken, err
	case info.GetType().GetName() == runCommandType:
		return taken, &RefusedError{fmt.Sprintf("run %s is no rollout, all its nodes are started at once: stop it (starter cancel %s), or wait for its end", id, id)}
	case kind == OnClusters:
		return taken, severalClusters(ctx, c, id)
	case kind == OnPipeline:
		return taken, waitingSteps(ctx, c, id, name)
	case kind != OnOne && (kind != OfApproval || name != workflows.ApproveUpdate && name != workflows.RejectUpdate):
		return taken, &OtherKindError{id, kind}
	case state != Running:
		return taken, &RefusedError{fmt.Sprintf("run %s has ended already (%s): see starter status %s", id, state, id)}
	}
	order.By = cmp.Or(order.By, User())
	return taken, update(ctx, c, id, name, order, &taken)
}

// updatePatience bounds the wait for a run to take an update.
const updatePatience = 30 * time.Second

// update sends an update to a run and reads what it answers.
func update(ctx context.Context, c client.Client, id, name string, arg, answer any) error {
	patient, cancel := context.WithTimeout(ctx, updatePatience)
	defer cancel()
	handle, err := c.UpdateWorkflow(patient, client.UpdateWorkflowOptions{
		WorkflowID:   id,
		UpdateName:   name,
		Args:         []any{arg},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(patient, answer)
	}
	if err == nil {
		return nil
	}
	_, several := Read(ctx, c, id)
	var refused *temporal.ApplicationError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case OnSeveralClusters(several):
		return several
	case errors.As(err, &refused):
		return &RefusedError{fmt.Sprintf("run %s refuses %s: %s", id, name, refused.Message())}
	case patient.Err() != nil:
		return &connect.UnreachableError{Message: fmt.Sprintf(
			"run %s has not answered within %v, for no worker serves it or Temporal does not answer; it may still take %s: see starter status %s", id, updatePatience, name, id)}
	}
	return unknownRun(err, id)
}

// unknownRun says of the server's error that there is no such run, where it means that.
func unknownRun(err error, id string) error {
	var notFound *serviceerror.NotFound
	if errors.As(err, &notFound) {
		return &NotFoundError{fmt.Sprintf("there is no run %s that goes on: check its name and the namespace", id)}
	}
	return fmt.Errorf("tell run %s: %w", id, err)
}

// WhoAmI names the user and the machine.
func WhoAmI() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
