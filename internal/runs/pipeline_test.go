package runs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

func pastPipeline(steps ...workflows.StepResult) PipelineReport {
	r := PipelineReport{RunID: "run-1", State: Completed}
	r.Phase, r.Steps = workflows.Ended, steps
	return r
}

func TestARerunLeavesOutWhatSucceededAndLooksAtConditionsAgain(t *testing.T) {
	t.Parallel()
	past := pastPipeline(
		workflows.StepResult{Name: "stage", State: workflows.StepSucceeded},
		workflows.StepResult{Name: "never", State: workflows.StepSkipped, Passed: true},
		workflows.StepResult{Name: "solve", State: workflows.StepFailed},
		workflows.StepResult{Name: "mend", OnFailureOf: "solve", State: workflows.StepSucceeded},
		workflows.StepResult{Name: "publish", State: workflows.StepSkipped},
	)
	past.Finally = []workflows.StepResult{{Name: "clean", State: workflows.StepSucceeded}}
	rerun := past.rerun(workflows.PipelineInput{File: "p.yaml", Resumed: &workflows.PipelineStatus{}})
	require.Equal(t, []string{"solve", "publish"}, rerun.Again)
	require.Empty(t, rerun.Unknown)
	require.Equal(t, map[string]workflows.StepResult{
		"stage": {Name: "stage", State: workflows.StepSucceeded, DoneIn: "run-1"},
	}, rerun.Input.Done)
	require.Nil(t, rerun.Input.Resumed)
	require.Equal(t, &workflows.Lineage{Run: "run-1", First: "run-1", Sets: []string{"failed"}}, rerun.Input.Lineage)
	require.Equal(t, "p.yaml", rerun.Input.File)
}

func TestARerunOfARerunKeepsItsFirstRunAndWhereAStepWasDone(t *testing.T) {
	t.Parallel()
	past := pastPipeline(workflows.StepResult{Name: "stage", State: workflows.StepSucceeded, DoneIn: "run-0"}, workflows.StepResult{Name: "solve", State: workflows.StepCanceled})
	rerun := past.rerun(workflows.PipelineInput{Lineage: &workflows.Lineage{Run: "run-0", First: "run-0"}})
	require.Equal(t, "run-0", rerun.Input.Done["stage"].DoneIn)
	require.Equal(t, "run-0", rerun.Input.Lineage.First)
	require.Equal(t, []string{"solve"}, rerun.Again)
}

func TestWhatMayBeRunningStillIsToldOfARerun(t *testing.T) {
	t.Parallel()
	past := pastPipeline(
		workflows.StepResult{Name: "lost", State: workflows.StepFailed, MayRun: true},
		workflows.StepResult{Name: "cut", State: workflows.StepRunning}, // its run was terminated
		workflows.StepResult{Name: "mend", OnFailureOf: "lost", State: workflows.StepFailed, MayRun: true},
		workflows.StepResult{Name: "well", State: workflows.StepFailed},
	)
	past.Finally = []workflows.StepResult{{Name: "clean", State: workflows.StepFailed, MayRun: true}}
	require.Equal(t, []string{"lost", "cut", "mend", "clean"}, past.rerun(workflows.PipelineInput{}).Unknown)
}

func TestAPipelineIsListedUnderTheClustersThatItNames(t *testing.T) {
	t.Parallel()
	sub := &pipeline.Pipeline{Clusters: []pipeline.Cluster{{Name: "site", ID: "${{ inputs.cluster }}"}, {Name: "far", ID: "ehpc-far"}}}
	p := pipeline.Pipeline{
		Name:     "p",
		Inputs:   []pipeline.Input{{Name: "main", Type: pipeline.String}},
		Clusters: []pipeline.Cluster{{Name: "main", ID: "${{ inputs.main }}"}},
		Steps: []pipeline.Step{
			{Name: "a", Kind: pipeline.RunsCommand, With: map[string]any{"cluster": "main"}},
			{Name: "b", Kind: pipeline.RunsCommand, With: map[string]any{"clusters": []any{"main", "ehpc-b"}}},
			{Name: "c", Kind: pipeline.SubPipeline, Pipeline: sub},
			{Name: "d", Kind: pipeline.RunsJob, With: map[string]any{"cluster": "${{ steps.a.output }}"},
				OnFailure: pipeline.OnFailure{Run: []pipeline.Step{{Name: "e", Kind: pipeline.RunsCommand, With: map[string]any{"cluster": "ehpc-e"}}}}},
		},
	}
	require.Equal(t, []string{"ehpc-1", "ehpc-b", "ehpc-far", "ehpc-e"}, PipelineClusters(p, map[string]any{"main": "ehpc-1"}))
	launch := PipelineLaunchOf(workflows.PipelineInput{Pipeline: p, File: "p.yaml", Inputs: map[string]any{"main": "ehpc-1"}})
	require.True(t, IsRun(launch.Workflow))
	require.LessOrEqual(t, len(launch.Options.StaticSummary), 400)
	require.Contains(t, launch.Options.StaticDetails, "Pipeline `p` of `p.yaml`, on `ehpc-1`, `ehpc-b`, `ehpc-far`, `ehpc-e`\n\n- main: `ehpc-1`")
	clusters, _ := launch.Options.TypedSearchAttributes.GetKeywordList(workflows.AttributeCluster)
	require.Equal(t, "ehpc-1", clusters[0])
}

func TestARunOfAnotherKindIsRefusedWithWhatToDoInstead(t *testing.T) {
	t.Parallel()
	for kind, says := range map[Kind]string{
		OnPipeline: "starter pipeline rerun run-1 --from-failed", OfItems: "starter status run-1", OfJob: "starter cancel run-1",
		OfApproval: "starter approve run-1 --why TEXT", OfWait: "it has no nodes",
	} {
		err := &OtherKindError{"run-1", kind}
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "%!")
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
	}
}

func TestAJobIsStoppedOnceEveryCopyOfItIs(t *testing.T) {
	t.Parallel()
	stopped := func(job workflows.JobResult) bool { return JobReport{State: Canceled, Job: job}.Stopped() }
	require.True(t, stopped(workflows.JobResult{State: workflows.JobFinished}))
	require.True(t, stopped(workflows.JobResult{State: workflows.JobStopped}))
	require.False(t, stopped(workflows.JobResult{State: workflows.JobUnknown}))
	require.False(t, stopped(workflows.JobResult{State: workflows.JobFinished, Copies: []string{"8.manager"}}))
}

func TestOfAStepThatDidNotBeginAgainWhatWasDoneBeforeIsDoneStill(t *testing.T) {
	t.Parallel()
	was := func(run string) workflows.StepResult {
		return workflows.StepResult{State: workflows.StepSucceeded, DoneIn: "run-0", RunID: run}
	}
	sub := func(name, run string) workflows.StepResult {
		return workflows.StepResult{Name: name, Kind: pipeline.SubPipeline, State: workflows.StepFailed, RunID: run}
	}
	inner := workflows.PipelineStatus{Phase: workflows.Watching, PipelineResult: workflows.PipelineResult{
		Steps: []workflows.StepResult{{Name: "ran", State: workflows.StepSucceeded, RunID: "run-1/began/ran"}, sub("deep", "")},
	}}
	s := oneServer{
		types: map[string]string{"run-1/began": pipelineType}, answers: map[string]any{"run-1/began": inner},
		inputs: map[string]any{"run-1/began": workflows.PipelineInput{Done: map[string]workflows.StepResult{"deep/a": was("run-0/began/deep/a")}}},
	}
	done := make(map[string]workflows.StepResult)
	before := map[string]workflows.StepResult{
		"began/deep/a": was("run-0/began/deep/a"), "waits/b": was("run-0/waits/b"), "waits/in/c": was("run-0/waits/in/c"), "gone/d": was("run-0/gone/d"), "gone": was("run-0/gone"),
	}
	known := doneReader{mender: mender{s, workflows.MaxDone}, first: "run-1", done: done}
	require.NoError(t, known.add(t.Context(), "", []workflows.StepResult{sub("began", "run-1/began"), sub("waits", ""), sub("gone", "run-1/gone")}, before))
	var runs []string
	for path, one := range done {
		runs = append(runs, path+" "+one.DoneIn+" "+one.RunID)
	}
	require.ElementsMatch(t, []string{
		"began/ran run-1 run-1/began/ran", "began/deep/a run-0 run-0/began/deep/a",
		"waits/b run-0 run-0/waits/b", "waits/in/c run-0 run-0/waits/in/c", "gone/d run-0 run-0/gone/d",
	}, runs)
}

func TestOfAStepThatWasRolledBackNothingIsDone(t *testing.T) {
	t.Parallel()
	undone := workflows.PipelineStatus{Phase: workflows.Watching, PipelineResult: workflows.PipelineResult{
		Steps: []workflows.StepResult{{Name: "ran", State: workflows.StepSucceeded, RunID: "run-1/undone/ran"}},
	}}
	s := oneServer{
		types: map[string]string{"run-1/undone": pipelineType}, answers: map[string]any{"run-1/undone": undone},
		inputs: map[string]any{"run-1/undone": workflows.PipelineInput{}},
	}
	known := doneReader{mender: mender{s, workflows.MaxDone}, first: "run-1", done: make(map[string]workflows.StepResult)}
	require.NoError(t, known.add(t.Context(), "", []workflows.StepResult{
		{Name: "undone", Kind: pipeline.SubPipeline, State: workflows.StepFailed, RunID: "run-1/undone"},
		{Name: "undo", OnFailureOf: "undone", State: workflows.StepSucceeded, RunID: "run-1/undo"},
		{Name: "notStarted", Kind: pipeline.SubPipeline, State: workflows.StepFailed},
		{Name: "undoThat", OnFailureOf: "notStarted", State: workflows.StepFailed},
	}, map[string]workflows.StepResult{"undone/before": {State: workflows.StepSucceeded}, "notStarted/before": {State: workflows.StepSucceeded}}))
	require.Empty(t, known.done)
}

func TestWhatLiesWithinAStepThatWasRolledBackIsWaitedForWhereItIsBeingRunAgain(t *testing.T) {
	t.Parallel()
	status := workflows.RunCommandStatus{Phase: workflows.Watching}
	inner := pipeline.Pipeline{Steps: []pipeline.Step{{Name: "ran", Kind: pipeline.RunsCommand}}}
	s := listless{oneServer{
		types: map[string]string{"run-1/undone": pipelineType, "run-1/undone/ran": runCommandType, "run-1/undone/ran-r2": runCommandType},
		answers: map[string]any{
			"run-1/undone": workflows.PipelineStatus{Phase: workflows.Watching, PipelineResult: workflows.PipelineResult{
				Steps: []workflows.StepResult{{Name: "ran", Kind: pipeline.RunsCommand, State: workflows.StepFailed, RunID: "run-1/undone/ran"}},
			}},
			"run-1/undone/ran": status, "run-1/undone/ran-r2": status,
		},
		inputs: map[string]any{
			"run-1/undone": workflows.PipelineInput{Pipeline: inner}, "run-1/undone/ran": workflows.RunCommandInput{},
			"run-1/undone/ran-r2": workflows.RunCommandInput{Lineage: &workflows.Lineage{Run: "run-1/undone/ran", First: "run-1/undone/ran"}},
		},
	}}
	known := doneReader{mender: mender{s, workflows.MaxDone}, first: "run-1", done: make(map[string]workflows.StepResult)}
	require.ErrorContains(t, known.add(t.Context(), "", []workflows.StepResult{
		{Name: "undone", Kind: pipeline.SubPipeline, State: workflows.StepFailed, RunID: "run-1/undone"},
		{Name: "undo", OnFailureOf: "undone", State: workflows.StepSucceeded, RunID: "run-1/undo"},
	}, nil), "run run-1/undone/ran is being run again by itself")
}

func TestOfWhatIsTooMuchForARerunTheStepsAreKeptAndNotWhatTheyLeft(t *testing.T) {
	t.Parallel()
	in := workflows.PipelineInput{Done: map[string]workflows.StepResult{"before": {State: workflows.StepSucceeded}}}
	r := newDoneReader(nil, PipelinePast{})
	r.begin(in)
	for i := range 300 { // 2.4 MiB
		value := pipeline.StepValue{Output: strings.Repeat("x", 8<<10)}
		r.put(fmt.Sprintf("each/%d", i+1), workflows.StepResult{State: workflows.StepSucceeded, Value: &value})
	}
	require.NoError(t, r.fit())
	payload, err := converter.GetDefaultDataConverter().ToPayload(in)
	require.NoError(t, err)
	require.Less(t, len(payload.GetData()), 2<<20)
	require.Greater(t, len(payload.GetData()), 18<<20/10)
	require.Len(t, in.Done, 301)
	require.NotNil(t, in.Done["each/1"].Value)
	require.Nil(t, in.Done["each/99"].Value, "the last by its path")
	require.Contains(t, in.Done["each/99"].Lacks, "more bytes than a rerun can take over")

	for i := range 5000 {
		r.put(fmt.Sprintf("more/%d", i+1), workflows.StepResult{State: workflows.StepFailed})
	}
	var refused *RefusedError
	require.ErrorAs(t, r.fit(), &refused)
	require.ErrorContains(t, r.fit(), "run the pipeline anew with starter pipeline run FILE")
}
