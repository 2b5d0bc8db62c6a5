package runs

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"ehpcflow/workflows"
)

// WaitReport is how a run of a wait stands.
type WaitReport struct {
	RunID string `json:"run"`
	State State  `json:"state"`

	// Until is when the wait ends, or was to end.
	Until time.Time `json:"until"`

	Verdict   workflows.Verdict `json:"verdict,omitempty"`
	StartedAt time.Time         `json:"startedAt,omitzero"`
	EndedAt   time.Time         `json:"endedAt,omitzero"`

	// Error of a run that did not complete.
	Error *Failure `json:"error,omitempty"`

	// Trouble of a run that goes on, as that of a Report.
	Trouble string `json:"trouble,omitempty"`
}

// ReadWait reports how a run of a wait stands. It takes no worker.
func ReadWait(ctx context.Context, c client.Client, id string) (WaitReport, error) {
	report := WaitReport{RunID: id}
	described, err := describe(ctx, c, id)
	if err != nil {
		return report, err
	}
	info := described.GetWorkflowExecutionInfo()
	report.State, report.StartedAt = StateOf(info.GetStatus()), info.GetStartTime().AsTime()
	if info.GetCloseTime() != nil {
		report.EndedAt = info.GetCloseTime().AsTime()
	}
	if report.Until, err = waitsUntil(ctx, c, id, report.StartedAt); err != nil {
		return report, err
	}
	switch report.State {
	case Completed, Failed, Canceled:
		var result workflows.WaitResult
		reason := "cancelled while it waited"
		report.Error, err = readEnd(ctx, c, id, &result, &reason)
		if !result.Until.IsZero() {
			report.Until = result.Until
		}
		report.Verdict = map[State]workflows.Verdict{Completed: workflows.Succeeded, Canceled: workflows.Canceled}[report.State]
		return report, err
	case Terminated, TimedOut:
		report.Error = &Failure{Code: string(report.State), Message: "the workflow was ended from outside, before the wait was over"}
	case Running:
	}
	return report, nil
}

// waitsUntil is what the input of a wait says of its end.
func waitsUntil(ctx context.Context, c client.Client, id string, began time.Time) (time.Time, error) {
	event, err := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	var in workflows.WaitInput
	if err == nil {
		err = converter.GetDefaultDataConverter().FromPayloads(event.GetWorkflowExecutionStartedEventAttributes().GetInput(), &in)
	}
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("read the input of run %s: %w", id, err)
	case !in.Wait.Until.IsZero():
		return in.Wait.Until, nil
	}
	return began.Add(time.Duration(in.Wait.For)), nil
}

// FollowWait reads a run of a wait again and again, as Follow does one of a command.
func FollowWait(ctx context.Context, c client.Client, id string, show func(WaitReport)) (WaitReport, error) {
	return follow(ctx, follower[WaitReport]{
		read:     func() (WaitReport, error) { return ReadWait(ctx, c, id) },
		stand:    func(r *WaitReport) (*State, *string) { return &r.State, &r.Trouble },
		complete: func(*WaitReport, WaitReport) {},
		show:     show,
	})
}
