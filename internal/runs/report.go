package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// queryPatience bounds the wait for a worker to answer how a run stands.
const queryPatience = 3 * time.Second

// Report is how a run stands, for people and, as JSON, for machines.
type Report struct {
	RunID string `json:"run"`

	// State is Temporal's: running, completed, failed, canceled, terminated or
	// timed_out. A completed run has a verdict, which need not be a success; one that
	// was told to fail unless it succeeds, and failed by its verdict, is completed too.
	State State `json:"state"`

	workflows.RunCommandStatus

	// Error of a run that did not complete: its code, the API's where it is
	// one, and its sentence.
	Error *Failure `json:"error,omitempty"`

	// Trouble of a run that goes on: what an activity is being retried for, that no
	// worker answers, or what a person has to do. Empty when all is well.
	Trouble string `json:"trouble,omitempty"`
}

// State is how Temporal holds a run.
type State string

// The states.
const (
	Running    State = "running"
	Completed  State = "completed"
	Failed     State = "failed"
	Canceled   State = "canceled"
	Terminated State = "terminated"
	TimedOut   State = "timed_out"
)

// Failure is why a run did not complete.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Succeeded says that every node of the run was seen to succeed.
func (r Report) Succeeded() bool { return r.State == Completed && r.Verdict == workflows.Succeeded }

// Refused says that the run was ended before anything was started: its policy or
// choice of nodes does not fit the cluster.
func (r Report) Refused() bool {
	return r.State == Failed && r.Error != nil &&
		slices.Contains([]string{workflows.ErrInvalidInput, workflows.ErrNoNodes, workflows.ErrUnfitNodes}, r.Error.Code)
}

// NotFoundError says that there is no such run.
type NotFoundError struct{ Message string }

func (e *NotFoundError) Error() string { return e.Message }

// Read reports how a run stands, with every node.
func Read(ctx context.Context, c client.Client, id string) (Report, error) {
	return read(ctx, c, id, wholeFleet)
}

// Parts of a run's nodes to read.
const (
	wholeFleet = true
	onePage    = false
)

// read reports how a run stands. Of a large one that goes on, it reads the first
// page of nodes, or the whole fleet.
func read(ctx context.Context, c client.Client, id string, whole bool) (Report, error) {
	report := Report{RunID: id}
	described, kind, err := describeRun(ctx, c, id)
	switch {
	case err != nil:
		return report, err
	case kind == OnClusters:
		return report, severalClusters(ctx, c, id)
	case kind != OnOne:
		return report, &OtherKindError{id, kind}
	}
	report.State = StateOf(described.GetWorkflowExecutionInfo().GetStatus())
	if report.State == Terminated && terminationReason(ctx, c, id) == takenBack {
		report.Phase = workflows.Ended
		report.Error = &Failure{Code: string(Terminated), Message: takenBack}
		return report, nil
	}
	switch report.State {
	case Completed, Failed, Canceled:
		err := report.readEnd(ctx, c)
		report.NodeCount, report.States = len(report.Nodes), report.RunCommandResult.Counts()
		return report, err
	case Running, Terminated, TimedOut:
		report.Trouble = trouble(described)
		report.readStatus(ctx, c, whole)
		if report.Question != nil {
			report.Trouble = report.question()
		}
		if report.Trouble == "" {
			report.Trouble = report.awaited()
		}
		report.addProgress(described)
	}
	if report.State == Terminated || report.State == TimedOut {
		report.Trouble = ""
		report.Error = &Failure{Code: string(report.State), Message: "the workflow was ended from outside; the command was not stopped and may still be running (starter cancel stops, terminating does not)"}
	}
	return report, nil
}

// describe asks Temporal how it holds a run.
func describe(ctx context.Context, c client.Client, id string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	described, err := c.DescribeWorkflowExecution(ctx, id, "")
	var notFound *serviceerror.NotFound
	switch {
	case errors.As(err, &notFound):
		return nil, &NotFoundError{fmt.Sprintf("there is no run %s: check its name and the namespace", id)}
	case err != nil:
		return nil, fmt.Errorf("describe run %s: %w", id, err)
	}
	return described, nil
}

const watchType = "ListInvocationStatus"

// StateOf is how Temporal holds a run, by its own word.
func StateOf(status enumspb.WorkflowExecutionStatus) State {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return Completed
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:
		return Failed
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return Canceled
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return Terminated
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return TimedOut
	default: // running, paused, or continued as another run of the same name
		return Running
	}
}

// terminationReason is what the history says of why a run was terminated.
func terminationReason(ctx context.Context, c client.Client, id string) string {
	last := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT)
	event, err := last.Next()
	if err != nil {
		return ""
	}
	return event.GetWorkflowExecutionTerminatedEventAttributes().GetReason()
}

// readStatus asks the run itself, which takes a worker.
func (r *Report) readStatus(ctx context.Context, c client.Client, whole bool) {
	ctx, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	var nodes workflows.NodeResults
	for {
		answer, err := c.QueryWorkflow(ctx, r.RunID, "", workflows.StatusQuery, workflows.StatusRequest{From: len(nodes)})
		var page workflows.RunCommandStatus
		if err == nil {
			err = answer.Get(&page)
		}
		if err != nil {
			if r.Trouble == "" {
				r.Trouble = "no worker answers for the run; it goes on when one does"
			}
			return
		}
		nodes = append(nodes, page.Nodes...)
		r.RunCommandStatus = page
		r.Nodes = nodes
		if !whole || len(page.Nodes) == 0 || len(nodes) >= page.NodeCount {
			return
		}
	}
}

// addProgress adds what a watch has seen and not reported yet, from its heartbeat.
func (r *Report) addProgress(described *workflowservice.DescribeWorkflowExecutionResponse) {
	for _, pending := range described.GetPendingActivities() {
		r.Apply(progressOf(pending).Changed)
	}
}

// progressOf is what the heartbeat of a watch shows.
func progressOf(pending *workflowpb.PendingActivityInfo) activities.WatchProgress {
	var progress activities.WatchProgress
	if pending.GetActivityType().GetName() == watchType &&
		converter.GetDefaultDataConverter().FromPayloads(pending.GetHeartbeatDetails(), &progress) != nil {
		return activities.WatchProgress{} // of another version
	}
	return progress
}

func (r *Report) readEnd(ctx context.Context, c client.Client) (err error) {
	r.Phase = workflows.Ended
	r.Error, err = readEnd(ctx, c, r.RunID, &r.RunCommandResult, &r.Reason)
	r.State, r.Error = judged(r.State, r.Error)
	return err
}

// judged takes a run that failed by its verdict alone for the completed run that it is.
func judged(state State, failure *Failure) (State, *Failure) {
	if failure != nil && failure.Code == workflows.ErrNotSucceeded {
		return Completed, nil
	}
	return state, failure
}

// readEnd reads what a run left: its result, or the details of its error, which for one
// that was cancelled has its sentence in the result's reason.
func readEnd(ctx context.Context, c client.Client, id string, result any, reason *string) (*Failure, error) {
	err := c.GetWorkflow(ctx, id, "").Get(ctx, result)
	var application *temporal.ApplicationError
	var canceled *temporal.CanceledError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &application):
		if application.HasDetails() {
			err = application.Details(result)
		} else {
			err = nil
		}
		return &Failure{Code: application.Type(), Message: application.Message()}, err
	case errors.As(err, &canceled):
		if canceled.HasDetails() {
			if err := canceled.Details(result); err != nil {
				return nil, err
			}
		}
		return &Failure{Code: "Canceled", Message: *reason}, nil
	}
	return nil, fmt.Errorf("read the end of run %s: %w", id, err)
}

// trouble says what the activity under way is being retried for. A watch that has
// looked since its attempt began is over it.
func trouble(described *workflowservice.DescribeWorkflowExecutionResponse) string {
	for _, pending := range described.GetPendingActivities() {
		if progressOf(pending).LastLook.After(pending.GetLastStartedTime().AsTime()) {
			continue
		}
		if failure := pending.GetLastFailure(); failure != nil && pending.GetAttempt() > 1 {
			return fmt.Sprintf("%s (attempt %d%s)", failure.GetMessage(), pending.GetAttempt(), nextAttempt(pending))
		}
	}
	return ""
}

func nextAttempt(pending *workflowpb.PendingActivityInfo) string {
	if pending.GetState() != enumspb.PENDING_ACTIVITY_STATE_SCHEDULED || pending.GetNextAttemptScheduleTime() == nil {
		return ""
	}
	return fmt.Sprintf(" at %s", pending.GetNextAttemptScheduleTime().AsTime().Local().Format(time.TimeOnly))
}
