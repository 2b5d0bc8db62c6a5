package runs

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/sdk/client"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// PipelineRerun is a run of a pipeline to be started, made from a past one: the same
// pipeline and inputs, without the steps that need not run again.
type PipelineRerun struct {
	ID    string // FIRST-r2, FIRST-r3 and so on
	Input workflows.PipelineInput

	// Unknown are steps of which something may be running still, since the past run. They
	// run again.
	Unknown []string

	Again []string // steps that run again, those of Unknown too

	// Passed are steps that did not have to run, and may have to now: their conditions are
	// looked at again.
	Passed []string
}

// Kept is how many steps are not run again.
func (r PipelineRerun) Kept() int {
	kept := 0
	for name := range r.Input.Done {
		if !strings.Contains(name, "/") { // what lies within a step is none
			kept++
		}
	}
	return kept
}

// PreparePipelineRerun reads a past run of a pipeline, and starts nothing. A *RefusedError
// says why it cannot be run again: it goes on, nothing of it is left to do, or, unless
// unknown is said, something of it may be running still.
func PreparePipelineRerun(ctx context.Context, c client.Client, id string, unknown bool) (PipelineRerun, error) {
	past, err := readPipelinePast(ctx, c, id)
	switch {
	case err != nil:
		return PipelineRerun{}, err
	case past.State == Running:
		return PipelineRerun{}, &RefusedError{fmt.Sprintf("run %s still goes on: wait for its end (starter watch %s) or stop it (starter cancel %s)", id, id, id)}
	case len(past.Steps) == 0:
		return PipelineRerun{}, &RefusedError{fmt.Sprintf("run %s had no steps, it was refused at its start: run the pipeline anew with starter pipeline run FILE", id)}
	}
	chain, err := ReadPipelineChain(ctx, c, id)
	if err != nil {
		return PipelineRerun{}, err
	}
	if last, _ := chain.last(); last.RunID != id {
		return PipelineRerun{}, &RefusedError{fmt.Sprintf("run %s was run again as %s: what is left is to be run again from there, starter pipeline rerun %s --from-failed", id, last.RunID, last.RunID)}
	}
	known := newDoneReader(c, past)
	if err := known.mendSteps(ctx, past.Input.Pipeline, past.Steps); err != nil {
		return PipelineRerun{}, err
	}
	rerun := past.rerun(past.Input)
	switch {
	case len(rerun.Again) == 0:
		return rerun, &RefusedError{fmt.Sprintf("every step of run %s has succeeded: there is nothing to run again", id)}
	case len(rerun.Unknown) > 0 && !unknown:
		return rerun, &RefusedError{fmt.Sprintf("how %s of run %s ended was not seen, so that it may be running still: look at it (starter status %s), and say --include-unknown to run it again nevertheless",
			strings.Join(rerun.Unknown, ", "), id, workflows.StepRunID(id, rerun.Unknown[0]))}
	}
	known.begin(rerun.Input)
	rerun.ID = chain.next()
	if err := known.add(ctx, "", past.Steps, past.Input.Done); err != nil {
		return rerun, err
	}
	return rerun, known.fit()
}

// rerun makes the rerun of a past run that had that input.
func (r PipelineReport) rerun(in workflows.PipelineInput) PipelineRerun {
	first := r.RunID
	if in.Lineage != nil {
		first = in.Lineage.First
	}
	in.Resumed, in.Done = nil, make(map[string]workflows.StepResult)
	in.Lineage = &workflows.Lineage{Run: r.RunID, First: first, Sets: []string{"failed"}}
	rerun := PipelineRerun{Input: in}
	for _, step := range r.Steps {
		switch {
		case step.OnFailureOf != "": // it belongs to its step, and runs when that fails again
		case step.Passed: // what it depends on may come to something else now
			rerun.Passed = append(rerun.Passed, step.Name)
			continue
		case step.State == workflows.StepSucceeded:
			if step.DoneIn == "" {
				step.DoneIn = r.RunID
			}
			in.Done[step.Name] = step
			continue
		default:
			rerun.Again = append(rerun.Again, step.Name)
		}
		if step.State == workflows.StepRunning || step.MayRun {
			rerun.Unknown = append(rerun.Unknown, step.Name)
		}
	}
	for _, step := range r.Finally {
		if step.State == workflows.StepFailed {
			rerun.Again = append(rerun.Again, step.Name)
		}
		if step.State == workflows.StepRunning || step.MayRun {
			rerun.Unknown = append(rerun.Unknown, step.Name)
		}
	}
	return rerun
}

// PipelineOf is the pipeline that a run was started with.
func PipelineOf(ctx context.Context, c client.Client, id string) (pipeline.Pipeline, error) {
	var in workflows.PipelineInput
	_, err := readInput(ctx, c, id, &in)
	return in.Pipeline, err
}
