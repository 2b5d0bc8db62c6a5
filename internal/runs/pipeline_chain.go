package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// PipelinePast is a run of a pipeline with what it was started with.
type PipelinePast struct {
	PipelineReport
	Input workflows.PipelineInput
}

func (p PipelinePast) link() link { return link{p.RunID, p.State, p.StartedAt, p.Input.Lineage} }

// Again are the steps that a rerun had to run again.
func (p PipelinePast) Again() []string {
	var again []string
	for _, step := range p.Steps {
		if p.Input.Lineage != nil && step.DoneIn == "" && step.OnFailureOf == "" && !step.Passed {
			again = append(again, step.Name)
		}
	}
	return again
}

// readPipelinePast reads a run of a pipeline that is no step of another: a *RefusedError
// says of others where their history is.
func readPipelinePast(ctx context.Context, c client.Client, id string) (PipelinePast, error) {
	kind, err := KindOf(ctx, c, id)
	if err != nil {
		return PipelinePast{}, err
	}
	if _, part := partsOfPipelines[kind]; part && kind != OnPipeline {
		return PipelinePast{}, ofPipeline(ctx, c, id, kind)
	}
	report, err := ReadPipeline(ctx, c, id)
	if err != nil {
		return PipelinePast{}, err
	}
	var in workflows.PipelineInput
	startedAt, err := readInput(ctx, c, id, &in)
	switch {
	case err != nil:
		return PipelinePast{}, err
	case in.Depth > 0:
		return PipelinePast{}, ofPipeline(ctx, c, id, OnPipeline)
	case report.Phase == "":
		return PipelinePast{}, unanswered(id)
	}
	if report.StartedAt.IsZero() { // it was refused at its start
		report.StartedAt = startedAt
	}
	return PipelinePast{report, in}, nil
}

// PipelineChain is a run of a pipeline with its reruns.
type PipelineChain struct {
	Chain[PipelinePast]

	// steps are those of the last run as they stand by now, and busy says that one is being
	// run again by itself; see ReadPipelineHistory.
	steps []workflows.StepResult
	busy  string
}

// ReadPipelineChain reads the chain that a run of a pipeline is of.
func ReadPipelineChain(ctx context.Context, c client.Client, id string) (PipelineChain, error) {
	chain, err := readChain(ctx, c, id, []string{pipelineType}, readPipelinePast)
	return PipelineChain{Chain: chain}, err
}

// ReadPipelineHistory is ReadPipelineChain, and looks which steps of the last run have been
// run again by themselves since.
func ReadPipelineHistory(ctx context.Context, c client.Client, id string) (PipelineChain, error) {
	chain, err := ReadPipelineChain(ctx, c, id)
	last, found := chain.last()
	if err != nil || !found || last.State == Running {
		return chain, err
	}
	chain.steps = slices.Clone(last.Steps)
	err = (&mender{c, workflows.MaxDone}).mendSteps(ctx, last.Input.Pipeline, chain.steps)
	var busy *RefusedError
	if errors.As(err, &busy) {
		chain.busy = busy.Message
		return chain, nil
	}
	return chain, err
}

// last is the run that tells how the pipeline stands, from which it is to be run again. One
// that was refused at its start did nothing.
func (c PipelineChain) last() (PipelinePast, bool) {
	for _, past := range slices.Backward(c.Runs) {
		if len(past.Steps) > 0 {
			return past, true
		}
	}
	return PipelinePast{}, false
}

// StepStanding is how a step of a pipeline stands by now.
type StepStanding struct {
	workflows.StepResult

	// In is the run of the pipeline that tells so: of a step that succeeded, that in which
	// it did.
	In string `json:"in"`

	// Finally says that the step is one of finally, which every run runs anew.
	Finally bool `json:"finally,omitempty"`
}

// Open says that the step has neither succeeded by now, nor been skipped as it was to be.
// One of an onFailure belongs to its step.
func (s StepStanding) Open() bool {
	return s.State != workflows.StepSucceeded && !s.Passed && s.OnFailureOf == ""
}

// Standings tells of each step how it stands: it has succeeded when it did in one of the
// runs, and is otherwise as in the last. Steps that every run begins anew, those of finally
// and of an onFailure, are as in the last too.
func (c PipelineChain) Standings() []StepStanding {
	standings := []StepStanding{}
	last, found := c.last()
	if !found {
		return standings
	}
	succeeded := make(map[string]StepStanding)
	for _, past := range c.Runs {
		for _, step := range past.Steps {
			if step.State == workflows.StepSucceeded && step.OnFailureOf == "" {
				succeeded[step.Name] = standing(step, past.RunID)
			}
		}
	}
	steps := last.Steps
	if c.steps != nil {
		steps = c.steps
	}
	for _, step := range steps {
		if done, is := succeeded[step.Name]; is {
			standings = append(standings, done)
		} else {
			standings = append(standings, standing(step, last.RunID))
		}
	}
	for _, step := range last.Finally {
		s := standing(step, last.RunID)
		s.Finally = true
		standings = append(standings, s)
	}
	return standings
}

// standing is what a run tells of a step, without what later steps know of it.
func standing(step workflows.StepResult, run string) StepStanding {
	s := StepStanding{StepResult: step, In: cmp.Or(step.DoneIn, run)}
	s.DoneIn, s.Value, s.Lacks = "", nil, ""
	return s
}

// Open are the steps that are left.
func (c PipelineChain) Open() []StepStanding {
	return slices.DeleteFunc(c.Standings(), func(s StepStanding) bool { return !s.Open() })
}

// Done says whether there are steps, and none is left.
func (c PipelineChain) Done() bool { return len(c.Standings()) > 0 && len(c.Open()) == 0 }

// Remedy says what to do about steps that are left; "" where there are none.
func (c PipelineChain) Remedy() string {
	last, found := c.last()
	switch {
	case c.Done():
		return ""
	case c.GoesOn():
		running := c.Runs[slices.IndexFunc(c.Runs, func(p PipelinePast) bool { return p.State == Running })].RunID
		return "run " + running + " goes on: starter watch " + running
	case c.busy != "":
		return c.busy
	case !found:
		return "no step of it began: run the pipeline anew with starter pipeline run FILE"
	}
	again := fmt.Sprintf("starter pipeline rerun %s --from-failed", last.RunID)
	unknown := last.rerun(last.Input).Unknown
	if len(unknown) == 0 {
		return "run again what is left: " + again
	}
	return fmt.Sprintf("how %s ended was not seen: look at it (starter status %s), then run again what is left: %s --include-unknown",
		strings.Join(unknown, ", "), workflows.StepRunID(last.RunID, unknown[0]), again)
}
