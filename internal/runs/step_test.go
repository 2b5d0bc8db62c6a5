package runs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// oneServer holds runs that go on, by their names.
type oneServer struct {
	client.Client
	types   map[string]string
	answers map[string]any // of queries
	inputs  map[string]any
	began   time.Time
}

func (s oneServer) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	name, found := s.types[id]
	if !found {
		return nil, serviceerror.NewNotFound("none")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{
		Type: &commonpb.WorkflowType{Name: name}, Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, StartTime: timestamppb.New(s.began),
	}}, nil
}

func (s oneServer) QueryWorkflow(_ context.Context, id, _, _ string, _ ...any) (converter.EncodedValue, error) {
	answer, found := s.answers[id]
	if !found {
		return nil, errors.New("no worker")
	}
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(answer)
	return client.NewValue(payloads), err
}

func (s oneServer) GetWorkflowHistory(_ context.Context, id, _ string, _ bool, _ enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	return firstEvent{input: s.inputs[id]}
}

type firstEvent struct {
	client.HistoryEventIterator
	input any
}

func (e firstEvent) Next() (*historypb.HistoryEvent, error) {
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(e.input)
	return &historypb.HistoryEvent{Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
		WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{Input: payloads},
	}}, err
}

// pipelineServer has a pipeline that goes on, of which a job is at its third attempt.
func pipelineServer() oneServer {
	status := workflows.PipelineStatus{Phase: workflows.Watching, PipelineResult: workflows.PipelineResult{Steps: []workflows.StepResult{
		{Name: "solve", Kind: pipeline.RunsJob, State: workflows.StepRunning, RunID: "L1/solve.3", Attempts: 3},
		{Name: "after", State: workflows.StepWaiting},
		{Name: "never", State: workflows.StepSkipped, Reason: "its condition is false"},
		{Name: "odd", State: workflows.StepFailed, Reason: "no such field"},
		{Name: "early", State: workflows.StepSucceeded, DoneIn: "L0", RunID: "L0/early"},
		{Name: "mended", State: workflows.StepSucceeded, DoneIn: "L0/mended-r3", RunID: "L0/mended"},
		{Name: "nine", State: workflows.StepWaiting},
	}}}
	return oneServer{
		types:   map[string]string{"L1": pipelineType, "L1/solve": jobType, "L1/solve.2": jobType, "L1/solve.3": jobType, "w": waitType},
		answers: map[string]any{"L1": status},
	}
}

func TestOfAStepThatWasTriedAgainTheLastAttemptIsMeant(t *testing.T) {
	t.Parallel()
	for id, last := range map[string]string{
		"L1/solve": "L1/solve.3", "L1/solve.1": "L1/solve", "L1/solve.2": "L1/solve.2", "L1": "L1", "L1/after": "L1/after", "run.1": "run.1",
	} {
		got, err := LastAttempt(t.Context(), pipelineServer(), id)
		require.NoError(t, err)
		require.Equal(t, last, got)
	}
}

func TestAStepWithoutARunIsToldOfByItsPipeline(t *testing.T) {
	t.Parallel()
	s := pipelineServer()
	for id, says := range map[string]string{
		"L1/after":   "step after of run L1 has not begun: see starter status L1",
		"L1/after/3": "step after of run L1 has not begun: see starter status L1",
		"L1/never":   "step never of run L1 was skipped: its condition is false",
		"L1/odd":     "step odd of run L1 failed before it was started: no such field",
		"L1/early":   "step early of run L1 was not run again, it was done in run L0: see starter status L0/early",
		"L1/mended":  "step mended of run L1 was not run again, it was done in run L0/mended-r3: see starter status L0/mended-r3",
		"L1/slove":   "run L1 has no step slove: did you mean L1/solve?",
		"L1/nien":    "run L1 has no step nien: did you mean L1/nine?",
		"L1/solv":    "run L1 has no step solv: did you mean L1/solve?",
		"L1/nope":    "run L1 has no step nope: starter status L1 shows those that it has",
		"L2/solve":   "there is no run L2: check its name and the namespace",
		"L2":         "there is no run L2: check its name and the namespace",
	} {
		_, err := describe(t.Context(), s, id)
		err = WhyNoStep(t.Context(), s, id, err)
		require.EqualError(t, err, says, id)
		var notFound *NotFoundError
		require.ErrorAs(t, err, &notFound, id)
	}
	delete(s.answers, "L1")
	err := errors.New("as it was")
	require.Equal(t, err, WhyNoStep(t.Context(), s, "L1/after", err), "nobody can tell")
}

func TestThePipelinesWordIsThatOfTheSameAttempt(t *testing.T) {
	t.Parallel()
	over, step, is := StepOver(t.Context(), pipelineServer(), "L1/solve.3")
	require.True(t, is)
	require.Equal(t, "L1", over)
	require.Equal(t, 3, step.Attempts)
	for _, id := range []string{"L1/solve", "L1", "L2/solve", "w/solve"} {
		_, _, is := StepOver(t.Context(), pipelineServer(), id)
		require.False(t, is, id)
	}
}

func TestAnItemIsToldWithItsValue(t *testing.T) {
	t.Parallel()
	s := pipelineServer()
	s.types["L1/cases"] = itemsType
	s.answers["L1/cases"] = workflows.ItemsStatus{PipelineStatus: workflows.PipelineStatus{PipelineResult: workflows.PipelineResult{Steps: []workflows.StepResult{{Name: "1"}, {Name: "2"}}}}}
	s.inputs = map[string]any{"L1/cases": workflows.ItemsInput{Items: []any{"cavity", map[string]any{"re": 100}}}}
	report, err := ReadPipeline(t.Context(), s, "L1/cases")
	require.NoError(t, err)
	require.Equal(t, "cavity", report.Steps[0].Item)
	require.JSONEq(t, `{"re":100}`, ValueText(report.Steps[1].Item))
}

func TestAWaitTellsUntilWhenWithoutAWorker(t *testing.T) {
	t.Parallel()
	s := pipelineServer()
	s.began = time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	s.inputs = map[string]any{"w": workflows.WaitInput{Wait: pipeline.Wait{For: pipeline.Duration(10 * time.Minute)}}}
	report, err := ReadWait(t.Context(), s, "w")
	require.NoError(t, err)
	require.Equal(t, WaitReport{RunID: "w", State: Running, StartedAt: s.began, Until: s.began.Add(10 * time.Minute)}, report)
	until := s.began.Add(time.Hour)
	s.inputs["w"] = workflows.WaitInput{Wait: pipeline.Wait{Until: until}}
	report, err = ReadWait(t.Context(), s, "w")
	require.NoError(t, err)
	require.Equal(t, until, report.Until)
}
