package workflows_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

const pipelineRun = "default-test-workflow-id"

// pipelineBundle runs pipelines whose commands and jobs are played.
type pipelineBundle struct {
	*testsuite.TestWorkflowEnvironment
	t    *testing.T
	play map[string]played // by what they run; others succeed on one node in a minute

	mu      sync.Mutex // guards what follows: children run at the same time
	started []string   // names of runs behind that of the pipeline, in their order
	inputs  map[string]workflows.RolloutInput
	jobs    map[string]workflows.JobInput
	types   map[string]string
	running int
	most    int // that ran at a time

	decided []string // why orders to approvals were refused, "" of those that were not
}

// jobsPlayed are the results of jobs, one for each attempt, by what they run.
type jobsPlayed map[string][]workflows.JobResult

func newPipelineBundle(t *testing.T, play map[string]played, jobs jobsPlayed) *pipelineBundle {
	t.Helper()
	var s testsuite.WorkflowTestSuite
	s.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	b := &pipelineBundle{
		TestWorkflowEnvironment: s.NewTestWorkflowEnvironment(), t: t, play: play,
		inputs: make(map[string]workflows.RolloutInput), jobs: make(map[string]workflows.JobInput), types: make(map[string]string),
	}
	b.SetTestTimeout(time.Minute)
	b.RegisterWorkflowWithOptions(func(ctx workflow.Context, in workflows.RunCommandInput) (*workflows.RunCommandResult, error) {
		return b.command(ctx, workflows.RolloutInput{RunCommandInput: in})
	}, workflow.RegisterOptions{Name: "RunCommand"})
	b.RegisterWorkflowWithOptions(b.command, workflow.RegisterOptions{Name: "Rollout"})
	b.RegisterWorkflowWithOptions(func(ctx workflow.Context, in workflows.ClustersInput) (*workflows.ClustersResult, error) {
		_, err := b.command(ctx, in.Run)
		return &workflows.ClustersResult{Verdict: workflows.Succeeded, Clusters: []workflows.ClusterResult{
			{ClusterID: "a", Phase: workflows.ClusterEnded, Verdict: workflows.Succeeded, NodeCount: 2, States: map[workflows.NodeState]int{activities.Succeeded: 2}},
		}}, err
	}, workflow.RegisterOptions{Name: "RunOnClusters"})
	b.RegisterWorkflowWithOptions(func(ctx workflow.Context, in workflows.JobInput) (*workflows.JobResult, error) {
		b.note(ctx, func(id string) { b.jobs[id] = in })
		if _, err := b.takes(ctx, in.Job.Run); err != nil {
			return nil, temporal.NewCanceledError(workflows.JobResult{State: workflows.JobStopped, Reason: "cancelled; the job was stopped"})
		}
		if results := jobs[in.Job.Run]; len(results) > 0 {
			jobs[in.Job.Run] = results[1:]
			return &results[0], nil
		}
		zero := 0
		return &workflows.JobResult{State: workflows.JobFinished, Verdict: workflows.Succeeded, ExitStatus: &zero, JobID: "7.manager"}, nil
	}, workflow.RegisterOptions{Name: "RunJob"})
	b.RegisterWorkflow(workflows.RunPipeline)
	b.RegisterWorkflow(workflows.RunItems)
	b.RegisterWorkflow(workflows.AwaitApproval)
	b.RegisterWorkflow(workflows.AwaitTime)
	return b
}

func (b *pipelineBundle) note(ctx workflow.Context, more func(id string)) {
	info := workflow.GetInfo(ctx)
	id := strings.TrimPrefix(info.WorkflowExecution.ID, pipelineRun+"/")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started, b.types[id] = append(b.started, id), info.WorkflowType.Name
	b.running++
	b.most = max(b.most, b.running)
	more(id)
}

// takes waits as long as what is run takes. Stopping it takes ten seconds.
//
//workflowcheck:ignore
func (b *pipelineBundle) takes(ctx workflow.Context, run string) (played, error) {
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.running--
	}()
	plays, is := b.play[run]
	if !is {
		plays = succeededOn(1)
	}
	if plays.takes == 0 {
		plays.takes = time.Minute
	}
	err := workflow.Sleep(ctx, plays.takes)
	if err != nil {
		later, _ := workflow.NewDisconnectedContext(ctx)
		require.NoError(b.t, workflow.Sleep(later, 10*time.Second))
	}
	return plays, err
}

// command is never replayed.
//
//workflowcheck:ignore
func (b *pipelineBundle) command(ctx workflow.Context, in workflows.RolloutInput) (*workflows.RunCommandResult, error) {
	b.note(ctx, func(id string) { b.inputs[id] = in })
	plays, err := b.takes(ctx, in.Command)
	switch {
	case err != nil:
		return nil, temporal.NewCanceledError(nodesIn(map[workflows.NodeState]int{activities.Stopped: 1}, workflows.Canceled, "cancelled; 1 stopped"))
	case plays.err != nil:
		return nil, plays.err
	}
	return &plays.result, nil
}

func printed(output string) played {
	plays := succeededOn(1)
	plays.result.Nodes[0].Output = output
	return plays
}

func failedCommand() played {
	return played{result: nodesIn(map[workflows.NodeState]int{activities.Nonzero: 1}, workflows.Failed, "")}
}

// step is a step that runs a command, which is its name unless changed.
func step(name string, needs ...string) pipeline.Step {
	return pipeline.Step{
		Name: name, Kind: pipeline.RunsCommand, Needs: needs, With: map[string]any{"run": "run " + name, "nodes": []any{"i-1"}},
	}
}

func jobStep(name string, needs ...string) pipeline.Step {
	return pipeline.Step{Name: name, Kind: pipeline.RunsJob, Needs: needs, With: map[string]any{"run": "run " + name, "user": "hpcuser"}}
}

// pipelineInput is the input of a pipeline in the making.
type pipelineInput struct{ workflows.PipelineInput }

func pipelineOf(steps ...pipeline.Step) pipelineInput {
	return pipelineInput{workflows.PipelineInput{Pipeline: pipeline.Pipeline{
		Name: "test", Clusters: []pipeline.Cluster{{Name: "main", ID: "ehpc-1"}}, Steps: steps,
	}}}
}

func (in pipelineInput) withInput(input pipeline.Input) pipelineInput {
	in.Pipeline.Inputs = append(in.Pipeline.Inputs, input)
	return in
}

func (b *pipelineBundle) run(in pipelineInput) (result workflows.PipelineResult, err error) {
	b.t.Helper()
	b.ExecuteWorkflow(workflows.RunPipeline, in.PipelineInput)
	require.True(b.t, b.IsWorkflowCompleted())
	if err := b.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(b.t, b.GetWorkflowResult(&result))
	return result, nil
}

// canceled is what is known of a pipeline that was cancelled.
func (b *pipelineBundle) canceled(in pipelineInput) (result workflows.PipelineResult) {
	b.t.Helper()
	_, err := b.run(in)
	var canceled *temporal.CanceledError
	require.ErrorAs(b.t, err, &canceled)
	require.NoError(b.t, canceled.Details(&result))
	return result
}

func (b *pipelineBundle) status() workflows.PipelineStatus {
	b.t.Helper()
	answer, err := b.QueryWorkflow(workflows.PipelineQuery)
	require.NoError(b.t, err)
	var status workflows.PipelineStatus
	require.NoError(b.t, answer.Get(&status))
	return status
}

// goesOn is the input of the run that goes on from one that ended to do so.
func goesOn(t *testing.T, err error, in any) {
	t.Helper()
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &next)
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, in))
}

func stepStates(steps []workflows.StepResult) string {
	var texts []string
	for _, step := range steps {
		texts = append(texts, fmt.Sprint(step.Name, " ", step.State))
	}
	return strings.Join(texts, ", ")
}

func stepIn(t *testing.T, r workflows.PipelineResult, name string) workflows.StepResult {
	t.Helper()
	all := slices.Concat(r.Steps, r.Finally)
	i := slices.IndexFunc(all, func(s workflows.StepResult) bool { return s.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return all[i]
}

func TestAStepStartsOnlyAfterItsNeeds(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run b": {takes: time.Hour, result: succeededOn(3).result}}, nil)
	b.RegisterDelayedCallback(func() {
		require.Equal(t, "a succeeded, b running, c running, d waiting", stepStates(b.status().Steps))
		require.Equal(t, workflows.Watching, b.status().Phase)
	}, 90*time.Second)
	result, err := b.run(pipelineOf(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.ElementsMatch(t, []string{"a", "b", "c", "d"}, b.started)
	require.Equal(t, 2, b.most)
	require.Equal(t, "RunCommand", b.types["a"])
	require.Equal(t, "ehpc-1", b.inputs["a"].ClusterID)
	d := stepIn(t, result, "d")
	require.False(t, d.StartedAt.Before(stepIn(t, result, "b").EndedAt))
	require.Equal(t, pipelineRun+"/d", d.RunID)
	require.Equal(t, 3, stepIn(t, result, "b").NodeCount)
	require.Equal(t, workflows.Ended, b.status().Phase)
}

func TestAFailedStepStopsThePipelineAndFinallyRuns(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run a": failedCommand(), "run b": {takes: time.Hour, result: succeededOn(1).result}}, nil)
	in := pipelineOf(step("a"), step("b"), step("c", "b"))
	in.Pipeline.Finally = []pipeline.Step{step("clean")}
	result, err := b.run(in)
	require.NoError(t, err)
	require.Equal(t, workflows.Failed, result.Verdict)
	require.Equal(t, "a failed, b succeeded, c skipped", stepStates(result.Steps))
	require.Equal(t, "clean succeeded", stepStates(result.Finally))
	require.ElementsMatch(t, []string{"a", "b", "clean"}, b.started)
	require.Equal(t, "not started after a failed", stepIn(t, result, "c").Reason)
	require.Equal(t, "failed; 1 nonzero", stepIn(t, result, "a").Reason)
	require.False(t, stepIn(t, result, "clean").StartedAt.Before(stepIn(t, result, "b").EndedAt))
}
