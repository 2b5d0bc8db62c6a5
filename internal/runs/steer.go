package runs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/workflows"
)

// RefusedError says why a run did not take what it was told.
type RefusedError struct{ Message string }

func (e *RefusedError) Error() string { return e.Message }

// Cancel asks a run to stop its command and to end. Follow it to see what came of it.
func Cancel(ctx context.Context, c client.Client, id string) error {
	report, err := Read(ctx, c, id)
	switch {
	case err != nil:
		return err
	case report.State != Running:
		return &RefusedError{fmt.Sprintf("run %s has ended already (%s): there is nothing to cancel", id, report.State)}
	}
	if err := c.CancelWorkflow(ctx, id, ""); err != nil {
		return fmt.Errorf("cancel run %s: %w", id, err)
	}
	return nil
}

// AnswerQuestion answers the question of a run. It is signed with the name of the
// user and the machine.
func AnswerQuestion(ctx context.Context, c client.Client, id string, answer workflows.Answer) error {
	if answer.By == "" {
		answer.By = whoAmI()
	}
	handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID:   id,
		UpdateName:   workflows.AnswerUpdate,
		Args:         []any{answer},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	var refused *temporal.ApplicationError
	var notFound *serviceerror.NotFound
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return &RefusedError{fmt.Sprintf("run %s refuses the answer: %s", id, refused.Message())}
	case errors.As(err, &notFound):
		return &NotFoundError{fmt.Sprintf("there is no run %s that goes on: check its name and the namespace", id)}
	}
	return fmt.Errorf("answer run %s: %w", id, err)
}

func whoAmI() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
