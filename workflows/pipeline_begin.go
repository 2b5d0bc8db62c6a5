package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/pipeline"
)

// begin starts a step and follows it beside the others. False says that it was not
// started: it is skipped, or has failed.
func (r *pipelineRun) begin(ctx workflow.Context, p *section, at int) bool {
	def, result := p.defs[at], &p.results[at]
	began := result.State == StepRunning
	l, skip, err := r.prepare(def, p.last, began)
	switch {
	case err != nil:
		result.State, result.Reason = StepFailed, shortenTo("not started: "+err.Error(), r.mostOfReason())
		result.EndedAt = workflow.Now(ctx)
		r.seen[result.Name] = result.seen()
		return false
	case skip != "":
		result.State, result.Passed, result.Reason = StepSkipped, true, skip
		r.seen[result.Name] = result.seen()
		return false
	}
	if !began {
		result.State, result.StartedAt = StepRunning, workflow.Now(ctx)
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		o := r.family.attempts(ctx, def, l, &r.load, result)
		r.close(def, result, o, workflow.Now(ctx), ctx.Err() != nil)
		r.changes++
		r.logger.Info("step ended", "step", result.Name, "state", result.State)
	})
	return true
}

// close keeps what became of a step. Stopping says that the pipeline was cancelled.
func (r *pipelineRun) close(def pipeline.Step, result *StepResult, o outcome, now time.Time, stopping bool) {
	result.end(o, now, stopping)
	result.shorten(r.mostOfReason())
	r.keep(def, result, o)
	r.seen[result.Name] = result.seen()
}

// prepare evaluates what a step says. A step may have to be skipped instead, unless it began
// already: what its condition asks may be otherwise by now, as the verdict is in finally.
func (r *pipelineRun) prepare(def pipeline.Step, last, began bool) (l launch, skip string, err error) {
	if err := r.lacking(def); err != nil {
		return l, "", err
	}
	scope := r.scope(last)
	if !began {
		if yes, err := def.When.True(scope); err != nil {
			return l, "", fmt.Errorf("when: %w", err)
		} else if !yes {
			return l, "its condition is false", nil
		}
	}
	if def.Foreach != nil {
		items, err := def.Foreach.List(scope)
		switch {
		case err != nil:
			return l, "", fmt.Errorf("foreach: %w", err)
		case len(items) == 0:
			return l, "there is nothing to run over", nil
		case len(items) > pipeline.MaxItems:
			return l, "", fmt.Errorf("foreach: it has %d items, the most is %d", len(items), pipeline.MaxItems)
		}
		l, err := r.launchItems(def, items, scope)
		return l, "", err
	}
	action, err := def.Action(scope)
	if err != nil {
		return l, "", err
	}
	l, problems := r.family.launch(def, action)
	if len(problems) > 0 {
		return l, "", errors.New(strings.Join(problems, "; "))
	}
	return l, "", nil
}

// scope is what the expressions of steps see.
func (r *pipelineRun) scope(last bool) pipeline.Scope {
	scope := pipeline.Scope{Inputs: r.inputs, Clusters: r.family.clusters, Steps: r.seen, Run: pipeline.RunValue{ID: r.family.runID}}
	if last {
		verdict, _ := r.verdict()
		if r.canceled {
			verdict = Canceled
		}
		scope.Run.Verdict = verdictWord(verdict)
	}
	return scope
}

// lacking is an error when a step refers to something that was not kept.
func (r *pipelineRun) lacking(def pipeline.Step) error {
	looks := r.looks[def.Name]
	for _, results := range [][]StepResult{r.status.Steps, r.status.Finally} {
		for i := range results {
			if result := &results[i]; result.Lacks != "" && slices.ContainsFunc(bigParts, looks[result.Name].Wants) {
				return fmt.Errorf("it refers to step %s: %s", result.Name, result.Lacks)
			}
		}
	}
	return nil
}

// bigParts are those of a step's value that are not kept where they are too long.
var bigParts = []string{"output", "json", "nodes", "items", "outputs"}

// keep keeps of a step what later ones refer to, and has one fail that printed no JSON
// where it had to.
func (r *pipelineRun) keep(def pipeline.Step, result *StepResult, o outcome) {
	if def.Output == pipeline.AsJSON && def.Foreach == nil && result.State == StepSucceeded {
		value, err := o.json()
		if err != nil {
			result.State, result.Reason = StepFailed, shortenTo(err.Error(), r.mostOfReason())
		}
		o.value.JSON = value
	}
	wanted := r.wanted[def.Name]
	if len(wanted) == 0 {
		return
	}
	value, lacks := o.left(result, wanted)
	if lacks == "" && weighValue(value) > r.room() {
		lacks = fmt.Sprintf("what steps leave to later ones takes more than %d bytes in all: print less, or write it to files", r.mostKept())
	}
	if lacks != "" {
		result.Lacks = lacks
		return
	}
	result.Value = &value
	r.kept += weighValue(value)
}

// room is how many bytes may be kept still, of values and of what was done within steps.
func (r *pipelineRun) room() int { return r.mostKept() - r.kept - r.family.within.weight }

// mostKept is how much is kept of all steps for later ones, in bytes. With the file, the
// inputs, and what is known of many steps it stays below what Temporal takes in one piece,
// also of a run that goes on as a new one.
func (r *pipelineRun) mostKept() int {
	steps := len(r.status.Steps) + len(r.status.Finally)
	if r.brings == 0 {
		r.brings = r.brought()
	}
	return max(0, min(mostKept-500*steps, mostGoesOn-r.brings-2*steps*r.mostOfReason()))
}

// mostGoesOn is how much a run may go on from as a new one, in bytes of JSON, of which
// Temporal takes 2 MiB.
const mostGoesOn = 2<<20 - 32<<10

// brought is what a run goes on from whatever its steps leave and say, in bytes of JSON.
func (r *pipelineRun) brought() int {
	weight := r.in.Pipeline.Weight() + pipeline.Weight(r.in.Inputs)
	for _, step := range r.status.all() {
		weight += 500 + len(r.family.runID)
		if step.Kind == pipeline.RunsJob {
			weight += 700
		}
		for _, need := range step.Needs {
			weight += pipeline.WeightOfText(need) + 1
		}
	}
	return weight
}

// mostOfReason is how much is kept of a reason, and of an error's message, in bytes of JSON.
func (r *pipelineRun) mostOfReason() int {
	return min(3*mostOfMessage, max(200, 200_000/(len(r.status.Steps)+len(r.status.Finally))))
}

// leaveOutputs evaluates the outputs of the pipeline. One that cannot be has a pipeline
// fail that otherwise went well.
func (r *pipelineRun) leaveOutputs() {
	scope := r.scope(true)
	outputs := make(map[string]any, len(r.in.Pipeline.Outputs))
	var wrong []string
	for _, output := range r.in.Pipeline.Outputs {
		value, err := output.Value.Eval(scope)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("output %s: %v", output.Name, err))
			continue
		}
		outputs[output.Name] = value
	}
	if weight := pipeline.Weight(outputs); weight > mostOutputs {
		outputs, wrong = nil, append(wrong, fmt.Sprintf("the outputs take %d bytes, the most is %d", weight, mostOutputs))
	}
	if len(outputs) > 0 {
		r.status.Outputs = outputs
	}
	if len(wrong) > 0 && (r.status.Verdict == Succeeded || r.status.Verdict == Partial) {
		r.status.Verdict = Failed
		r.status.Reason = strings.Join(nonEmpty([]string{r.status.Reason, shorten(strings.Join(wrong, "; "), mostOfMessage)}), "; ")
	}
}

// mostOutputs is how many bytes the outputs of a pipeline may have.
const mostOutputs = 256 << 10
