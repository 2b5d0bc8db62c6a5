package runs

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// addDone adds what was done within the runs of steps that did not succeed: items of a
// foreach, and steps of a pipeline. First is the run that is run again, and under what
// stands before the names.
func addDone(ctx context.Context, c client.Client, first, under string, steps []workflows.StepResult, done map[string]workflows.StepResult) error {
	for _, step := range steps {
		within := len(step.Items) > 0 || step.Kind == pipeline.SubPipeline
		if !within || step.RunID == "" || step.OnFailureOf != "" || step.State == workflows.StepSucceeded {
			continue
		}
		past, err := ReadPipeline(ctx, c, step.RunID)
		var never *NotFoundError
		switch {
		case errors.As(err, &never): // it was never started
			continue
		case err != nil:
			return err
		}
		var items []any
		if past.Foreach {
			if items, err = readItemsOf(ctx, c, step.RunID); err != nil {
				return err
			}
		}
		name := under + step.Name
		for i, inner := range past.Steps {
			if inner.OnFailureOf != "" {
				continue
			}
			if inner.DoneIn == "" {
				inner.DoneIn = first
			}
			if i < len(items) {
				inner.Item = items[i]
			}
			if past.Foreach || inner.State == workflows.StepSucceeded {
				done[workflows.StepRunID(name, inner.Name)] = inner
			}
		}
		if err := addDone(ctx, c, first, workflows.StepRunID(name, ""), past.Steps, done); err != nil {
			return err
		}
	}
	return nil
}

// readItemsOf reads the list of a foreach.
func readItemsOf(ctx context.Context, c client.Client, id string) ([]any, error) {
	var in workflows.ItemsInput
	event, err := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	if err == nil {
		err = converter.GetDefaultDataConverter().FromPayloads(event.GetWorkflowExecutionStartedEventAttributes().GetInput(), &in)
	}
	return in.Items, err
}
