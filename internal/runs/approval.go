package runs

import (
	"context"
	"fmt"
	"strings"
	"time"

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

// FollowApproval reads a run of an approval again and again, as Follow does one of a
// command.
func FollowApproval(ctx context.Context, c client.Client, id string, show func(ApprovalReport)) (ApprovalReport, error) {
	return follow(ctx, follower[ApprovalReport]{
		read:  func() (ApprovalReport, error) { return ReadApproval(ctx, c, id) },
		stand: func(r *ApprovalReport) (*State, *string) { return &r.State, &r.Trouble },
		complete: func(report *ApprovalReport, last ApprovalReport) {
			if report.Phase == "" { // nobody could say how the run itself stands
				report.ApprovalStatus = last.ApprovalStatus
			}
		},
		show: show,
	})
}

// Decided says in words what an approval has come to, or how much of it is given.
func Decided(approval workflows.ApprovalStatus) string {
	switch approval.Verdict {
	case workflows.Succeeded:
		return "approved"
	case workflows.Failed:
		return "rejected"
	case workflows.Canceled:
		return string(workflows.Canceled)
	default:
		return fmt.Sprintf("%d of %d approvals given", len(approval.By), approval.Needed)
	}
}

// DecidedBy says by whom an approval was decided, or who alone had approved where it came to
// an end otherwise, of which the reason does not name them. Needed are the approvals that it
// takes; 0 is not known.
func DecidedBy(approval workflows.ApprovalResult, needed int) string {
	by := "by " + strings.Join(approval.By, ", ")
	switch {
	case len(approval.By) == 0:
		return ""
	case approval.Reason == "" || strings.Contains(approval.Reason, by):
		return by
	case needed == 0:
		return fmt.Sprintf("approved %s only", by)
	}
	return fmt.Sprintf("approved %s only, %d of %d", by, len(approval.By), needed)
}

// fewApprovers are named of those who may decide.
const fewApprovers = 5

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
		text += " until " + approval.Until.UTC().Format(time.DateTime) + " UTC"
	}
	as := ""
	switch n := len(approval.Approvers); {
	case n == 1:
		as = " --by " + approval.Approvers[0]
	case n > 1:
		as = " --by NAME"
		text += ", of " + strings.Join(approval.Approvers[:min(n, fewApprovers)], ", ")
		if more := n - fewApprovers; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
	}
	return fmt.Sprintf("%s: starter %s %s --why TEXT%s, or starter %s", text, workflows.ApproveUpdate, id, as, workflows.RejectUpdate)
}
