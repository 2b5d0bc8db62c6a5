package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

func with(s pipeline.Step, change func(*pipeline.Step)) pipeline.Step {
	change(&s)
	return s
}

func then(do pipeline.FailureAction, run ...pipeline.Step) func(*pipeline.Step) {
	return func(s *pipeline.Step) { s.OnFailure = pipeline.OnFailure{Do: do, Run: run} }
}

func when(e pipeline.Expression) func(*pipeline.Step) {
	return func(s *pipeline.Step) { s.When = e }
}

func TestWhatBecomesOfOthersWhenAStepFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do      pipeline.FailureAction
		want    string
		verdict workflows.Verdict
	}{
		"stop":     {pipeline.Stop, "bad failed, needs skipped, other succeeded, later skipped", workflows.Failed},
		"skip":     {pipeline.Skip, "bad failed, needs skipped, other succeeded, later succeeded", workflows.Failed},
		"continue": {pipeline.Continue, "bad failed, needs succeeded, other succeeded, later succeeded", workflows.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPipelineBundle(t, map[string]played{"run bad": failedCommand(), "run other": {takes: time.Hour, result: succeededOn(1).result}}, nil)
			result, err := b.run(pipelineOf(with(step("bad"), then(tc.do)), step("needs", "bad"), step("other"), step("later", "other")))
			require.NoError(t, err)
			require.Equal(t, tc.want, stepStates(result.Steps))
			require.Equal(t, tc.verdict, result.Verdict)
			require.Equal(t, "bad failed", result.Reason)
		})
	}
}

func TestASkippedStepSkipsThoseThatNeedItUnlessItsOwnConditionDid(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run bad": failedCommand()}, nil)
	result, err := b.run(pipelineOf(
		with(step("bad"), then(pipeline.Skip)), step("needs", "bad"), step("last", "needs"),
		with(step("off"), when(`inputs.on`)), step("goes", "off"),
	).withInput(pipeline.Input{Name: "on", Type: pipeline.Boolean, Default: false}))
	require.NoError(t, err)
	require.Equal(t, "bad failed, needs skipped, last skipped, off skipped, goes succeeded", stepStates(result.Steps))
	require.Equal(t, "it needs bad, which failed", stepIn(t, result, "needs").Reason)
	require.Equal(t, "it needs needs, which was skipped", stepIn(t, result, "last").Reason)
	require.Equal(t, "its condition is false", stepIn(t, result, "off").Reason)
	require.True(t, stepIn(t, result, "off").Passed)
	require.False(t, stepIn(t, result, "last").Passed)
}

func TestStepsOfAnOnFailureRunBeforeThePipelineGoesOn(t *testing.T) {
	t.Parallel()
	rollback, tell := step("rollback"), step("tell", "rollback")
	b := newPipelineBundle(t, map[string]played{"run bad": failedCommand(), "run rollback": {takes: time.Hour, result: succeededOn(1).result}}, nil)
	result, err := b.run(pipelineOf(
		with(step("bad"), then(pipeline.Continue, rollback, tell)), step("needs", "bad"),
		with(step("good"), then(pipeline.Stop, step("unneeded"))),
	))
	require.NoError(t, err)
	require.Equal(t, "bad failed, rollback succeeded, tell succeeded, needs succeeded, good succeeded, unneeded skipped", stepStates(result.Steps))
	require.Equal(t, "good did not fail", stepIn(t, result, "unneeded").Reason)
	require.Equal(t, "bad", stepIn(t, result, "tell").OnFailureOf)
	require.False(t, stepIn(t, result, "needs").StartedAt.Before(stepIn(t, result, "tell").EndedAt))
	require.Equal(t, workflows.Partial, result.Verdict)

	b = newPipelineBundle(t, map[string]played{"run bad": failedCommand(), "run rollback": failedCommand()}, nil)
	result, err = b.run(pipelineOf(with(step("bad"), then(pipeline.Continue, rollback, tell)), step("other")))
	require.NoError(t, err)
	require.Equal(t, "bad failed, rollback failed, tell skipped, other succeeded", stepStates(result.Steps))
	require.Equal(t, workflows.Failed, result.Verdict, "a rollback that failed is a failure whatever its step is")
}

func TestTheVerdictSoFarIsWhatFinallySees(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bad     pipeline.FailureAction
		cancel  bool
		verdict string
	}{
		"failed": {bad: pipeline.Stop, verdict: "failed"}, "partial": {bad: pipeline.Continue, verdict: "partial"},
		"succeeded": {verdict: "succeeded"}, "canceled": {cancel: true, verdict: "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play := map[string]played{}
			bad := step("bad")
			if tc.bad != "" {
				play["run bad"], bad = failedCommand(), with(bad, then(tc.bad))
			}
			b := newPipelineBundle(t, play, nil)
			if tc.cancel {
				b.RegisterDelayedCallback(b.CancelWorkflow, 30*time.Second)
			}
			in := pipelineOf(bad, step("good"))
			in.Pipeline.Finally = []pipeline.Step{with(step("clean"), func(s *pipeline.Step) { s.With["run"] = "clean ${{ run.verdict }}" })}
			b.ExecuteWorkflow(workflows.RunPipeline, in.PipelineInput)
			require.Equal(t, "clean '"+tc.verdict+"'", b.inputs["clean"].Command)
		})
	}
}

func TestWhatAStepPrintedIsSeenByLaterOnes(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{
		"run pick": printed(`{"nodes": 3, "name": "it's"}`), "run text": printed("two words"), "run none": printed("no JSON"),
	}, nil)
	pick := with(step("pick"), func(s *pipeline.Step) { s.Output = pipeline.AsJSON })
	use := with(jobStep("use", "pick", "text"), func(s *pipeline.Step) {
		s.With["nodes"] = "${{ steps.pick.json.nodes }}"
		s.With["run"] = "echo ${{ steps.pick.json.name }} ${{ steps.text.output }} ${{ steps.text.nodes[0].id }}"
	})
	none := with(step("none"), func(s *pipeline.Step) { s.Output, s.OnFailure.Do = pipeline.AsJSON, pipeline.Skip })
	result, err := b.run(pipelineOf(pick, step("text"), use, none))
	require.NoError(t, err)
	require.Equal(t, 3, b.jobs["use"].Job.Nodes)
	require.Contains(t, b.jobs["use"].Job.Run, "two words'")
	require.Contains(t, b.jobs["use"].Job.Run, "i-succeeded0")
	require.NotNil(t, stepIn(t, result, "pick").Value)
	require.Empty(t, stepIn(t, result, "pick").Value.Output, "nothing refers to the text of it")
	require.Nil(t, stepIn(t, result, "use").Value, "nothing refers to it")
	require.Contains(t, stepIn(t, result, "none").Reason, "its output is no JSON")
}

func TestExpressionsSeeOutputWithoutTheLineEndsAtItsEnd(t *testing.T) {
	t.Parallel()
	job := workflows.JobResult{Verdict: workflows.Succeeded, State: workflows.JobFinished, Log: "done\n"}
	b := newPipelineBundle(t, map[string]played{"run version": printed("570.86\n"), "run lines": printed(" a\n\nb \n\n")}, jobsPlayed{"run solve": {job}})
	items := with(step("items"), func(s *pipeline.Step) {
		s.Foreach, s.With["run"] = &pipeline.Foreach{Items: []any{"version"}}, "run ${{ raw(item) }}"
	})
	in := pipelineOf(step("version"), step("lines"), jobStep("solve"), items)
	in.Pipeline.Outputs = []pipeline.Output{
		{Name: "output", Value: `${{ steps.version.output == "570.86" }}`},
		{Name: "node", Value: `${{ steps.version.nodes[0].output == "570.86" }}`},
		{Name: "job", Value: `${{ steps.solve.output == "done" }}`},
		{Name: "item", Value: `${{ steps.items.items[0].output == "570.86" }}`},
		{Name: "lines", Value: `${{ steps.lines.output == " a\n\nb " }}`},
	}
	result, err := b.run(in)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"output": true, "node": true, "job": true, "item": true, "lines": true}, result.Outputs)
}

func TestATextThatIsTooLongFailsTheStepThatRefersToIt(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run long": printed(strings.Repeat("x", pipeline.MaxText+1))}, nil)
	use := with(step("use", "long"), func(s *pipeline.Step) { s.With["run"] = "echo ${{ steps.long.output }}" })
	look := with(step("look", "long"), when("steps.long.succeeded"))
	result, err := b.run(pipelineOf(step("long"), look, use))
	require.NoError(t, err)
	require.Equal(t, "long succeeded, look succeeded, use failed", stepStates(result.Steps))
	require.Equal(t, "not started: it refers to step long: the output of i-succeeded0 has 16385 bytes, later steps can use at most 16384 of a node, uncut: print less, or write it to a file",
		stepIn(t, result, "use").Reason)
}

func TestAStepThatCannotBeEvaluatedHasFailedAndNothingOfItRan(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]func(*pipeline.Step){
		"when":    when(`inputs.list[3] == 1`),
		"foreach": func(s *pipeline.Step) { s.Foreach = &pipeline.Foreach{In: "inputs.list[7]"} },
		"body":    func(s *pipeline.Step) { s.With["run"] = "echo ${{ inputs.list[9] }}" },
		"command": func(s *pipeline.Step) { s.With["nodes"] = []any{} },
		"rollout": func(s *pipeline.Step) { s.With["rollout"] = map[string]any{"waves": "x"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPipelineBundle(t, nil, nil)
			result, err := b.run(pipelineOf(with(step("bad"), bad), step("next", "bad"), step("other")).withInput(
				pipeline.Input{Name: "list", Type: pipeline.List, Default: []any{"a"}}))
			require.NoError(t, err)
			require.Equal(t, "bad failed, next skipped, other skipped", stepStates(result.Steps), "it stops the others at once")
			require.Contains(t, stepIn(t, result, "bad").Reason, "not started: ")
			require.Empty(t, b.started)
		})
	}
}

func TestRetryOfACommandRunsOnlyTheNodesAgainThatFailed(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, nil)
	again := with(step("again"), func(s *pipeline.Step) { s.Retry = &pipeline.Retry{Attempts: 3, BackoffSeconds: 7} })
	beside := with(step("beside"), func(s *pipeline.Step) {
		s.Retry, s.With["rollout"] = &pipeline.Retry{Attempts: 3}, map[string]any{"attempts": 2}
	})
	result, err := b.run(pipelineOf(again, with(beside, then(pipeline.Continue))))
	require.NoError(t, err)
	require.Equal(t, "Rollout", b.types["again"])
	require.Equal(t, policy.Retry{
		Attempts: 3, BackoffSeconds: 7, On: []workflows.NodeState{activities.Nonzero, activities.Failed, activities.TimedOut},
	}, b.inputs["again"].Policy.Retry, "never after lost or unknown")
	require.Contains(t, stepIn(t, result, "beside").Reason, "rollout.attempts stands beside retry")
}

func TestAJobIsTriedAgainOnlyWhenItWasSeenToEnd(t *testing.T) {
	t.Parallel()
	two := 2
	for name, tc := range map[string]struct {
		first workflows.JobState
		want  []string
	}{
		"finished": {workflows.JobFinished, []string{"a", "a.2"}},
		"unknown":  {workflows.JobUnknown, []string{"a"}},
		"missing":  {workflows.JobMissing, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPipelineBundle(t, nil, jobsPlayed{"run a": {{State: tc.first, Verdict: workflows.Failed, ExitStatus: &two, Log: "much"}}})
			result, err := b.run(pipelineOf(with(jobStep("a"), func(s *pipeline.Step) { s.Retry = &pipeline.Retry{Attempts: 2} })))
			require.NoError(t, err)
			require.Equal(t, tc.want, b.started)
			a := stepIn(t, result, "a")
			require.Equal(t, len(tc.want), a.Attempts)
			require.Equal(t, tc.first != workflows.JobFinished, a.MayRun)
			require.Equal(t, tc.first == workflows.JobFinished, a.State == workflows.StepSucceeded)
			require.Empty(t, a.Job.Log)
			if a.Attempts == 2 {
				require.Equal(t, pipelineRun+"/a.2", a.RunID)
				require.Equal(t, 2*time.Minute+policy.DefaultBackoff, a.EndedAt.Sub(a.StartedAt))
			}
		})
	}
}

func TestAStepThatTakesTooLongIsStoppedAndHasFailed(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run a": {takes: 3 * time.Hour}}, nil)
	result, err := b.run(pipelineOf(with(step("a"), func(s *pipeline.Step) { s.TimeoutSeconds = 7200 })))
	require.NoError(t, err)
	a := stepIn(t, result, "a")
	require.Equal(t, workflows.StepFailed, a.State)
	require.Equal(t, "it took longer than 2h; cancelled; 1 stopped", a.Reason)
	require.Equal(t, map[workflows.NodeState]int{activities.Stopped: 1}, a.States)
	require.Equal(t, 2*time.Hour+10*time.Second, a.EndedAt.Sub(a.StartedAt), "it was waited for")
	require.Equal(t, workflows.Failed, result.Verdict)
}

func TestARunThatCannotBeFollowedIsAFailureOfItsStep(t *testing.T) {
	t.Parallel()
	known := nodesIn(map[workflows.NodeState]int{activities.Running: 2}, "", "the call was refused")
	known.Commands = workflows.Commands{{}}
	b := newPipelineBundle(t, map[string]played{
		"run a": {err: temporal.NewNonRetryableApplicationError("ListNodes: no such cluster", "ClusterNotFound", nil)},
		"run b": {err: temporal.NewNonRetryableApplicationError("the call was refused", "NotAuthorized", nil, known)},
	}, nil)
	result, err := b.run(pipelineOf(with(step("a"), then(pipeline.Continue)), with(step("b"), then(pipeline.Continue)), step("c")))
	require.NoError(t, err)
	require.Equal(t, workflows.Partial, result.Verdict)
	a, bb := stepIn(t, result, "a"), stepIn(t, result, "b")
	require.Equal(t, &workflows.ClusterError{Code: "ClusterNotFound", Message: "ListNodes: no such cluster"}, a.Error)
	require.False(t, a.MayRun)
	require.True(t, bb.MayRun)
	require.Equal(t, 2, bb.NodeCount)
}

func TestNoMoreStepsRunAtATimeThanAllowed(t *testing.T) {
	t.Parallel()
	var steps []pipeline.Step
	for i := range 50 {
		steps = append(steps, step("s"+string(rune('a'+i%26))+string(rune('a'+i/26))))
	}
	jobs := make([]pipeline.Step, len(steps))
	for i := range steps {
		jobs[i] = jobStep(steps[i].Name)
	}
	for concurrency, most := range map[int][2]int{1: {1, 1}, 3: {3, 3}, 0: {20, 20}, 40: {20, 40}} {
		b := newPipelineBundle(t, nil, nil)
		in := pipelineOf(steps...)
		in.Pipeline.Concurrency = concurrency
		result, err := b.run(in)
		require.NoError(t, err)
		require.Equal(t, workflows.Succeeded, result.Verdict)
		require.Equal(t, most[0], b.most, "commands, of %d at a time", concurrency)

		b = newPipelineBundle(t, nil, nil)
		in.Pipeline.Steps = jobs
		_, err = b.run(in)
		require.NoError(t, err)
		require.Equal(t, most[1], b.most, "jobs, of %d at a time", concurrency)
	}
}
