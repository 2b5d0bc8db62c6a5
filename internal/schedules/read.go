package schedules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"ehpcflow/internal/runs"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/workflows"
)

// Entry is a schedule in a list.
type Entry struct {
	Name   string `json:"name"`           // of the schedule
	When   string `json:"when,omitempty"` // in the words it was made with
	Paused bool   `json:"paused"`         // it starts nothing until it is resumed
	Note   string `json:"note,omitempty"` // that its last change left, such as why it is paused

	Next []time.Time `json:"next"` // a few firings to come
	Runs []Firing    `json:"runs"` // the last ones that were started, the oldest first
}

// Firing is a run that a schedule started.
type Firing struct {
	Run         string    `json:"run"`
	ScheduledAt time.Time `json:"scheduledAt"` // the time that it is for
	StartedAt   time.Time `json:"startedAt"`

	// State of the run, read for a single schedule only: completed is a success, and
	// failed every other verdict.
	State runs.State `json:"state,omitempty"`
}

// Schedule is how a schedule stands.
type Schedule struct {
	Entry
	Summary   string `json:"summary"`   // of its run
	TaskQueue string `json:"taskQueue"` // that its runs are put on

	// Inputs of a pipeline, with the values that its runs have.
	Inputs map[string]any `json:"inputs,omitempty"`

	TimeZone       string    `json:"timeZone,omitempty"`      // of the times in its words; UTC where it is absent
	JitterSeconds  float64   `json:"jitterSeconds,omitempty"` // up to which each firing is late by chance
	Start          time.Time `json:"start,omitzero"`          // before which it does not fire
	End            time.Time `json:"end,omitzero"`            // after which it does not fire
	Overlap        string    `json:"overlap"`                 // what happens while the run before goes on
	CatchUpSeconds float64   `json:"catchUpSeconds"`          // how late a missed firing is still made up for
	PauseOnFailure bool      `json:"pauseOnFailure"`          // it pauses when a run does not succeed

	Running []string `json:"running"` // runs that go on, those under allow-all apart
	Started int      `json:"started"` // runs so far
	Missed  int      `json:"missed"`  // firings later than the catch-up window
	Skipped int      `json:"skipped"` // firings that the run before left no place for

	// Trouble that keeps its runs from beginning; "" when none is known.
	Trouble string `json:"trouble,omitempty"`
}

// List reads every schedule that starts runs of ours. Temporal lists a new one, and one
// that has fired, a moment late.
func List(ctx context.Context, c client.Client) ([]Entry, error) {
	listed, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{PageSize: 200})
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	entries := []Entry{}
	for listed.HasNext() {
		found, err := listed.Next()
		if err != nil {
			return nil, fmt.Errorf("list schedules: %w", err)
		}
		if !runs.IsRun(found.WorkflowType.Name) {
			continue
		}
		entries = append(entries, Entry{
			Name: found.ID, When: whenOf(found.Memo), Paused: found.Paused, Note: found.Note,
			Next: times(found.NextActionTimes), Runs: firings(found.RecentActions),
		})
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return entries, nil
}

// Read reads how a schedule stands, and the states of its last runs.
func Read(ctx context.Context, c client.Client, name string) (Schedule, error) {
	described, err := describe(ctx, c, name)
	if err != nil {
		return Schedule{}, err
	}
	s := scheduleOf(name, described)
	for i := range s.Runs {
		s.Runs[i].State = stateOf(ctx, c, s.Runs[i].Run)
	}
	served, err := taskqueue.Served(ctx, c, s.TaskQueue)
	if err == nil && !served {
		s.Trouble = fmt.Sprintf("no worker serves task queue %q: a run that it starts waits until one does", s.TaskQueue)
	}
	return s, nil
}

func describe(ctx context.Context, c client.Client, name string) (*client.ScheduleDescription, error) {
	described, err := c.ScheduleClient().GetHandle(ctx, name).Describe(ctx)
	if err != nil {
		return nil, unknown(err, name)
	}
	action, is := described.Schedule.Action.(*client.ScheduleWorkflowAction)
	if !is || !runs.IsRun(fmt.Sprint(action.Workflow)) {
		return nil, &runs.NotFoundError{Message: fmt.Sprintf("schedule %s starts something else than runs of ehpcflow: it is left alone", name)}
	}
	return described, nil
}

// unknown says of the server's error that there is no such schedule, where it means that.
func unknown(err error, name string) error {
	var notFound *serviceerror.NotFound
	if errors.As(err, &notFound) {
		return &runs.NotFoundError{Message: fmt.Sprintf("there is no schedule %s: see starter schedule list, and check the namespace", name)}
	}
	return fmt.Errorf("schedule %s: %w", name, err)
}

func scheduleOf(name string, d *client.ScheduleDescription) Schedule {
	action := d.Schedule.Action.(*client.ScheduleWorkflowAction)
	s := Schedule{
		Entry: Entry{
			Name: name, When: whenOf(d.Memo), Paused: d.Schedule.State.Paused, Note: d.Schedule.State.Note,
			Next: times(d.Info.NextActionTimes), Runs: firings(d.Info.RecentActions),
		},
		Summary: action.StaticSummary, TaskQueue: action.TaskQueue, Inputs: inputsOf(action),
		Overlap: overlapName(d.Schedule.Policy.Overlap), CatchUpSeconds: d.Schedule.Policy.CatchupWindow.Seconds(), PauseOnFailure: d.Schedule.Policy.PauseOnFailure,
		Running: []string{}, Started: d.Info.NumActions, Missed: d.Info.NumActionsMissedCatchupWindow, Skipped: d.Info.NumActionsSkippedOverlap,
	}
	if spec := d.Schedule.Spec; spec != nil {
		s.TimeZone, s.JitterSeconds, s.Start, s.End = spec.TimeZoneName, spec.Jitter.Seconds(), bound(spec.StartAt), bound(spec.EndAt)
	}
	for _, run := range d.Info.RunningWorkflows {
		s.Running = append(s.Running, run.WorkflowID)
	}
	return s
}

// inputsOf are the values of a pipeline's inputs; nil of a run of another kind.
func inputsOf(action *client.ScheduleWorkflowAction) map[string]any {
	if len(action.Args) == 0 {
		return nil
	}
	var in workflows.PipelineInput
	payload, is := action.Args[0].(*commonpb.Payload)
	if !is || converter.GetDefaultDataConverter().FromPayload(payload, &in) != nil {
		return nil
	}
	values := make(map[string]any)
	for _, input := range in.Pipeline.Inputs {
		value, given := in.Inputs[input.Name]
		if !given {
			value = input.Default
		}
		values[input.Name] = value
	}
	return values
}

// bound is a time that Temporal gives as the beginning of all times where there is none.
func bound(t time.Time) time.Time {
	if t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}

func stateOf(ctx context.Context, c client.Client, run string) runs.State {
	described, err := c.DescribeWorkflowExecution(ctx, run, "")
	if err != nil {
		return "" // no longer kept
	}
	return runs.StateOf(described.GetWorkflowExecutionInfo().GetStatus())
}

func firings(actions []client.ScheduleActionResult) []Firing {
	list := []Firing{}
	for _, action := range actions {
		if run := action.StartWorkflowResult; run != nil {
			list = append(list, Firing{Run: run.WorkflowID, ScheduledAt: action.ScheduleTime, StartedAt: action.ActualTime})
		}
	}
	return list
}

func times(list []time.Time) []time.Time { return append([]time.Time{}, list...) }

// whenOf reads what Create kept; "" of a schedule that was made by other means.
func whenOf(memo *commonpb.Memo) (when string) {
	payload := memo.GetFields()[whenMemo]
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &when) != nil {
		return ""
	}
	return when
}
