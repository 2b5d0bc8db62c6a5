package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/pipeline"
	"ehpcflow/workflows/course"
)

// pipelineRun is the state of a run of a pipeline.
type pipelineRun struct {
	in      PipelineInput
	status  PipelineStatus
	steps   *section // with those of their onFailure
	finally *section
	inputs  map[string]any
	looks   map[string]map[string]pipeline.Wanted // of each step at others, and of the outputs under ""
	wanted  map[string]pipeline.Wanted            // of each step
	seen    map[string]pipeline.StepValue         // steps that have ended, as later ones see them
	family  family
	logger  log.Logger
	entry   entry

	load     freight
	changes  int // what happened that a decision may depend on
	kept     int // bytes of values
	brings   int // bytes of what it goes on from beside these, and reasons; 0 until that is asked for
	canceled bool
}

// section are steps that run together.
type section struct {
	defs    []pipeline.Step
	results []StepResult
	needs   [][]int
	behind  []int
	heavy   []bool // may leave a large result in the history
	last    bool   // they are those of finally
}

// RunPipeline runs the steps of a pipeline, each by a run of its own, a child, when those
// that it needs have ended well, and sums them up in one verdict. Package course says what
// runs when.
//
// What becomes of a step is an outcome and never an error of the run, unless FailUnless
// asks for a success. Cancelling it cancels the run of every step, waits for their ends,
// and then runs the steps of finally; what is known then is in the details of the
// CanceledError. A run whose history grows long goes on as a new one under its name when
// none of its steps runs.
func RunPipeline(ctx workflow.Context, in PipelineInput) (*PipelineResult, error) {
	countStarted(ctx, in.Resumed != nil)
	r, err := setupPipeline(ctx, in)
	if err != nil {
		countEnded(ctx, "", nil, err)
		return nil, err
	}
	// The steps of finally run although the pipeline was cancelled.
	lasting, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	if err := r.advance(ctx, lasting, r.steps); err != nil {
		return nil, err
	}
	if err := r.advance(lasting, lasting, r.finally); err != nil {
		return nil, err
	}
	return r.finish(lasting)
}

func setupPipeline(ctx workflow.Context, in PipelineInput) (*pipelineRun, error) {
	info := workflow.GetInfo(ctx)
	r := &pipelineRun{in: in, logger: workflow.GetLogger(ctx), entry: openEntry(ctx)}
	r.status = PipelineStatus{Phase: Watching, PipelineResult: PipelineResult{
		Pipeline: in.Pipeline.Name, StartedAt: workflow.Now(ctx), Lineage: in.Lineage, Steps: []StepResult{},
	}}
	if in.Resumed != nil {
		r.status = *in.Resumed
		r.canceled = r.status.Phase == Stopping
	}
	if err := workflow.SetQueryHandler(ctx, PipelineQuery, func() (PipelineStatus, error) { return r.status, nil }); err != nil {
		return nil, err
	}
	if in.Resumed == nil {
		if problems := in.problems(info.WorkflowExecution.ID); len(problems) > 0 { // no newer version may refuse more
			return nil, temporal.NewNonRetryableApplicationError((&InputError{problems}).Error(), ErrInvalidInput, nil)
		}
		r.status.Steps = newResults(in.Pipeline.Steps)
		r.status.Finally = newResults(in.Pipeline.Finally)
		r.takeDone()
	}
	r.looks = pipeline.ReferencesByStep(in.Pipeline)
	r.wanted = pipeline.Together(r.looks)
	r.steps = newSection(in.Pipeline.Steps, r.status.Steps, r.wanted)
	r.finally = newSection(in.Pipeline.Finally, r.status.Finally, r.wanted)
	r.finally.last = true
	for i := range r.finally.defs {
		def := &r.finally.defs[i]
		def.TimeoutSeconds = cmp.Or(def.TimeoutSeconds, defaultFinally)
	}
	names := clusterNames(nil)
	r.inputs, names, _ = in.values()
	r.family = family{
		runID: info.WorkflowExecution.ID, parent: info.WorkflowExecution.ID, entry: &r.entry, clusters: names, depth: in.Depth, check: checkRun,
		retried: in.Retried, within: doneWithin(in.Done), room: r.room, changed: func() { r.changes++ }, mostOfReason: r.mostOfReason(),
	}
	r.seen = make(map[string]pipeline.StepValue)
	for _, result := range r.status.all() {
		if result.Value != nil {
			r.kept += weighValue(*result.Value)
		}
		if result.Ended() {
			r.seen[result.Name] = result.seen()
		}
	}
	return r, nil
}

func newResults(steps []pipeline.Step) []StepResult {
	var results []StepResult
	for _, step := range steps {
		results = append(results, StepResult{Name: step.Name, Kind: step.Kind, Needs: step.Needs, State: StepWaiting})
		for _, behind := range step.OnFailure.Run {
			results = append(results, StepResult{Name: behind.Name, Kind: behind.Kind, Needs: behind.Needs, OnFailureOf: step.Name, State: StepWaiting})
		}
	}
	return results
}

func newSection(steps []pipeline.Step, results []StepResult, wanted map[string]pipeline.Wanted) *section {
	p := &section{defs: stepsOf(steps), results: results}
	index := make(map[string]int, len(p.defs))
	for i, def := range p.defs {
		index[def.Name] = i
	}
	for i, def := range p.defs {
		var needs []int
		for _, need := range def.Needs {
			needs = append(needs, index[need])
		}
		behind := course.None
		if of := results[i].OnFailureOf; of != "" {
			behind = index[of]
		}
		p.needs, p.behind = append(p.needs, needs), append(p.behind, behind)
		large := heavy(def.Kind)
		if def.Foreach != nil { // what its items did is in their runs, but for what is kept of them
			large = len(wanted[def.Name].Within("items")) > 0
		}
		p.heavy = append(p.heavy, large)
	}
	return p
}

var courseStates = map[StepState]course.State{
	StepWaiting: course.Waiting, StepRunning: course.Running, StepSucceeded: course.Succeeded,
	StepFailed: course.Failed, StepSkipped: course.Skipped, StepCanceled: course.Canceled,
}

// course is how the steps of a section stand.
func (p *section) course(concurrency int) course.Course {
	c := course.Course{
		AtOnce: cmp.Or(concurrency, pipeline.DefaultConcurrency), HeavyAtOnce: pipeline.MaxCommands, Last: p.last,
		Steps: make([]course.Step, len(p.defs)),
	}
	for i, def := range p.defs {
		state := courseStates[p.results[i].State]
		if p.results[i].Passed {
			state = course.Passed
		}
		c.Steps[i] = course.Step{
			Name: def.Name, Needs: p.needs[i], Behind: p.behind[i], Then: def.OnFailure.Do,
			Heavy: p.heavy[i], State: state,
		}
	}
	return c
}

// running says whether a step runs, rather than wait for its next attempt.
func (p *section) running() bool {
	for i := range p.results {
		if p.results[i].State == StepRunning && p.results[i].NextAt.IsZero() {
			return true
		}
	}
	return false
}

// jobs are how many run.
func (p *section) jobs() int {
	jobs := 0
	for i := range p.results {
		if p.results[i].State == StepRunning && p.defs[i].Kind == pipeline.RunsJob {
			jobs++
		}
	}
	return jobs
}

// advance goes on until every step of a section has ended. Lasting is a context that is never
// cancelled. It returns an error to go on as a new run.
func (r *pipelineRun) advance(ctx, lasting workflow.Context, p *section) error {
	waits := ctx
	for i := range p.results {
		if p.results[i].State == StepRunning { // it was between two attempts when the run went on as this one
			r.begin(ctx, p, i)
		}
	}
	for {
		seen := r.changes
		over := r.decide(ctx, p)
		r.show(ctx)
		if over {
			return nil
		}
		if ctx.Err() == nil && growsLong(ctx) && !p.running() { // cancelled, those between two attempts end now
			in := r.in
			r.family.goesOn = true
			in.Done, in.Resumed = r.family.within.carried(), &r.status
			return workflow.NewContinueAsNewError(lasting, RunPipeline, in)
		}
		full := r.load.full()
		if workflow.Await(waits, func() bool { return r.changes != seen || full && !r.load.full() }) != nil {
			waits = lasting
		}
	}
}

// decide skips and starts what is to be skipped and started now, and says whether all have
// ended.
func (r *pipelineRun) decide(ctx workflow.Context, p *section) (over bool) {
	for {
		if !p.last && ctx.Err() != nil && !r.canceled {
			if p.course(r.in.Pipeline.Concurrency).Next().Over {
				return true // it was cancelled when nothing was left to cancel
			}
			r.canceled = true
		}
		c := p.course(r.in.Pipeline.Concurrency)
		c.Canceled, c.Held = r.canceled && !p.last, r.load.full() || !mayGrow(ctx, p.running(), p.jobs())
		next := c.Next()
		for _, skip := range next.Skip {
			result := &p.results[skip.Step]
			result.State, result.Reason, result.Passed = StepSkipped, skip.Why, skip.To == course.Passed
			r.seen[result.Name] = result.seen()
		}
		changed := len(next.Skip) > 0
		for _, i := range next.Start {
			if changed = !r.begin(ctx, p, i) || changed; changed || r.load.full() {
				break
			}
		}
		if !changed {
			return next.Over
		}
	}
}

// finish sums the steps up.
func (r *pipelineRun) finish(ctx workflow.Context) (*PipelineResult, error) {
	r.status.Verdict, r.status.Reason = r.verdict()
	if r.canceled {
		r.status.Verdict, r.status.Reason = Canceled, strings.Join(nonEmpty([]string{"cancelled", r.status.Reason}), "; ")
	}
	r.leaveOutputs()
	r.tellDone()
	r.status.Phase, r.status.EndedAt = Ended, workflow.Now(ctx)
	r.entry.endPipeline(ctx, &r.status)
	r.show(ctx)
	countEnded(ctx, r.status.Verdict, nil, nil)
	if r.canceled {
		return nil, temporal.NewCanceledError(r.status.PipelineResult)
	}
	if err := r.in.FailUnless.judgePipeline(r.status.PipelineResult); err != nil {
		return nil, err
	}
	return &r.status.PipelineResult, nil
}

// verdict sums the steps up, as far as they have ended, and says which failed.
func (r *pipelineRun) verdict() (Verdict, string) {
	sum, last := r.steps.course(0).Sum(), r.finally.course(0).Sum()
	failed := slices.Concat(sum.Failed, last.Failed)
	reason := ""
	if all := slices.Concat(failed, sum.Tolerated); len(all) > 0 {
		reason = fmt.Sprintf("%s failed", firstFew(all))
	}
	switch {
	case len(failed) > 0 || len(sum.Tolerated) > 0 && sum.Succeeded == 0:
		return Failed, reason
	case len(sum.Tolerated) > 0:
		return Partial, reason
	}
	return Succeeded, ""
}
