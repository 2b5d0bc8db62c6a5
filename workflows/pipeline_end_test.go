package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

func TestCancellingCancelsEveryStepWaitsForThemAndRunsFinally(t *testing.T) {
	t.Parallel()
	inner := pipelineOf(with(step("deep"), func(s *pipeline.Step) { s.With["run"] = "long" }))
	inner.Pipeline.Finally = []pipeline.Step{step("deepclean")}
	sub := pipeline.Step{Name: "sub", Kind: pipeline.SubPipeline, Pipeline: &inner.Pipeline, With: map[string]any{"file": "inner.yaml"}}
	long := played{takes: 10 * time.Hour}
	b := newPipelineBundle(t, map[string]played{"long": long, "run a": long, "run 'x'": long, "run job": long}, nil)
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
	b.RegisterDelayedCallback(func() {
		require.Equal(t, workflows.Stopping, b.status().Phase)
		require.Equal(t, "clean waiting", stepStates(b.status().Finally[:1]), "it waits until all are stopped")
	}, time.Hour+5*time.Second)
	in := pipelineOf(
		step("done"), with(step("a"), then(pipeline.Continue, step("cleanup"))), forEach(step("items"), "x"), jobStep("job"),
		approvalStep(func(map[string]any) {}), pipeline.Step{Name: "pause", Kind: pipeline.Waits, With: map[string]any{"for": "9h"}}, sub, step("next", "a"),
	)
	in.Pipeline.Finally = []pipeline.Step{step("clean"), step("after", "clean")}
	result := b.canceled(in)
	require.Equal(t, workflows.Canceled, result.Verdict)
	require.Equal(t, "done succeeded, a canceled, cleanup skipped, items canceled, job canceled, ask canceled, pause canceled, sub canceled, next skipped", stepStates(result.Steps))
	require.Equal(t, "clean succeeded, after succeeded", stepStates(result.Finally))
	require.Equal(t, "cancelled before it was started", stepIn(t, result, "next").Reason)
	require.Equal(t, map[workflows.NodeState]int{activities.Stopped: 1}, stepIn(t, result, "a").States)
	require.Equal(t, "cancelled; 1 stopped", stepIn(t, result, "a").Reason)
	require.Equal(t, workflows.JobStopped, stepIn(t, result, "job").Job.State)
	require.Contains(t, b.started, "sub/deepclean")
	require.False(t, stepIn(t, result, "clean").StartedAt.Before(stepIn(t, result, "a").EndedAt))
}

func TestARunOfAStepThatSomebodyElseCancelledHasFailed(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run a": {err: temporal.NewCanceledError(nodesIn(nil, workflows.Canceled, "cancelled; no nodes yet"))}}, nil)
	result, err := b.run(pipelineOf(with(step("a"), then(pipeline.Skip, step("cleanup")))))
	require.NoError(t, err)
	require.Equal(t, "a failed, cleanup succeeded", stepStates(result.Steps))
	require.Equal(t, "its run was cancelled: cancelled; no nodes yet", stepIn(t, result, "a").Reason)
}

func TestAPipelineWhoseHistoryGrowsLongGoesOnWhenNothingRuns(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run a": printed("left"), "run b": {takes: time.Hour, result: succeededOn(1).result}}, nil)
	b.RegisterDelayedCallback(func() { b.SetContinueAsNewSuggested(true) }, 30*time.Second)
	in := pipelineOf(step("a"), step("b"), step("c", "a"), with(step("d", "b"), func(s *pipeline.Step) {
		s.Needs, s.With["run"] = []string{"a", "b"}, "use ${{ steps.a.output }}"
	}))
	in.Pipeline.Finally = []pipeline.Step{step("clean")}
	_, err := b.run(in)
	next := pipelineOf()
	goesOn(t, err, &next.PipelineInput)
	require.Equal(t, "a succeeded, b succeeded, c succeeded, d waiting", stepStates(next.Resumed.Steps), "steps start while others run")

	b = newPipelineBundle(t, nil, nil)
	result, err := b.run(next)
	require.NoError(t, err)
	require.Equal(t, []string{"d", "clean"}, b.started)
	require.Equal(t, "use 'left'", b.inputs["d"].Command)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, next.Resumed.StartedAt.UTC(), result.StartedAt.UTC())
}

func TestACancelledPipelineRunsTheRestOfFinallyAlsoWhenItGoesOn(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run a": {takes: time.Hour}}, nil)
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute)
	b.RegisterDelayedCallback(func() { b.SetContinueAsNewSuggested(true) }, time.Minute+20*time.Second)
	in := pipelineOf(step("a"))
	in.Pipeline.Finally = []pipeline.Step{step("clean"), step("after", "clean")}
	_, err := b.run(in)
	next := pipelineOf()
	goesOn(t, err, &next.PipelineInput)
	require.Equal(t, "clean succeeded, after waiting", stepStates(next.Resumed.Finally))

	b = newPipelineBundle(t, nil, nil)
	result := b.canceled(next)
	require.Equal(t, []string{"after"}, b.started)
	require.Equal(t, workflows.Canceled, result.Verdict)
}

func TestAHistoryThatIsVeryLongHoldsStartsUntilWhatRunsHasEnded(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run b": {takes: time.Hour, result: succeededOn(1).result}}, nil)
	b.RegisterDelayedCallback(func() { b.SetCurrentHistoryLength(20_001) }, 30*time.Second)
	_, err := b.run(pipelineOf(step("a"), step("b"), step("c", "a")))
	next := pipelineOf()
	goesOn(t, err, &next.PipelineInput)
	require.Equal(t, "a succeeded, b succeeded, c waiting", stepStates(next.Resumed.Steps))
}

func TestListsWhoseItemsAreKeptRunLikeCommandsSoManyAtATime(t *testing.T) {
	t.Parallel()
	for last, most := range map[string]int{"echo ${{ steps.s%d.items[0].output }}": pipeline.MaxCommands, "echo ${{ steps.s%d.state }}": 30} {
		var steps []pipeline.Step
		use := jobStep("use")
		use.With["run"] = ""
		for i := range 30 {
			s := jobStep(fmt.Sprint("s", i))
			s.Foreach = &pipeline.Foreach{Items: []any{"a"}}
			steps, use.Needs = append(steps, s), append(use.Needs, s.Name)
			use.With["run"] = fmt.Sprint(use.With["run"], fmt.Sprintf(last, i), "\n")
		}
		in := pipelineOf(append(steps, use)...)
		in.Pipeline.Concurrency = 100
		b := newPipelineBundle(t, nil, nil)
		_, err := b.run(in)
		require.NoError(t, err)
		require.Equal(t, most, b.most, last)
	}
}

func TestAHistoryOfManyBytesHoldsStartsWhileTwentyLargeResultsStillFit(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run b": {takes: time.Hour, result: succeededOn(1).result}}, nil)
	b.RegisterDelayedCallback(func() { b.SetCurrentHistorySize(50<<20 - pipeline.MaxCommands*2<<20 - 1<<20) }, 30*time.Second)
	_, err := b.run(pipelineOf(step("a"), step("b"), step("c", "a")))
	next := pipelineOf()
	goesOn(t, err, &next.PipelineInput)
	require.Equal(t, "a succeeded, b succeeded, c waiting", stepStates(next.Resumed.Steps))
}

func TestJobsThatRunHoldStartsForWhatTheyMayLeave(t *testing.T) {
	t.Parallel()
	in := pipelineOf(step("a"), step("b", "a"), step("c", "a"))
	in.Pipeline.Concurrency = pipeline.MaxConcurrency
	const jobs = 200
	for i := range jobs {
		long := jobStep(fmt.Sprint("long", i))
		long.With["run"] = "long"
		in.Pipeline.Steps = append(in.Pipeline.Steps, long)
	}
	for size, most := range map[int]int{8<<20 - (jobs-1)*activities.MaxJobLog: jobs + 1, 1 << 20: jobs + 2} {
		b := newPipelineBundle(t, map[string]played{"long": {takes: time.Hour}}, nil)
		b.RegisterDelayedCallback(func() { b.SetCurrentHistorySize(size) }, 30*time.Second)
		result, err := b.run(in)
		require.NoError(t, err, "it is not so long that it goes on as a new one")
		require.Equal(t, workflows.Succeeded, result.Verdict)
		require.Equal(t, most, b.most, "at a time")
	}
}

func TestItemsGoOnInANewRunToo(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, nil)
	b.RegisterDelayedCallback(func() { b.SetCurrentHistoryLength(20_001) }, 30*time.Second)
	in := workflows.ItemsInput{Step: with(forEach(step("solve")), func(s *pipeline.Step) { s.Foreach.Concurrency = 60 }), Items: numbered(150),
		Clusters: map[string]string{"main": "ehpc-1"}, Run: "run-1", Keep: pipeline.Wanted{"item": true}}
	b.ExecuteWorkflow(workflows.RunItems, in)
	next := workflows.ItemsInput{}
	goesOn(t, b.GetWorkflowError(), &next)
	require.Len(t, b.started, 20, "commands at a time")
	require.Equal(t, workflows.StepSucceeded, next.Resumed.Items[19].State)

	b = newPipelineBundle(t, nil, nil)
	b.ExecuteWorkflow(workflows.RunItems, next)
	var result workflows.ItemsResult
	require.NoError(t, b.GetWorkflowResult(&result))
	require.Len(t, b.started, 130)
	require.NotContains(t, b.started, "20", "it was done before")
	require.Contains(t, b.started, "21")
	require.Equal(t, map[workflows.StepState]int{workflows.StepSucceeded: 150}, result.Items)
	require.Equal(t, "i149", result.Values[149].Item)
}

func TestARerunRunsNothingAgainThatSucceeded(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run bad": failedCommand(), "run good": printed("left")}, nil)
	use := with(step("use", "good", "bad"), func(s *pipeline.Step) { s.With["run"] = "use ${{ steps.good.output }}" })
	in := pipelineOf(step("good"), with(step("off"), when("inputs.off")), with(step("bad"), then(pipeline.Stop, step("cleanup"))), use).
		withInput(pipeline.Input{Name: "off", Type: pipeline.Boolean, Default: false})
	in.Pipeline.Finally = []pipeline.Step{step("clean")}
	result, err := b.run(in)
	require.NoError(t, err)
	require.Equal(t, "good succeeded, off skipped, bad failed, cleanup succeeded, use skipped", stepStates(result.Steps))

	in.Done, in.Lineage = make(map[string]workflows.StepResult), &workflows.Lineage{Run: "run-1", First: "run-1", Sets: []string{"failed"}}
	for _, step := range result.Steps {
		in.Done[step.Name] = step
	}
	b = newPipelineBundle(t, nil, nil)
	result, err = b.run(in)
	require.NoError(t, err)
	require.Equal(t, []string{"bad", "use", "clean"}, b.started)
	require.Equal(t, "use 'left'", b.inputs["use"].Command)
	require.Equal(t, "good succeeded, off skipped, bad succeeded, cleanup skipped, use succeeded", stepStates(result.Steps))
	require.Equal(t, "run-1", stepIn(t, result, "good").DoneIn)
	require.Empty(t, stepIn(t, result, "off").DoneIn, "its condition was looked at again")
	require.Empty(t, stepIn(t, result, "bad").DoneIn)
}

func TestARunThatIsToFailUnlessItSucceedsFails(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run bad": failedCommand()}, nil)
	in := pipelineOf(with(step("bad"), then(pipeline.Continue)), step("good"))
	in.FailUnless = workflows.FailUnless(workflows.Succeeded)
	_, err := b.run(in)
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, workflows.ErrNotSucceeded, failed.Type())
	require.Equal(t, "partial; 1 succeeded, 1 failed; bad failed", failed.Message())
	var result workflows.PipelineResult
	require.NoError(t, failed.Details(&result))
	require.Equal(t, workflows.Partial, result.Verdict)
}

// childrenInTests is how many children a run has here: 1,000 hang the test environment of
// the SDK at its end. As many as there may be are tested on a real server.
const childrenInTests = 300

func TestManyStepsAndManyItemsComeToTheirEnd(t *testing.T) {
	t.Parallel()
	var steps []pipeline.Step
	for i := range childrenInTests - 1 {
		s := jobStep(fmt.Sprint("s", i))
		if i >= 10 {
			s.Needs = []string{fmt.Sprint("s", i-10), fmt.Sprint("s", i/2)}
		}
		steps = append(steps, s)
	}
	items := with(jobStep("items"), func(s *pipeline.Step) { s.Foreach = &pipeline.Foreach{Items: numbered(childrenInTests)} })
	b := newPipelineBundle(t, nil, nil)
	b.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: 10 * time.Second}) // as workers have it
	began := time.Now()
	result, err := b.run(pipelineOf(append(steps, items)...))
	t.Logf("took %v", time.Since(began))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Len(t, b.started, 2*childrenInTests-1)
	require.Equal(t, map[workflows.StepState]int{workflows.StepSucceeded: childrenInTests}, stepIn(t, result, "items").Items)
}

func TestARerunRunsNoItemAgainThatSucceeded(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, nil)
	each := with(step("each"), func(s *pipeline.Step) {
		s.Foreach, s.OnFailure.Do, s.With["run"] = &pipeline.Foreach{In: "inputs.list"}, pipeline.Continue, "run ${{ item }}"
	})
	in := pipelineOf(each, with(step("sum", "each"), func(s *pipeline.Step) { s.With["run"] = `sum ${{ map(steps.each.items, .state) }}` })).
		withInput(pipeline.Input{Name: "list", Type: pipeline.List, Default: []any{"d", "a", "b", "b", 3.0}})
	in.Lineage = &workflows.Lineage{Run: "run-1", First: "run-1", Sets: []string{"failed"}}
	done := func(state workflows.StepState, item any) workflows.StepResult {
		return workflows.StepResult{Kind: pipeline.RunsCommand, State: state, Item: item, DoneIn: "run-1", RunID: "run-1/each/x"}
	}
	in.Done = map[string]workflows.StepResult{
		"each/1": done(workflows.StepSucceeded, "a"), "each/2": done(workflows.StepFailed, "d"),
		"each/3": done(workflows.StepSucceeded, "b"), "each/4": done(workflows.StepSucceeded, 3), "each/5": done(workflows.StepSucceeded, "gone"),
	}
	result, err := b.run(in)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"each/1", "each/4", "sum"}, b.started, "d failed, and of two b one was done; wherever they stand")
	require.Equal(t, map[workflows.StepState]int{workflows.StepSucceeded: 5}, stepIn(t, result, "each").Items)
}

func TestARerunTellsThePipelinesOfItsStepsWhatWasDoneInThem(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, nil)
	inner := pipelineOf(step("first"), step("second", "first")).Pipeline
	outer := with(step("sub"), func(s *pipeline.Step) {
		s.Kind, s.With, s.Pipeline = pipeline.SubPipeline, map[string]any{"file": "inner.yaml"}, &inner
	})
	each := with(step("each", "sub"), func(s *pipeline.Step) {
		s.Kind, s.With, s.Pipeline = pipeline.SubPipeline, map[string]any{"file": "inner.yaml"}, &inner
		s.Foreach = &pipeline.Foreach{Items: []any{"x", "y"}}
	})
	in := pipelineOf(outer, each)
	in.Lineage = &workflows.Lineage{Run: "run-1", First: "run-1", Sets: []string{"failed"}}
	first := workflows.StepResult{Kind: pipeline.RunsCommand, State: workflows.StepSucceeded, DoneIn: "run-1", RunID: "run-1/sub/first"}
	in.Done = map[string]workflows.StepResult{"sub/first": first, "each/1": {State: workflows.StepFailed, Item: "y"}, "each/1/first": first}
	_, err := b.run(in)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"sub/second", "each/1/first", "each/1/second", "each/2/second"}, b.started)
}
