package runs

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// inTurn are runs of a pipeline that started one after the other, each a rerun of the one
// before.
func inTurn(pasts ...PipelinePast) PipelineChain {
	for i := range pasts {
		pasts[i].RunID = "run-1"
		if i > 0 {
			pasts[i].RunID = numberedName("run-1", i+1)
			pasts[i].Input.Lineage = &workflows.Lineage{Run: pasts[i-1].RunID, First: "run-1"}
		}
	}
	return PipelineChain{Chain: Chain[PipelinePast]{First: "run-1", Runs: pasts, taken: max(1, len(pasts))}}
}

func pastOf(steps ...workflows.StepResult) PipelinePast {
	return PipelinePast{PipelineReport: pastPipeline(steps...)}
}

func in(name string, state workflows.StepState) workflows.StepResult {
	return workflows.StepResult{Name: name, State: state}
}

func takenOver(name, run string) workflows.StepResult {
	return workflows.StepResult{Name: name, State: workflows.StepSucceeded, DoneIn: run}
}

func passed(name string) workflows.StepResult {
	return workflows.StepResult{Name: name, State: workflows.StepSkipped, Passed: true}
}

func onFailure(name, of string, state workflows.StepState) workflows.StepResult {
	return workflows.StepResult{Name: name, OnFailureOf: of, State: state}
}

// where says of each step how it stands and where.
func where(standings []StepStanding) (texts []string) {
	for _, s := range standings {
		texts = append(texts, s.Name+" "+string(s.State)+" in "+s.In)
	}
	return texts
}

func TestAStepStandsAsInTheLastRunUnlessItSucceededBefore(t *testing.T) {
	t.Parallel()
	first := pastOf(in("stage", workflows.StepSucceeded), in("solve", workflows.StepFailed), onFailure("mend", "solve", workflows.StepSucceeded),
		passed("never"), in("publish", workflows.StepSkipped))
	first.Finally = []workflows.StepResult{in("clean", workflows.StepSucceeded)}
	second := pastOf(takenOver("stage", "run-1"), in("solve", workflows.StepSucceeded), onFailure("mend", "solve", workflows.StepSkipped),
		passed("never"), in("publish", workflows.StepFailed))
	second.Finally = []workflows.StepResult{in("clean", workflows.StepFailed)}
	second.Steps[1].Value = &pipeline.StepValue{Output: "of no concern"}
	c := inTurn(first, second)

	require.Equal(t, []string{
		"stage succeeded in run-1", "solve succeeded in run-1-r2", "mend skipped in run-1-r2", "never skipped in run-1-r2",
		"publish failed in run-1-r2", "clean failed in run-1-r2",
	}, where(c.Standings()))
	require.Nil(t, c.Standings()[1].Value)
	require.True(t, c.Standings()[5].Finally)
	require.Equal(t, []string{"publish failed in run-1-r2", "clean failed in run-1-r2"}, where(c.Open()))
	require.False(t, c.Done())
	require.Equal(t, []string{"solve", "publish"}, c.Runs[1].Again())
	require.Empty(t, c.Runs[0].Again(), "it is no rerun")

	c.Runs = c.Runs[1:] // the first is no longer kept
	require.Equal(t, "stage succeeded in run-1", where(c.Standings())[0])
}

func TestWhatSucceededInOneOfTwoRerunsOfTheSameRunHasSucceeded(t *testing.T) {
	t.Parallel()
	c := inTurn(
		pastOf(in("a", workflows.StepFailed), in("b", workflows.StepFailed)),
		pastOf(in("a", workflows.StepSucceeded), in("b", workflows.StepFailed)),
		pastOf(in("a", workflows.StepFailed), in("b", workflows.StepSucceeded)),
	)
	c.Runs[2].Input.Lineage.Run = "run-1"
	require.Equal(t, []string{"a succeeded in run-1-r2", "b succeeded in run-1-r3"}, where(c.Standings()))
	require.True(t, c.Done())
}

func TestAChainOfAPipelineSaysWhatToDoNext(t *testing.T) {
	t.Parallel()
	failed, done := in("solve", workflows.StepFailed), in("solve", workflows.StepSucceeded)
	unseen := failed
	unseen.MayRun = true
	goingOn := pastOf(in("solve", workflows.StepRunning))
	goingOn.State = Running
	for name, tc := range map[string]struct {
		chain PipelineChain
		says  string
	}{
		"a step is left":            {inTurn(pastOf(failed), pastOf(failed)), "run again what is left: starter pipeline rerun run-1-r2 --from-failed"},
		"a rerun was refused":       {inTurn(pastOf(failed), pastOf()), "run again what is left: starter pipeline rerun run-1 --from-failed"},
		"a step may run still":      {inTurn(pastOf(unseen)), "how solve ended was not seen: look at it (starter status run-1/solve), then run again what is left: starter pipeline rerun run-1 --from-failed --include-unknown"},
		"a run goes on":             {inTurn(pastOf(failed), goingOn), "run run-1-r2 goes on: starter watch run-1-r2"},
		"nothing is left":           {inTurn(pastOf(failed), pastOf(done)), ""},
		"only what did not have to": {inTurn(pastOf(done, passed("never"), onFailure("mend", "solve", workflows.StepSkipped))), ""},
		"it never began":            {inTurn(pastOf()), "no step of it began: run the pipeline anew with starter pipeline run FILE"},
	} {
		require.Equal(t, tc.says, tc.chain.Remedy(), name)
		require.Equal(t, tc.says == "", tc.chain.Done(), name)
	}
}

// chainServer lists the runs of another too, by the first run that each names in its memo.
type chainServer struct {
	oneServer
	firsts map[string]string
}

func (s chainServer) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	var answer workflowservice.ListWorkflowExecutionsResponse
	for id, first := range s.firsts {
		payload, err := converter.GetDefaultDataConverter().ToPayload(first)
		if err != nil {
			return nil, err
		}
		answer.Executions = append(answer.Executions, &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: id}, Memo: &commonpb.Memo{Fields: map[string]*commonpb.Payload{firstRunMemo: payload}},
		})
	}
	return &answer, nil
}

// add has a run of a pipeline, the rerun of another unless that is "".
func (s chainServer) add(hour int, id, of string) {
	s.types[id] = pipelineType
	in, status := workflows.PipelineInput{}, workflows.PipelineStatus{Phase: workflows.Watching}
	if of != "" {
		in.Lineage = &workflows.Lineage{Run: of, First: "p"}
	}
	status.StartedAt = time.Date(2026, 11, 24, hour, 0, 0, 0, time.UTC)
	s.inputs[id], s.answers[id] = in, status
}

func TestTheChainOfAPipelineIsFoundFromEveryRunOfIt(t *testing.T) {
	t.Parallel()
	s := chainServer{oneServer{types: map[string]string{"p-r3": runCommandType}, answers: make(map[string]any), inputs: make(map[string]any)},
		map[string]string{"named": "p", "elsewhere": "q"}}
	s.add(1, "p", "")
	s.add(2, "p-r2", "p")
	s.add(3, "named", "p-r2")
	s.add(4, "p-r4", "named")
	s.add(5, "elsewhere", "")
	s.inputs["p-r3"] = workflows.RolloutInput{}
	s.answers["p-r3"] = workflows.RunCommandStatus{Phase: workflows.Watching}
	chain := func(id string) (names []string) {
		c, err := ReadPipelineChain(t.Context(), s, id)
		require.NoError(t, err)
		require.Equal(t, "p", c.First)
		require.Equal(t, "p-r5", c.next(), "p-r3 is the name of another run")
		for _, past := range c.Runs {
			names = append(names, past.RunID)
		}
		return names
	}
	for _, id := range []string{"p", "p-r2", "named", "p-r4"} {
		require.Equal(t, []string{"p", "p-r2", "named", "p-r4"}, chain(id), id)
	}
	delete(s.types, "p-r2") // it is no longer kept
	require.Equal(t, []string{"p", "named", "p-r4"}, chain("p-r4"))
	s.add(2, "p-r2", "p")
	delete(s.types, "p")
	for _, id := range []string{"p-r2", "named", "p-r4"} {
		require.Equal(t, []string{"p-r2", "named", "p-r4"}, chain(id), id)
	}
}

// takenBackServer holds runs that no worker took up.
type takenBackServer struct{ oneServer }

func (s takenBackServer) DescribeWorkflowExecution(ctx context.Context, id, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	described, err := s.oneServer.DescribeWorkflowExecution(ctx, id, run)
	if err == nil {
		described.WorkflowExecutionInfo.Status = enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
	}
	return described, err
}

func (s takenBackServer) GetWorkflowHistory(ctx context.Context, id, run string, wait bool, filter enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	if filter == enumspb.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT {
		return closeEvent{}
	}
	return s.oneServer.GetWorkflowHistory(ctx, id, run, wait, filter)
}

type closeEvent struct{ client.HistoryEventIterator }

func (closeEvent) Next() (*historypb.HistoryEvent, error) {
	return &historypb.HistoryEvent{Attributes: &historypb.HistoryEvent_WorkflowExecutionTerminatedEventAttributes{
		WorkflowExecutionTerminatedEventAttributes: &historypb.WorkflowExecutionTerminatedEventAttributes{Reason: takenBack},
	}}, nil
}

func TestARunThatNoWorkerTookUpHasNoStepsAndNeedsNoWorkerToTell(t *testing.T) {
	t.Parallel()
	s := takenBackServer{oneServer{types: map[string]string{"p": pipelineType}, inputs: map[string]any{"p": workflows.PipelineInput{}}}}
	past, err := readPipelinePast(t.Context(), s, "p")
	require.NoError(t, err)
	require.Empty(t, past.Steps)
	require.Equal(t, &Failure{Code: string(Terminated), Message: takenBack}, past.Error)
}

func TestWhatIsRunAgainWithItsPipelineOnlyHasItsHistoryThere(t *testing.T) {
	t.Parallel()
	s := oneServer{
		types: map[string]string{"p": pipelineType, "p/each": itemsType, "p/each/1": pipelineType, "p/each/1/ask": approvalType, "p/wide": clustersType,
			"p/wide/ehpc-1": runCommandType, "c": clustersType, "c/ehpc-1": runCommandType},
		answers: map[string]any{"p/each/1": workflows.PipelineStatus{Phase: workflows.Watching}},
		inputs:  map[string]any{"p/each/1": workflows.PipelineInput{Depth: 1}},
	}
	for id, says := range map[string]string{"p/each": "is a foreach of run p,", "p/each/1": "is a pipeline of run p,", "p/each/1/ask": "is an approval of run p,"} {
		_, err := ReadPipelineChain(t.Context(), s, id)
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "starter history p shows")
	}
	for id, top := range map[string]string{"p/wide/ehpc-1": "p", "p/each/1/ask": "p", "c/ehpc-1": "", "p": ""} {
		over, found := PipelineOver(t.Context(), s, id)
		require.Equal(t, top, over, id)
		require.Equal(t, top != "", found, id)
	}
}
