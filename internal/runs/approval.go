package runs

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// ApprovalReport is how a run of an approval stands.
type ApprovalReport struct {
	RunID string `json:"run"`
	State State  `json:"state"`

	workflows.ApprovalStatus

	// Error of a run that did not complete.
	Error *Failure `json:"error,omitempty"`

	// Trouble of a run that goes on, as that of a Report.
	Trouble string `json:"trouble,omitempty"`
}

// ReadApproval reports how a run of an approval stands.
func ReadApproval(ctx context.Context, c client.Client, id string) (ApprovalReport, error) {
	report := ApprovalReport{RunID: id}
	described, err := describe(ctx, c, id)
	if err != nil {
		return report, err
	}
	report.State = StateOf(described.GetWorkflowExecutionInfo().GetStatus())
	if !ask(ctx, c, id, workflows.ApprovalQuery, &report.ApprovalStatus) && report.State == Running {
		report.Trouble = unanswering
	}
	switch report.State {
	case Completed, Failed, Canceled:
		report.Phase = workflows.Ended
		report.Error, err = readEnd(ctx, c, id, &report.ApprovalResult, &report.Reason)
		return report, err
	case Terminated, TimedOut:
		report.Error = &Failure{Code: string(report.State), Message: "the workflow was ended from outside: the approval was neither given nor refused"}
	case Running:
		if report.Trouble == "" {
			report.Trouble = ApprovalAsked(id, report.ApprovalStatus)
		}
	}
	return report, nil
}

// ApprovalAsked says what an approval waits for that a person has to do, and how to do it.
func ApprovalAsked(id string, approval workflows.ApprovalStatus) string {
	text := "for an approval"
	if approval.Message != "" {
		text += " (" + approval.Message + ")"
	}
	if n := approval.Needed; n > 1 {
		text += fmt.Sprintf(", %d of %d given", len(approval.By), n)
	}
	if !approval.Until.IsZero() {
		text += " until " + approval.Until.Local().Format("2006-01-02 15:04:05")
	}
	return fmt.Sprintf("%s: starter %s %s --why TEXT, or starter %s", text, workflows.ApproveUpdate, id, workflows.RejectUpdate)
}
