package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/workflows/policy"
)

// orders are what a rollout can be told. Check refuses what cannot be done, and take does
// it.
var orders = []struct {
	name, description string
	whileEnding       bool // also when nothing more is started
	check             func(*rollout, Order, time.Time) error
	take              func(*rollout, Order)
}{
	{PauseUpdate, "start nothing more until the rollout is resumed", false, (*rollout).checkPause, (*rollout).pause},
	{ResumeUpdate, "go on after a pause", false, (*rollout).checkResume, (*rollout).unpause},
	{ApproveUpdate, "let the next wave begin", false, (*rollout).checkApprove, (*rollout).approve},
	{RejectUpdate, "end the rollout instead of going on; what runs is waited for", false, (*rollout).checkReject, (*rollout).reject},
	{AbandonUpdate, "end the rollout at once; what runs is left running", true, (*rollout).checkAbandon, (*rollout).abandon},
	{SetUpdate, "change the concurrency, the budget, the deadline or the pace", true, (*rollout).checkSet, (*rollout).set},
	{SkipUpdate, "leave out nodes that wait to be started", false, (*rollout).checkSkip, (*rollout).skip},
	{AddUpdate, "add nodes to the last wave", false, (*rollout).checkAdd, (*rollout).add},
	{RetryUpdate, "try nodes again that ended without success", false, (*rollout).checkRetry, (*rollout).retry},
}

// takeOrders lets people steer the rollout.
func (r *rollout) takeOrders(ctx workflow.Context) error {
	for _, o := range orders {
		check := func(ctx workflow.Context, order Order) error {
			if err := r.checkSigned(order); err != nil {
				return err
			}
			if halt := r.report().Halt; halt != nil && !o.whileEnding {
				return fmt.Errorf("the rollout is ending and starts nothing more: %s", halt.Text)
			}
			return o.check(r, order, workflow.Now(ctx))
		}
		take := func(ctx workflow.Context, order Order) (OrderTaken, error) {
			order.By, order.Action, order.At = strings.TrimSpace(order.By), o.name, workflow.Now(ctx)
			o.take(r, order)
			order = r.record(order)
			r.changes++
			passes := r.passes
			err := workflow.Await(ctx, func() bool { return r.passes > passes || r.over })
			return OrderTaken{Phase: r.status.Phase, Order: order}, err
		}
		err := workflow.SetUpdateHandlerWithOptions(ctx, o.name, take, workflow.UpdateHandlerOptions{Description: o.description, Validator: check})
		if err != nil {
			return err
		}
	}
	return nil
}

// record keeps an order for the result.
func (r *rollout) record(order Order) Order {
	order.NodesLeftOut = max(len(order.Nodes)-mostOrdered, 0)
	order.Nodes = slices.Clone(order.Nodes[:len(order.Nodes)-order.NodesLeftOut])
	report := r.report()
	report.Orders = append(report.Orders, order)
	if left := len(report.Orders) - mostOrders; left > 0 {
		report.Orders = report.Orders[left:]
		report.OrdersLeftOut += left
	}
	return order
}

const (
	// mostOrders is how many orders a result holds, and mostOrdered the nodes of each.
	mostOrders  = 200
	mostOrdered = 20

	// longestID of a node, in bytes.
	longestID = 64
)

// checkSigned refuses an order that does not say who gives it and why, or that comes at
// the wrong time.
func (r *rollout) checkSigned(order Order) error {
	if err := signed(order); err != nil {
		return err
	}
	switch {
	case r.over || r.status.Phase == Ended:
		return errors.New("the rollout has ended")
	case len(r.places) == 0:
		return errors.New("the nodes of the rollout are not known yet: try again in a moment")
	}
	return nil
}

// signed refuses an order that does not say who gives it and why.
func signed(order Order) error {
	switch {
	case strings.TrimSpace(order.By) == "":
		return errors.New(`it is not said who gives the order: put "by" into it`)
	case strings.TrimSpace(order.Why) == "":
		return errors.New(`it is not said why: put "why" into the order`)
	case len(order.By)+len(order.Why) > mostSigned:
		return fmt.Errorf("who gives the order and why takes more than %d bytes: say it shorter", mostSigned)
	}
	return nil
}

// mostSigned is how long the name and the reason of an order may be together, in bytes.
const mostSigned = 2000

func (r *rollout) checkPause(Order, time.Time) error {
	if r.report().Paused {
		return errors.New("the rollout is paused already")
	}
	return nil
}

func (r *rollout) pause(Order) {
	r.report().Paused = true
	for _, f := range r.flights {
		f.lead.recall()
	}
}

func (r *rollout) checkResume(Order, time.Time) error {
	if !r.report().Paused {
		return fmt.Errorf("the rollout is not paused: it is %s", r.status.Phase)
	}
	return nil
}

func (r *rollout) unpause(Order) { r.report().Paused, r.report().Wait = false, nil }

func (r *rollout) checkApprove(order Order, _ time.Time) error {
	wait := r.report().Wait
	switch {
	case r.report().Paused:
		return errors.New("the rollout is paused, which is another wait: resume it first")
	case wait == nil || wait.For != ForApproval:
		return fmt.Errorf("the rollout waits for no approval: it is %s", r.status.Phase)
	case slices.Contains(r.report().Waves[wait.Wave-1].ApprovedBy, strings.TrimSpace(order.By)):
		return fmt.Errorf("%s has approved wave %d already; %d people have to", order.By, wait.Wave, r.report().Policy.ApprovalsNeeded())
	}
	return nil
}

func (r *rollout) approve(order Order) {
	wave := &r.report().Waves[r.report().Wait.Wave-1]
	wave.ApprovedBy = append(wave.ApprovedBy, order.By)
}

func (r *rollout) checkReject(Order, time.Time) error {
	if wait := r.report().Wait; wait == nil || wait.For == ForSoak {
		return fmt.Errorf("the rollout waits for nobody: it is %s; abandon or cancel ends it", r.status.Phase)
	}
	return nil
}

func (r *rollout) reject(order Order) {
	r.halt(policy.Halt{Cause: policy.Rejected, Text: fmt.Sprintf("rejected by %s: %s", order.By, order.Why), InFlight: policy.Drain})
}

func (r *rollout) checkAbandon(Order, time.Time) error {
	if halt := r.report().Halt; halt != nil && halt.Cause == policy.Abandoned {
		return errors.New("the rollout is abandoned already")
	}
	return nil
}

func (r *rollout) abandon(order Order) {
	r.halt(policy.Halt{Cause: policy.Abandoned, Text: fmt.Sprintf("abandoned by %s: %s", order.By, order.Why), InFlight: policy.Drain})
}

func (r *rollout) checkSet(order Order, now time.Time) error {
	s := order.Set
	if s == nil || *s == (Settings{}) {
		return errors.New(`nothing is set: put concurrency, maxFailures, maxFailuresPerWave, deadlineSeconds or lookSeconds into "set"`)
	}
	changed := s.applied(r.report().Policy)
	problems := append(changed.Problems(r.in.Raw), changed.ProblemsOn(len(r.places))...)
	longest := int(2 * MaxTimeout / time.Second)
	elapsed := int(now.Sub(r.status.StartedAt) / time.Second)
	if d := s.DeadlineSeconds; d != nil && *d != 0 && (*d <= elapsed || *d > longest) {
		problems = append(problems, fmt.Sprintf("the deadline is %d s from the start of the rollout, which was %d s ago: give more, up to %d s, or none (in JSON 0)", *d, elapsed, longest))
	}
	if l := s.LookSeconds; l != nil && (*l < 0 || *l > 600) {
		problems = append(problems, fmt.Sprintf("%d s between two looks are asked for, it can be 1 to 600 s, or none (in JSON 0) for the worker's own pace", *l))
	}
	if halt := r.report().Halt; halt != nil && (s.Concurrency != nil || s.MaxFailures != nil || s.MaxFailuresPerWave != nil) {
		problems = append(problems, "the rollout is ending and starts nothing more: "+halt.Text)
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}

func (r *rollout) set(order Order) {
	r.report().Policy = order.Set.applied(r.report().Policy)
	if d := order.Set.DeadlineSeconds; d != nil {
		r.in.DeadlineSeconds = *d
		for _, f := range r.flights {
			f.in.DeadlineSeconds = *d
		}
	}
	if l := order.Set.LookSeconds; l != nil {
		r.lookSeconds = *l
	}
	for _, f := range r.flights {
		if order.Set.Concurrency != nil {
			f.lead.recall()
		}
		f.lead.interrupt()
	}
}

// applied is a policy with the settings.
func (s Settings) applied(p policy.Policy) policy.Policy {
	if s.Concurrency != nil {
		p.Concurrency = *s.Concurrency
	}
	if s.MaxFailures != nil {
		p.Budget.Whole = s.MaxFailures
	}
	if s.MaxFailuresPerWave != nil {
		p.Budget.PerWave = s.MaxFailuresPerWave
	}
	return p
}
