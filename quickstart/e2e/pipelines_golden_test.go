package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"ehpcflow/internal/runs"
	"ehpcflow/pipeline"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// commandStep runs a command on all nodes.
func commandStep(name, run string, needs ...string) pipeline.Step {
	return pipeline.Step{Name: name, Kind: pipeline.RunsCommand, Needs: needs, With: map[string]any{"run": run, "all": true}}
}

func changed(s pipeline.Step, change func(*pipeline.Step)) pipeline.Step {
	change(&s)
	return s
}

func pipelineOf(steps ...pipeline.Step) workflows.PipelineInput {
	return workflows.PipelineInput{Pipeline: pipeline.Pipeline{
		Name: "golden", Clusters: []pipeline.Cluster{{Name: "main", ID: stack.ClusterID}}, Steps: steps,
	}}
}

func (s *system) startPipeline(in workflows.PipelineInput) string {
	s.t.Helper()
	id := runs.NewID()
	require.NoError(s.t, runs.StartPipeline(s.t.Context(), s.Client, s.place(), id, in))
	return id
}

func (s *system) readPipeline(id string) runs.PipelineReport {
	s.t.Helper()
	report, err := runs.ReadPipeline(s.t.Context(), s.Client, id)
	require.NoError(s.t, err)
	return report
}

func (s *system) endPipeline(id string) runs.PipelineReport {
	s.t.Helper()
	report, err := runs.FollowPipeline(s.t.Context(), s.Client, id, func(runs.PipelineReport) {})
	require.NoError(s.t, err)
	return report
}

func (s *system) awaitStep(id, name string, state workflows.StepState) {
	s.t.Helper()
	await(s.t, time.Minute, name+" is "+string(state), func() bool {
		for _, step := range s.readPipeline(id).All() {
			if step.Name == name {
				return step.State == state
			}
		}
		return false
	})
}

func stepStates(report runs.PipelineReport) string {
	text := ""
	for _, step := range report.All() {
		text += fmt.Sprintf("%s %s, ", step.Name, step.State)
	}
	return text[:max(len(text)-2, 0)]
}

func TestGoldenAPipelineRunsItsStepsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	in := pipelineOf(
		changed(commandStep("stage", "echo '{\"cells\": 7}'"), func(s *pipeline.Step) { s.Output = pipeline.AsJSON }),
		pipeline.Step{Name: "solve", Kind: pipeline.RunsJob, Needs: []string{"stage"}, With: map[string]any{
			"run": "echo solved ${{ steps.stage.json.cells }}", "user": "hpcuser", "success": "finished",
		}},
		pipeline.Step{Name: "pause", Kind: pipeline.Waits, Needs: []string{"solve"}, With: map[string]any{"for": "1s"}},
		changed(commandStep("each", "echo ${{ item }}", "stage"), func(s *pipeline.Step) { s.Foreach = &pipeline.Foreach{Items: []any{"a", "b"}} }),
		changed(commandStep("sub", "", "pause"), func(s *pipeline.Step) {
			inner := pipelineOf(commandStep("inner", "echo inner")).Pipeline
			s.Kind, s.Pipeline, s.With = pipeline.SubPipeline, &inner, map[string]any{"file": "inner.yaml"}
		}),
	)
	in.Pipeline.Finally = []pipeline.Step{commandStep("clean", "echo ${{ run.verdict }}")}
	id := s.startPipeline(in)
	report := s.endPipeline(id)
	require.Equal(t, "stage succeeded, solve succeeded, pause succeeded, each succeeded, sub succeeded, clean succeeded", stepStates(report), "%+v", report)
	require.Equal(t, workflows.Succeeded, report.Verdict)
	require.Equal(t, "succeeded\n", s.end(id + "/clean").Nodes[0].Output)
	s.keep("pipeline", id)
	s.keep("pipeline-items", id+"/each")
	s.keep("pipeline-wait", id+"/pause")
	s.keep("pipeline-inner", id+"/sub")
}

func TestGoldenAPipelineThatIsNotListedGoesOnWithout(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := runs.NewID()
	_, err := s.Client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: s.queue}, workflows.RunPipeline,
		pipelineOf(commandStep("a", "true"), commandStep("b", "true", "a")))
	require.NoError(t, err)
	require.Equal(t, "a succeeded, b succeeded", stepStates(s.endPipeline(id)))
	s.keep("pipeline-unlisted", id)
}

func TestGoldenAPipelineThatFailedRollsBackAndIsRunAgainFromThere(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	in := pipelineOf(
		commandStep("stage", "echo staged"),
		changed(commandStep("patch", "test -e repaired", "stage"), func(s *pipeline.Step) {
			s.OnFailure = pipeline.OnFailure{Run: []pipeline.Step{commandStep("rollback", "touch repaired")}}
		}),
		changed(commandStep("next", "echo ${{ steps.stage.output }}", "patch"), func(s *pipeline.Step) { s.TimeoutSeconds = 3600 }),
	)
	in.Pipeline.Finally = []pipeline.Step{commandStep("clean", "true")}
	id := s.startPipeline(in)
	report := s.endPipeline(id)
	require.Equal(t, "stage succeeded, patch failed, rollback succeeded, next skipped, clean succeeded", stepStates(report))
	require.Equal(t, workflows.Failed, report.Verdict)
	s.keep("pipeline-failed", id)

	rerun, err := runs.PreparePipelineRerun(t.Context(), s.Client, id, false)
	require.NoError(t, err)
	require.NoError(t, runs.StartPipeline(t.Context(), s.Client, s.place(), rerun.ID, rerun.Input))
	report = s.endPipeline(rerun.ID)
	require.Equal(t, "stage succeeded, patch succeeded, rollback skipped, next succeeded, clean succeeded", stepStates(report))
	require.Equal(t, id, report.Steps[0].DoneIn)
	s.keep("pipeline-rerun", rerun.ID)
}

func TestGoldenACancelledPipelineStopsWhatRunsAndCleansUp(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	in := pipelineOf(commandStep("a", "sleep "+longTime()), commandStep("b", "true", "a"), changed(commandStep("c", "sleep "+longTime()), func(s *pipeline.Step) {
		s.Foreach = &pipeline.Foreach{Items: []any{1, 2}, Concurrency: 1}
	}))
	in.Pipeline.Finally = []pipeline.Step{commandStep("clean", "true")}
	id := s.startPipeline(in)
	await(t, time.Minute, "both run", func() bool { return len(s.ran()) > 0 && s.executions() >= 8 })
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), id, ""))
	report := s.endPipeline(id)
	require.Equal(t, runs.Canceled, report.State)
	require.Equal(t, workflows.Canceled, report.Verdict)
	require.Equal(t, "a canceled, b skipped, c canceled, clean succeeded", stepStates(report))
	s.keep("pipeline-cancelled", id)
	s.keep("pipeline-items-cancelled", id+"/c")
}

func TestGoldenAPipelineWaitsForAnApproval(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	ask := func(name string) pipeline.Step {
		return pipeline.Step{Name: name, Kind: pipeline.Approves, With: map[string]any{"message": "Go on?", "within": "1h"}}
	}
	id := s.startPipeline(pipelineOf(ask("yes"), commandStep("go", "true", "yes"), ask("no"), commandStep("never", "true", "no")))
	decide := func(step, update string) {
		handle, err := s.Client.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
			WorkflowID: id + "/" + step, UpdateName: update, Args: []any{workflows.Order{By: "alice", Why: "it is the test"}},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		require.NoError(t, err)
		require.NoError(t, handle.Get(t.Context(), nil))
	}
	s.awaitStep(id, "no", workflows.StepRunning)
	require.Equal(t, workflows.Waiting, s.readPipeline(id).Phase)
	decide("yes", workflows.ApproveUpdate)
	s.awaitStep(id, "go", workflows.StepSucceeded)
	decide("no", workflows.RejectUpdate)
	report := s.endPipeline(id)
	require.Equal(t, "yes succeeded, go succeeded, no failed, never skipped", stepStates(report))
	s.keep("pipeline-approvals", id)
	s.keep("approved", id+"/yes")
	s.keep("rejected", id+"/no")
}

func TestGoldenAPipelineWhoseHistoryGrowsLongGoesOnAsANewRun(t *testing.T) {
	t.Parallel()
	server, err := devserver.Start(devserver.Options{HistoryEvents: 60})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Temporal: server.Address(), Logger: zap.NewNop()})
	in := pipelineOf()
	for i := range 12 {
		step := commandStep(fmt.Sprint("s", i), fmt.Sprintf("echo %d", i))
		if i > 0 {
			step.Needs = []string{fmt.Sprint("s", i-1)}
		}
		in.Pipeline.Steps = append(in.Pipeline.Steps, step)
	}
	in.Pipeline.Finally = []pipeline.Step{commandStep("clean", "echo ${{ steps.s0.output }}")}
	id := s.startPipeline(in)
	first := s.firstExecution(id)
	report := s.endPipeline(id)
	require.Equal(t, workflows.Succeeded, report.Verdict, "%s", stepStates(report))
	require.Equal(t, 13*4, s.executions(), "each ran once on each node")
	last, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	lastRun := last.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	require.NotEqual(t, first, lastRun)
	s.keepHistory("pipeline-goes-on", s.historyOf(id, first))
	s.keepHistory("pipeline-went-on", s.historyOf(id, lastRun))
}

func TestGoldenAStepIsCutOffByItsTimeout(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.startPipeline(pipelineOf(
		changed(commandStep("slow", "sleep "+longTime()), func(s *pipeline.Step) { s.TimeoutSeconds, s.OnFailure.Do = 2, pipeline.Continue }),
		commandStep("next", "true", "slow"),
	))
	report := s.endPipeline(id)
	require.Equal(t, "slow failed, next succeeded", stepStates(report))
	require.Contains(t, report.Steps[0].Reason, "it took longer than 2s; cancelled; 4 stopped")
	require.Equal(t, []string{id + "/slow", id + "/next"}, s.childrenOf(id))
	require.Equal(t, []string{"timeout of " + id + "/slow"}, s.firedIn(id))
	s.keep("pipeline-cut-off", id)
}

func TestGoldenAJobIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.startPipeline(pipelineOf(pipeline.Step{
		Name: "solve", Kind: pipeline.RunsJob, With: map[string]any{"run": "test -e repaired || ! touch repaired", "user": "hpcuser"},
		Retry: &pipeline.Retry{Attempts: 2, BackoffSeconds: 1},
	}))
	report := s.endPipeline(id)
	require.Equal(t, "solve succeeded", stepStates(report), "%+v", report)
	require.Equal(t, []string{id + "/solve", id + "/solve.2"}, s.childrenOf(id))
	require.Equal(t, []string{"before attempt 2 at solve"}, s.firedIn(id))
	s.keep("pipeline-job-tried-again", id)
}

func TestGoldenAnotherAttemptAtAPipelineTakesOverWhatSucceeded(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	repairs := changed(commandStep("patch", "test -e repaired", "stage"), func(s *pipeline.Step) {
		s.OnFailure = pipeline.OnFailure{Run: []pipeline.Step{commandStep("repair", "touch repaired")}}
	})
	deep := func(name string, steps ...pipeline.Step) pipeline.Step {
		inner := pipelineOf(steps...).Pipeline
		inner.Finally = []pipeline.Step{commandStep("clean", "true")}
		return pipeline.Step{Name: name, Kind: pipeline.SubPipeline, Pipeline: &inner, With: map[string]any{"file": name + ".yaml"}}
	}
	each := changed(commandStep("each", "echo ${{ item }}; test ${{ item }} = a -o -e repaired"), func(s *pipeline.Step) {
		s.Foreach, s.OnFailure.Do = &pipeline.Foreach{Items: []any{"a", "b"}}, pipeline.Skip
	})
	sub := deep("sub", commandStep("stage", "echo staged"), each, deep("inner", commandStep("stage", "echo inner"), repairs),
		commandStep("use", "echo ${{ steps.stage.output }}", "stage", "inner"))
	sub.Retry = &pipeline.Retry{Attempts: 2, BackoffSeconds: 1}
	id := s.startPipeline(pipelineOf(sub))
	report := s.endPipeline(id)
	require.Equal(t, "sub succeeded", stepStates(report), "%+v", report)
	require.Equal(t, []string{id + "/sub", id + "/sub.2"}, s.childrenOf(id))
	require.Equal(t, []string{id + "/sub.2/each", id + "/sub.2/inner", id + "/sub.2/use", id + "/sub.2/clean"}, s.childrenOf(id+"/sub.2"))
	require.Equal(t, []string{id + "/sub.2/each/2"}, s.childrenOf(id+"/sub.2/each"))
	require.Equal(t, []string{id + "/sub.2/inner/patch", id + "/sub.2/inner/clean"}, s.childrenOf(id+"/sub.2/inner"))
	require.Equal(t, []string{"before attempt 2 at sub"}, s.firedIn(id))
	s.keep("pipeline-tried-again", id)
	s.keep("pipeline-took-over", id+"/sub.2")
	s.keep("pipeline-items-took-over", id+"/sub.2/each")

	shown := s.starter("status", id+"/sub.2")
	require.Equal(t, 0, shown.code, shown.stderr)
	require.Regexp(t, `stage +command +succeeded.* not run again, done in `+id+`/sub\n`, shown.stdout)
	taken := s.starter("status", id+"/sub.2/stage")
	require.Contains(t, taken.stderr, "it was done in run "+id+"/sub: see starter status "+id+"/sub/stage")
	results := s.starter("results", id, "--output")
	require.Equal(t, 0, results.code, results.stderr)
	require.Contains(t, results.stdout, "inner", "what the first attempt left is a part of the run")
}

func TestGoldenAPipelineGoesOnAsANewRunBetweenTwoAttempts(t *testing.T) {
	t.Parallel()
	server, err := devserver.Start(devserver.Options{HistoryEvents: 60})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Temporal: server.Address(), Logger: zap.NewNop()})
	inner := pipelineOf(commandStep("first", "true"), commandStep("second", "sleep 5; test -e tried || ! touch tried", "first")).Pipeline
	in := pipelineOf(pipeline.Step{
		Name: "sub", Kind: pipeline.SubPipeline, Pipeline: &inner, With: map[string]any{"file": "inner.yaml"},
		Retry: &pipeline.Retry{Attempts: 2, BackoffSeconds: 45}, // the others have ended by then, on a busy machine too
	})
	for i := range 12 {
		in.Pipeline.Steps = append(in.Pipeline.Steps, commandStep(fmt.Sprint("s", i), "true"))
	}
	id := s.startPipeline(in)
	first := s.firstExecution(id)
	report := s.endPipeline(id)
	require.Equal(t, workflows.Succeeded, report.Verdict, "%s", stepStates(report))
	require.Equal(t, []string{id + "/sub.2"}, s.childrenOf(id), "all that the new run begins")
	require.Equal(t, []string{"before attempt 2 at sub"}, s.firedIn(id))
	require.Equal(t, []string{id + "/sub.2/second"}, s.childrenOf(id+"/sub.2"))
	s.keepHistory("pipeline-goes-on-between-attempts", s.historyOf(id, first))
	s.keep("pipeline-went-on-between-attempts", id)
}

// childrenOf are the runs that a run started, in their order.
func (s *system) childrenOf(id string) (children []string) {
	s.t.Helper()
	for _, event := range s.history(id).GetEvents() {
		if child := event.GetStartChildWorkflowExecutionInitiatedEventAttributes(); child != nil {
			children = append(children, child.GetWorkflowId())
		}
	}
	return children
}

// firedIn are the timers of a run that came to their end, by their summaries.
func (s *system) firedIn(id string) (fired []string) {
	s.t.Helper()
	events := s.history(id).GetEvents()
	for _, event := range events {
		timer := event.GetTimerFiredEventAttributes()
		if timer == nil {
			continue
		}
		var summary string
		require.NoError(s.t, dataConverter.FromPayload(events[timer.GetStartedEventId()-1].GetUserMetadata().GetSummary(), &summary))
		fired = append(fired, summary)
	}
	return fired
}
