package runs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// doneReader gathers the Done of a rerun: what succeeded in the run that is run again.
type doneReader struct {
	mender
	first string // the run that is run again
	done  map[string]workflows.StepResult
	left  int // bytes of all that Temporal takes
}

func newDoneReader(c client.Client, past PipelinePast) *doneReader {
	r := &doneReader{mender: mender{c, workflows.MaxDone}, first: past.RunID}
	for _, step := range past.Steps {
		if step.State == workflows.StepSucceeded {
			r.room -= step.Weight()
		}
	}
	return r
}

// begin has what succeeded of the steps themselves be a part of the Done of an input.
func (r *doneReader) begin(in workflows.PipelineInput) {
	r.done, r.left = in.Done, in.RoomForDone()
	for _, step := range r.done {
		r.left -= step.Weight()
	}
}

// add adds what was done within the runs of steps that did not succeed: items of a foreach,
// and steps of a pipeline. Under is what stands before the names. Before is what their run
// had been told of the runs before, which is still what is known of a step that did not
// begin in it. Of a step that was rolled back nothing counts, and nothing may be run again by
// itself now.
func (r *doneReader) add(ctx context.Context, under string, steps []workflows.StepResult, before map[string]workflows.StepResult) error {
	for _, step := range steps {
		name := under + step.Name
		within := len(step.Items) > 0 || step.Kind == pipeline.SubPipeline
		if workflows.RolledBack(steps, step.Name) {
			if err := r.apart().add(ctx, under, []workflows.StepResult{step}, nil); err != nil {
				return err
			}
			continue
		}
		switch {
		case step.RunID == "":
			r.keep(before, step.Name, name)
			continue
		case !within || step.OnFailureOf != "" || step.State == workflows.StepSucceeded:
			continue
		}
		past, err := ReadPipeline(ctx, r.c, step.RunID)
		var never *NotFoundError
		switch {
		case errors.As(err, &never): // it was never started
			r.keep(before, step.Name, name)
			continue
		case err != nil:
			return err
		}
		told, err := r.within(ctx, past)
		if err != nil {
			return err
		}
		for _, inner := range past.Steps {
			if inner.OnFailureOf != "" {
				continue
			}
			if inner.DoneIn == "" {
				inner.DoneIn = r.first
			}
			if past.Foreach || inner.State == workflows.StepSucceeded {
				r.put(workflows.StepRunID(name, inner.Name), inner)
			}
		}
		if err := r.add(ctx, workflows.StepRunID(name, ""), past.Steps, told); err != nil {
			return err
		}
	}
	return nil
}

// apart is a reader whose findings are of no account.
func (r *doneReader) apart() *doneReader {
	other := *r
	other.done = make(map[string]workflows.StepResult)
	return &other
}

// within completes the steps, or items, of a run within the one that is run again: with the
// items that they ran for, and with what has been run again by itself since. It returns
// what the run had been told, but for items, for which that stands by their places before.
func (r *doneReader) within(ctx context.Context, past PipelineReport) (told map[string]workflows.StepResult, err error) {
	if !past.Foreach {
		var in workflows.PipelineInput
		if _, err := readInput(ctx, r.c, past.RunID, &in); err != nil {
			return nil, err
		}
		return in.Done, r.mendSteps(ctx, in.Pipeline, past.Steps)
	}
	var in workflows.ItemsInput
	if _, err := readInput(ctx, r.c, past.RunID, &in); err != nil {
		return nil, err
	}
	var all []failure
	for i := range past.Steps[:min(len(past.Steps), len(in.Items))] {
		past.Steps[i].Item = in.Items[i]
		all = append(all, failure{StepResult: &past.Steps[i], form: in.Step.Output, wanted: in.Keep})
	}
	return nil, r.mend(ctx, all)
}

// put adds a step, or an item, under its name.
func (r *doneReader) put(name string, step workflows.StepResult) {
	r.done[name] = step
	r.room -= step.Weight()
	r.left -= pipeline.WeightOfText(name) + step.Weight()
}

// fit takes away what steps and items within others left for later steps, as far as Temporal does
// not take all of it, and refuses what is too much nevertheless.
func (r *doneReader) fit() error {
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(r.done))) {
		if r.left >= 0 {
			return nil
		}
		if step := r.done[path]; step.Value != nil && strings.Contains(path, "/") {
			before := step.Weight()
			step.Value, step.Lacks = nil, workflows.TooMuchLeft
			r.done[path], r.left = step, r.left+before-step.Weight()
		}
	}
	if r.left >= 0 {
		return nil
	}
	return &RefusedError{fmt.Sprintf("what is known of the steps and items of run %s takes more bytes than a rerun can take over: run the pipeline anew with starter pipeline run FILE", r.first)}
}

// keep keeps what was done within a step, which stands under another name now.
func (r *doneReader) keep(before map[string]workflows.StepResult, step, name string) {
	for path, one := range before {
		if rest, within := strings.CutPrefix(path, workflows.StepRunID(step, "")); within {
			r.put(workflows.StepRunID(name, rest), one)
		}
	}
}
