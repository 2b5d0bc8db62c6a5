package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/pipeline"
)

// ApprovalQuery is the query that a run of an approval answers with an ApprovalStatus,
// also after its end.
const ApprovalQuery = "approval"

// ApprovalInput is an approval that a step of a pipeline waits for.
type ApprovalInput struct {
	Step     string            `json:"step"`
	Approval pipeline.Approval `json:"approval"`
}

// ApprovalStatus is how an approval stands.
type ApprovalStatus struct {
	Phase     Phase     `json:"phase"` // Waiting or Ended
	Message   string    `json:"message,omitempty"`
	Approvers []string  `json:"approvers,omitempty"` // who may; none is anybody
	Needed    int       `json:"needed"`
	Until     time.Time `json:"until,omitzero"` // how long it waits; zero is as long as it takes
	ApprovalResult
}

// ApprovalResult is what became of an approval. Verdict is Succeeded when it was given,
// otherwise Failed.
type ApprovalResult struct {
	Verdict   Verdict   `json:"verdict,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	By        []string  `json:"by,omitempty"`     // who approved, or the one who rejected
	Orders    []Order   `json:"orders,omitempty"` // that were given, with their reasons
	StartedAt time.Time `json:"startedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
}

// approval is the state of one run.
type approval struct {
	in     ApprovalInput
	status ApprovalStatus
	runID  string
	entry  entry
}

// AwaitApproval waits until as many people as are needed have approved, one has rejected,
// or its time has passed. ApproveUpdate and RejectUpdate decide, each with an Order. It
// completes however that was decided; cancelled, it tells in the details of the
// CanceledError who had approved.
func AwaitApproval(ctx workflow.Context, in ApprovalInput) (*ApprovalResult, error) {
	a := &approval{in: in, runID: workflow.GetInfo(ctx).WorkflowExecution.ID, entry: openEntry(ctx)}
	a.status = ApprovalStatus{
		Phase: Waiting, Message: in.Approval.Message, Approvers: in.Approval.Approvers, Needed: max(in.Approval.Needed, 1),
		ApprovalResult: ApprovalResult{StartedAt: workflow.Now(ctx)},
	}
	if within := time.Duration(in.Approval.Within); within > 0 {
		a.status.Until = a.status.StartedAt.Add(within)
	}
	if err := workflow.SetQueryHandler(ctx, ApprovalQuery, func() (ApprovalStatus, error) { return a.status, nil }); err != nil {
		return nil, err
	}
	if err := a.takeOrders(ctx); err != nil {
		return nil, err
	}
	a.show(ctx)
	err := a.wait(ctx)
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	if err != nil {
		a.status.Verdict, a.status.Reason = Canceled, "cancelled while it waited"
		err = temporal.NewCanceledError(a.status.ApprovalResult)
	}
	a.status.Phase, a.status.EndedAt = Ended, workflow.Now(ctx)
	a.entry.close(ctx, Outcome(a.status.Verdict), 0)
	a.show(ctx)
	if waiting := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); waiting != nil {
		return nil, waiting
	}
	if err != nil {
		return nil, err
	}
	return &a.status.ApprovalResult, nil
}

// wait returns when it is decided.
func (a *approval) wait(ctx workflow.Context) error {
	decided := func() bool { return a.status.Verdict != "" }
	if a.status.Until.IsZero() {
		return workflow.Await(ctx, decided)
	}
	inTime, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      time.Duration(a.in.Approval.Within),
		TimerOptions: workflow.TimerOptions{Summary: "for an approval"},
	}, decided)
	switch within := lengthText(time.Duration(a.in.Approval.Within)); {
	case err != nil || inTime:
	case a.in.Approval.OnTimeout == pipeline.ApproveLate:
		a.status.Verdict, a.status.Reason = Succeeded, fmt.Sprintf("nobody decided within %s, which approves it", within)
	default:
		a.status.Verdict, a.status.Reason = Failed, fmt.Sprintf("it was not approved within %s", within)
	}
	return err
}

// takeOrders lets people decide.
func (a *approval) takeOrders(ctx workflow.Context) error {
	for _, o := range []struct {
		name, description string
		take              func(Order)
	}{
		{ApproveUpdate, "approve it", a.approve},
		{RejectUpdate, "reject it", a.reject},
	} {
		check := func(_ workflow.Context, order Order) error { return a.check(o.name, order) }
		take := func(ctx workflow.Context, order Order) (OrderTaken, error) {
			order.By, order.Action, order.At = strings.TrimSpace(order.By), o.name, workflow.Now(ctx)
			order.Nodes, order.Set = nil, nil
			a.status.Orders = append(a.status.Orders, order)
			o.take(order)
			a.show(ctx)
			return OrderTaken{Phase: a.status.Phase, Order: order}, nil
		}
		err := workflow.SetUpdateHandlerWithOptions(ctx, o.name, take, workflow.UpdateHandlerOptions{Description: o.description, Validator: check})
		if err != nil {
			return err
		}
	}
	return nil
}

// check refuses an order that is of no use, and says why.
func (a *approval) check(action string, order Order) error {
	if err := signed(order); err != nil {
		return err
	}
	by := strings.TrimSpace(order.By)
	switch {
	case a.status.Verdict != "" || a.status.Phase == Ended:
		return errors.New("it is decided already: " + string(a.status.Verdict))
	case len(order.Nodes) > 0 || order.Set != nil:
		return errors.New("an approval has no nodes and no settings: it takes who decides, and why")
	case len(a.status.Approvers) > 0 && !slices.Contains(a.status.Approvers, by):
		return fmt.Errorf("%s is not asked for: %s may decide; say as whom: --by NAME, or EHPCFLOW_USER", by, firstFew(a.status.Approvers))
	case action == ApproveUpdate && slices.Contains(a.status.By, by):
		return fmt.Errorf("%s has approved already; %d people have to", by, a.status.Needed)
	}
	return nil
}

func (a *approval) approve(order Order) {
	a.status.By = append(a.status.By, order.By)
	if len(a.status.By) >= a.status.Needed {
		a.status.Verdict = Succeeded
	}
}

func (a *approval) reject(order Order) {
	a.status.By = []string{order.By}
	a.status.Verdict, a.status.Reason = Failed, fmt.Sprintf("rejected by %s: %s", order.By, order.Why)
}

// show refreshes what the Web UI shows.
func (a *approval) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, a.status.details(a.runID))
}

// details is what the Web UI shows of an approval, in Markdown.
func (s *ApprovalStatus) details(runID string) string {
	text := "# " + title(s.Phase, Outcome(s.Verdict)) + "\n\n"
	if s.Message != "" {
		text += shorten(s.Message, 4000) + "\n\n"
	}
	if s.Phase == Ended {
		text += nonEmptyLine(shorten(s.Reason, 1000))
	} else {
		until := ""
		if !s.Until.IsZero() {
			until = ", until " + s.Until.UTC().Format("2006-01-02 15:04:05") + " UTC"
		}
		text += fmt.Sprintf("**Waits for an approval**, %d of %d given%s.", len(s.By), s.Needed, until)
		if len(s.Approvers) > 0 {
			text += " Who may decide: " + shorten(firstFew(s.Approvers), 500) + "."
		}
		text += fmt.Sprintf(" Decide with one of\n\n    starter approve %s --why …\n    starter reject %s --why …\n\n", runID, runID)
	}
	for _, order := range s.Orders {
		text += fmt.Sprintf("- %s **%s** by %s: %s\n", clock(order.At), order.Action, shorten(order.By, 60), shorten(order.Why, 300))
	}
	return fitDetails(text)
}

func nonEmptyLine(text string) string {
	if text == "" {
		return ""
	}
	return text + "\n\n"
}

// lengthText is a length of time as people write it: 2h, and not 2h0m0s.
func lengthText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
