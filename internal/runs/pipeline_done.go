package runs

import (
	"context"
	"errors"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// addDone adds what was done within the runs of steps that did not succeed: items of a
// foreach, and steps of a pipeline. First is the run that is run again, and under what
// stands before the names. Before is what their run had been told of the runs before, which
// is still what is known of a step that did not begin in it.
func addDone(ctx context.Context, c client.Client, first, under string, steps []workflows.StepResult, before, done map[string]workflows.StepResult) error {
	for _, step := range steps {
		name := under + step.Name
		within := len(step.Items) > 0 || step.Kind == pipeline.SubPipeline
		switch {
		case step.RunID == "":
			keepDone(before, step.Name, name, done)
			continue
		case !within || step.OnFailureOf != "" || step.State == workflows.StepSucceeded:
			continue
		}
		past, err := ReadPipeline(ctx, c, step.RunID)
		var never *NotFoundError
		switch {
		case errors.As(err, &never): // it was never started
			keepDone(before, step.Name, name, done)
			continue
		case err != nil:
			return err
		}
		var items []any
		var told map[string]workflows.StepResult
		if past.Foreach { // what it was told of stands by the places of items before
			items, err = readItemsOf(ctx, c, step.RunID)
		} else {
			var in workflows.PipelineInput
			in, _, err = readPipelineInput(ctx, c, step.RunID)
			told = in.Done
		}
		if err != nil {
			return err
		}
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
		if err := addDone(ctx, c, first, workflows.StepRunID(name, ""), past.Steps, told, done); err != nil {
			return err
		}
	}
	return nil
}

// keepDone keeps what was done within a step, which stands under another name now.
func keepDone(before map[string]workflows.StepResult, step, name string, done map[string]workflows.StepResult) {
	for path, one := range before {
		if rest, within := strings.CutPrefix(path, workflows.StepRunID(step, "")); within {
			done[workflows.StepRunID(name, rest)] = one
		}
	}
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
