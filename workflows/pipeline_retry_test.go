package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// subPipeline is a step that runs a pipeline of those steps, so many times at the most.
func subPipeline(name string, attempts int, steps ...pipeline.Step) pipeline.Step {
	inner := pipelineOf(steps...).Pipeline
	return pipeline.Step{
		Name: name, Kind: pipeline.SubPipeline, Pipeline: &inner, With: map[string]any{"file": "inner.yaml"}, Retry: &pipeline.Retry{Attempts: attempts},
	}
}

func jobThat(verdict workflows.Verdict) workflows.JobResult {
	return workflows.JobResult{State: workflows.JobFinished, Verdict: verdict}
}

// failing are jobs that fail so many times before they succeed, by their names.
func failing(times map[string]int) jobsPlayed {
	jobs := make(jobsPlayed)
	for name, n := range times {
		for range n {
			jobs["run "+name] = append(jobs["run "+name], jobThat(workflows.Failed))
		}
	}
	return jobs
}

// doneIn says where the steps of a run succeeded that it took over.
func (b *pipelineBundle) doneIn(run string) map[string]string {
	b.t.Helper()
	answer, err := b.QueryWorkflowByID(pipelineRun+"/"+run, workflows.PipelineQuery)
	require.NoError(b.t, err)
	var status workflows.PipelineStatus
	require.NoError(b.t, answer.Get(&status))
	done := make(map[string]string)
	for _, step := range status.Steps {
		if step.DoneIn != "" {
			done[step.Name] = strings.TrimPrefix(step.DoneIn, pipelineRun+"/")
		}
	}
	return done
}

func TestAnotherAttemptAtAPipelineRunsOnlyWhatDidNotSucceed(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run good": printed("left")}, failing(map[string]int{"bad": 2, "worse": 1}))
	use := with(step("use", "good", "bad", "worse"), func(s *pipeline.Step) { s.With["run"] = "use ${{ steps.good.output }}" })
	sub := subPipeline("sub", 3, step("good"),
		with(jobStep("bad", "good"), then(pipeline.Stop, step("undo"))), jobStep("worse", "good"), use)
	sub.Pipeline.Finally = []pipeline.Step{step("clean")}
	result, err := b.run(pipelineOf(sub))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.ElementsMatch(t, []string{
		"sub/good", "sub/bad", "sub/worse", "sub/undo", "sub/clean",
		"sub.2/bad", "sub.2/worse", "sub.2/undo", "sub.2/clean",
		"sub.3/bad", "sub.3/use", "sub.3/clean",
	}, b.started, "an onFailure and finally run in each")
	require.Equal(t, "use 'left'", b.inputs["sub.3/use"].Command)
	require.Equal(t, map[string]string{"good": "sub", "worse": "sub.2"}, b.doneIn("sub.3"))
	require.Equal(t, 3, stepIn(t, result, "sub").Attempts)
}

func TestAnotherAttemptTakesOverWhatSucceededDeepWithin(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, failing(map[string]int{"b": 1, "'y'": 1, "'r'": 2}))
	each := with(forEach(jobStep("each"), "x", "y", "z"), then(pipeline.Skip))
	pipes := subPipeline("pipes", 1, jobStep("p"), with(jobStep("q", "p"), func(s *pipeline.Step) { s.With["run"] = "run ${{ inputs.which }}" }))
	pipes.Pipeline.Inputs = []pipeline.Input{{Name: "which", Type: pipeline.String}}
	pipes.Foreach, pipes.OnFailure.Do = &pipeline.Foreach{Items: []any{"r", "s"}}, pipeline.Skip
	pipes.With["inputs"] = map[string]any{"which": "${{ item }}"}
	sum := with(step("sum", "deep", "each", "pipes"), func(s *pipeline.Step) { s.With["run"] = "sum ${{ map(steps.each.items, .item) }}" })
	sub := subPipeline("sub", 3, with(subPipeline("deep", 1, step("a"), jobStep("b", "a")), then(pipeline.Skip)), each, pipes, sum)
	result, err := b.run(pipelineOf(sub))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict, result.Reason)
	require.ElementsMatch(t, []string{
		"sub/deep/a", "sub/deep/b", "sub/each/1", "sub/each/2", "sub/each/3", "sub/pipes/1/p", "sub/pipes/1/q", "sub/pipes/2/p", "sub/pipes/2/q",
		"sub.2/deep/b", "sub.2/each/2", "sub.2/pipes/1/q",
		"sub.3/pipes/1/q", "sub.3/sum",
	}, b.started)
	require.Equal(t, "sum 'x' 'y' 'z'", b.inputs["sub.3/sum"].Command, "what was taken over is seen")
	require.Equal(t, map[string]string{"deep": "sub.2", "each": "sub.2"}, b.doneIn("sub.3"))
	require.Equal(t, map[string]string{"1": "sub/each", "3": "sub/each"}, b.doneIn("sub.2/each"))
	require.Equal(t, map[string]string{"p": "sub/pipes/1"}, b.doneIn("sub.3/pipes/1"))
}

func TestAnotherAttemptRunsAllOfWhatWasRolledBack(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, failing(map[string]int{"'y'": 1, "b": 1}))
	each := with(forEach(jobStep("each"), "x", "y"), then(pipeline.Skip, step("undoEach")))
	deep := with(subPipeline("deep", 1, jobStep("a"), jobStep("b", "a")), then(pipeline.Skip, step("undoDeep")))
	result, err := b.run(pipelineOf(subPipeline("sub", 2, jobStep("kept"), each, deep)))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.ElementsMatch(t, []string{
		"sub/kept", "sub/each/1", "sub/each/2", "sub/deep/a", "sub/deep/b", "sub/undoEach", "sub/undoDeep",
		"sub.2/each/1", "sub.2/each/2", "sub.2/deep/a", "sub.2/deep/b",
	}, b.started)
}

func TestAnotherAttemptTakesNoItemForAnotherThatIsAlike(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, jobsPlayed{"run '0'": {jobThat(workflows.Failed)}})
	each := with(forEach(jobStep("each"), "x", "x"), then(pipeline.Skip))
	each.With["run"] = "run ${{ index }}"
	result, err := b.run(pipelineOf(subPipeline("sub", 2, each)))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.ElementsMatch(t, []string{"sub/each/1", "sub/each/2", "sub.2/each/1"}, b.started, "the one that failed")
	require.Equal(t, map[string]string{"2": "sub/each"}, b.doneIn("sub.2/each"))
}

func TestAnotherAttemptTakesOverWhatSucceededBeforeTheTimeoutCutOneOff(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run slow": {takes: 10 * time.Hour}}, nil)
	sub := subPipeline("sub", 2, subPipeline("deep", 1, step("a"), step("slow", "a")), step("never", "deep"))
	sub.TimeoutSeconds = 600
	result, err := b.run(pipelineOf(sub))
	require.NoError(t, err)
	require.Equal(t, []string{"sub/deep/a", "sub/deep/slow", "sub.2/deep/slow"}, b.started)
	require.Contains(t, stepIn(t, result, "sub").Reason, "attempt 2 of 2: it took longer than 10m; cancelled")
}

func TestAPipelineOfWhichSomethingMayRunIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]struct {
		jobs jobsPlayed
		err  error
	}{
		"a job":        {jobs: jobsPlayed{"run bad": {{State: workflows.JobUnknown, Verdict: workflows.Failed}}}},
		"all unknown":  {err: temporal.NewCanceledError()},
		"another word": {err: temporal.NewNonRetryableApplicationError("it broke", "Broken", nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPipelineBundle(t, nil, play.jobs)
			sub := subPipeline("sub", 3, step("good"), jobStep("bad", "good"))
			sub.TimeoutSeconds = 3600
			if play.err != nil {
				began := 0
				b.OnWorkflow(workflows.RunPipeline, mock.Anything, mock.Anything).Return(func(ctx workflow.Context, in workflows.PipelineInput) (*workflows.PipelineResult, error) {
					if in.Depth == 0 {
						return workflows.RunPipeline(ctx, in)
					}
					began++
					require.Equal(t, 1, began)
					_ = workflow.Sleep(ctx, 2*time.Hour)
					return nil, play.err
				})
			}
			result, err := b.run(pipelineOf(sub))
			require.NoError(t, err)
			require.Equal(t, 1, stepIn(t, result, "sub").Attempts)
			require.True(t, stepIn(t, result, "sub").MayRun)
			require.Equal(t, workflows.Failed, result.Verdict)
		})
	}
}

func TestAPipelineOfWhichTooMuchSucceededToBeTakenOverIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	play, large := make(map[string]played), []pipeline.Step{with(jobStep("bad"), then(pipeline.Skip))}
	for i := range 40 {
		name := fmt.Sprint("s", i)
		play["run "+name] = printed(strings.Repeat("x", pipeline.MaxText))
		large = append(large, step(name), with(step("use"+name, name), when(pipeline.Expression("steps."+name+".output == ''"))))
	}
	b := newPipelineBundle(t, play, failing(map[string]int{"bad": 2}))
	result, err := b.run(pipelineOf(subPipeline("sub", 2, with(subPipeline("deep", 1, large...), then(pipeline.Skip)), subPipeline("deeper", 1, large...))))
	require.NoError(t, err)
	sub := stepIn(t, result, "sub")
	require.Equal(t, 1, sub.Attempts)
	require.Contains(t, sub.Reason, "it is not tried again: what succeeded in "+pipelineRun+"/sub/")
	require.Contains(t, sub.Reason, "takes more bytes than another attempt can take over")
}

func TestARunGoesOnAsANewOneBetweenTwoAttemptsAtAStep(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, failing(map[string]int{"bad": 1, "job": 1}))
	sub := subPipeline("sub", 2, step("good"), jobStep("bad", "good"))
	sub.Retry.BackoffSeconds = 7200
	job := with(jobStep("job"), func(s *pipeline.Step) { s.Retry = &pipeline.Retry{Attempts: 2, BackoffSeconds: 7200} })
	in := pipelineOf(sub, job, step("next", "sub", "job"))
	b.RegisterDelayedCallback(func() { b.SetContinueAsNewSuggested(true) }, 30*time.Second)
	_, err := b.run(in)
	next := pipelineOf()
	goesOn(t, err, &next.PipelineInput)
	require.Equal(t, "sub running, job running, next waiting", stepStates(next.Resumed.Steps))
	require.Contains(t, next.Resumed.Steps[0].Reason, "attempt 1 of 2 failed: ")
	require.ElementsMatch(t, []string{"job", "sub/good", "sub/bad"}, b.started)

	again := newPipelineBundle(t, nil, nil)
	again.SetStartTime(b.Now())
	result, err := again.run(next)
	require.NoError(t, err)
	require.Equal(t, []string{"job.2", "sub.2/bad", "next"}, again.started)
	for _, name := range []string{"sub", "job"} {
		tried := stepIn(t, result, name)
		require.Equal(t, workflows.StepSucceeded, tried.State)
		require.Equal(t, 2, tried.Attempts)
		require.Equal(t, next.Resumed.Steps[0].StartedAt.UTC(), tried.StartedAt.UTC(), "it began with its first attempt")
		require.GreaterOrEqual(t, tried.EndedAt.Sub(tried.StartedAt), 2*time.Hour, "the pause was kept")
		require.Zero(t, tried.NextAt)
	}
}

func TestAConditionIsNotLookedAtAgainBetweenTwoAttempts(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, failing(map[string]int{"publish": 1, "bad": 1}))
	publish := with(jobStep("publish"), when("run.verdict == 'succeeded'"))
	publish.Retry = &pipeline.Retry{Attempts: 2, BackoffSeconds: 7200}
	in := pipelineOf(step("a"))
	in.Pipeline.Finally = []pipeline.Step{publish, jobStep("bad")}
	b.RegisterDelayedCallback(func() { b.SetContinueAsNewSuggested(true) }, 90*time.Second)
	_, err := b.run(in)
	next := pipelineOf()
	goesOn(t, err, &next.PipelineInput)
	require.Equal(t, "publish running, bad failed", stepStates(next.Resumed.Finally))
	again := newPipelineBundle(t, nil, nil)
	result, err := again.run(next)
	require.NoError(t, err)
	require.Equal(t, "publish succeeded, bad failed", stepStates(result.Finally))
	require.Equal(t, []string{"publish.2"}, again.started)
}

func TestItemsGoOnInANewRunBetweenTwoAttempts(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, failing(map[string]int{"'x'": 1}))
	b.RegisterDelayedCallback(func() { b.SetContinueAsNewSuggested(true) }, 30*time.Second)
	in := workflows.ItemsInput{Step: with(forEach(jobStep("solve")), func(s *pipeline.Step) {
		s.Foreach.Concurrency, s.Retry = 2, &pipeline.Retry{Attempts: 2, BackoffSeconds: 7200}
	}), Items: []any{"x", "y", "z"}, Clusters: map[string]string{"main": "ehpc-1"}, Run: "run-1"}
	b.ExecuteWorkflow(workflows.RunItems, in)
	next := workflows.ItemsInput{}
	goesOn(t, b.GetWorkflowError(), &next)
	require.Equal(t, "1 running, 2 succeeded, 3 waiting", stepStates(next.Resumed.Items))

	b = newPipelineBundle(t, nil, nil)
	b.ExecuteWorkflow(workflows.RunItems, next)
	var result workflows.ItemsResult
	require.NoError(t, b.GetWorkflowResult(&result))
	require.Equal(t, []string{"3", "1.2"}, b.started)
	require.Equal(t, map[workflows.StepState]int{workflows.StepSucceeded: 3}, result.Items)
}

func TestAPipelineThatIsCancelledBetweenTwoAttemptsBeginsNoOther(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, failing(map[string]int{"bad": 1}))
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
	sub := subPipeline("sub", 2, jobStep("bad"))
	sub.Retry.BackoffSeconds = 7200
	result := b.canceled(pipelineOf(sub))
	require.Equal(t, []string{"sub/bad"}, b.started)
	require.Equal(t, "sub canceled", stepStates(result.Steps))
	require.Equal(t, "cancelled before attempt 2; attempt 1 of 2 failed: failed; bad failed", stepIn(t, result, "sub").Reason)
}

// A new run would not know that it is cancelled.
func TestARunThatIsCancelledBetweenTwoAttemptsDoesNotGoOnAsANewOne(t *testing.T) {
	t.Parallel()
	job := with(jobStep("job"), func(s *pipeline.Step) { s.Retry = &pipeline.Retry{Attempts: 2, BackoffSeconds: 7200} })
	cancel := func(b *pipelineBundle) {
		b.RegisterDelayedCallback(func() {
			b.SetContinueAsNewSuggested(true) // its history has grown by the cancellation
			b.CancelWorkflow()
		}, time.Hour)
	}
	b := newPipelineBundle(t, nil, failing(map[string]int{"job": 1}))
	cancel(b)
	result := b.canceled(pipelineOf(job, step("next", "job")))
	require.Equal(t, "job canceled, next skipped", stepStates(result.Steps))

	b = newPipelineBundle(t, nil, failing(map[string]int{"'x'": 1}))
	cancel(b)
	job.Foreach = &pipeline.Foreach{Concurrency: 1}
	job.With["run"] = "run ${{ item }}"
	b.ExecuteWorkflow(workflows.RunItems, workflows.ItemsInput{Step: job, Items: []any{"x", "y"}, Clusters: map[string]string{"main": "ehpc-1"}, Run: "run-1"})
	var canceled *temporal.CanceledError
	require.ErrorAs(t, b.GetWorkflowError(), &canceled)
	var items workflows.ItemsResult
	require.NoError(t, canceled.Details(&items))
	require.Equal(t, map[workflows.StepState]int{workflows.StepCanceled: 1, workflows.StepSkipped: 1}, items.Items)
	require.Len(t, b.started, 1)
}

func TestNoAttemptBeginsWhereTheHistoryHasGrownLong(t *testing.T) {
	t.Parallel()
	try := func(s *pipeline.Step) { s.Retry = &pipeline.Retry{Attempts: 2, BackoffSeconds: 60} }
	for name, c := range map[string]struct {
		grown time.Duration
		steps []pipeline.Step
		goes  time.Duration // when it goes on as a new run
	}{
		"while something runs":         {30 * time.Second, []pipeline.Step{with(jobStep("job"), try), step("long")}, 10 * time.Hour},
		"by what told of the pause":    {90 * time.Second, []pipeline.Step{with(jobStep("job"), try)}, 2 * time.Minute},
		"and something else is paused": {90 * time.Second, []pipeline.Step{with(jobStep("job"), try), with(jobStep("other"), func(s *pipeline.Step) { s.Retry = &pipeline.Retry{Attempts: 2, BackoffSeconds: 7200} })}, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPipelineBundle(t, map[string]played{"run long": {takes: 10 * time.Hour}}, failing(map[string]int{"job": 1, "other": 1}))
			began := b.Now()
			b.RegisterDelayedCallback(func() { b.SetCurrentHistoryLength(20_001) }, c.grown)
			_, err := b.run(pipelineOf(c.steps...))
			next := pipelineOf()
			goesOn(t, err, &next.PipelineInput)
			require.Len(t, b.started, len(c.steps))
			require.Equal(t, 1, next.Resumed.Steps[0].Attempts)
			require.Equal(t, c.goes, b.Now().Sub(began).Truncate(time.Second))
		})
	}
}

func TestOfAStepBetweenTwoAttemptsNoMoreIsKeptThanOfOneThatFailed(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, jobsPlayed{"run 'x'": {{State: workflows.JobFinished, Verdict: workflows.Failed, Reason: strings.Repeat("<", 1000)}}})
	b.RegisterDelayedCallback(func() { b.SetContinueAsNewSuggested(true) }, 30*time.Second)
	b.ExecuteWorkflow(workflows.RunItems, workflows.ItemsInput{Step: with(forEach(jobStep("solve")), func(s *pipeline.Step) {
		s.Foreach.Concurrency, s.Retry = 1, &pipeline.Retry{Attempts: 2, BackoffSeconds: 7200}
	}), Items: []any{"x"}, Clusters: map[string]string{"main": "ehpc-1"}, Run: "run-1"})
	next := workflows.ItemsInput{}
	goesOn(t, b.GetWorkflowError(), &next)
	reason := next.Resumed.Items[0].Reason
	require.Less(t, pipeline.WeightOfText(reason), 250)
	require.Regexp(t, `^attempt 1 of 2 failed: <+…; the next one begins at [0-9:]+ UTC$`, reason)
}
