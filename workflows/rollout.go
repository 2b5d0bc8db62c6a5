package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/activities/columns"
	"ehpcflow/workflows/policy"
)

// rollout is the state of one rollout.
type rollout struct {
	in     RolloutInput
	status RunCommandStatus
	logger log.Logger
	desk   *desk
	entry  entry

	places  []place
	index   map[string]int // of the places, by their node's id
	flights []*flight      // that have not landed
	past    Commands       // of those that have

	// attempts counts those that the nodes hold.
	attempts int

	// changes counts what happened that a decision may depend on, and passes how often
	// it was decided since.
	changes, passes int

	alarm       time.Time // the next timer; zero is none
	freeSince   time.Time // since when nodes to start are gathered; zero is not at all
	lookSeconds int       // between two looks, where a person said so
	suspending  bool      // it is about to go on in a new run
	over        bool      // nothing more is decided

	// refusal is why the command was never started.
	refusal *Refusal
}

// place is a node to start, and how far it has come.
type place struct {
	policy.Place
	Node     int `json:"node"`               // its place among the nodes of the status
	Attempts int `json:"attempts,omitempty"` // that were begun

	// Command of the last attempt that ended.
	Command string `json:"command,omitempty"`

	flight *flight // of the last attempt
}

// places are written as columns when they are many.
type placeList []place

// MarshalJSON writes the list; see package columns.
func (p placeList) MarshalJSON() ([]byte, error) { return columns.Marshal(p) }

// UnmarshalJSON reads it, also as a plain array.
func (p *placeList) UnmarshalJSON(text []byte) error { return columns.Unmarshal(text, (*[]place)(p)) }

// Rollout runs a command on the nodes of a cluster by a policy: in waves, so many at a
// time, until all were started, too many failed, or enough succeeded. It freezes the
// target to a list of nodes first. Each node that is started is run on as RunCommand
// does it, in a command with those that are started together.
//
// It returns a result whenever it started something; its verdict says how it ended, and
// fails the run where FailUnless asks for another. It fails, under the API's code, when nothing could be started. Cancelling stops the command
// wherever it was not seen to end, and starts nothing more. A rollout is steered by the
// updates of Order, and answers its questions as RunCommand does.
func Rollout(ctx workflow.Context, in RolloutInput) (*RunCommandResult, error) {
	countStarted(ctx, in.Resumed != nil)
	r, err := newRollout(ctx, in)
	if err != nil {
		countEnded(ctx, "", nil, err)
		return nil, err
	}
	return r.finish(ctx, r.roll(ctx))
}

func newRollout(ctx workflow.Context, in RolloutInput) (*rollout, error) {
	r := &rollout{in: in, logger: workflow.GetLogger(ctx)}
	r.status = RunCommandStatus{
		Phase: Resolving,
		RunCommandResult: RunCommandResult{
			ClusterID: in.ClusterID, Command: in.Command, StartedAt: workflow.Now(ctx),
			From: in.From, Lineage: in.Lineage, Rollout: &RolloutReport{Policy: in.Policy, Waves: []Wave{}},
		},
	}
	if in.Resumed != nil {
		r.status, r.lookSeconds = in.Resumed.Status, in.Resumed.LookSeconds
	}
	r.status.runID = workflow.GetInfo(ctx).WorkflowExecution.ID
	r.status.raw = in.Raw
	r.desk, r.entry = newDesk(&r.status), openEntry(ctx)
	if err := workflow.SetQueryHandler(ctx, StatusQuery, r.status.page); err != nil {
		return nil, err
	}
	if err := r.desk.open(ctx); err != nil {
		return nil, err
	}
	if err := r.takeOrders(ctx); err != nil {
		return nil, err
	}
	if in.Resumed != nil {
		r.resume(ctx, *in.Resumed)
		return r, nil
	}
	if problems := in.problems(); len(problems) > 0 {
		return nil, temporal.NewNonRetryableApplicationError((&InputError{problems}).Error(), ErrInvalidInput, nil)
	}
	return r, nil
}

func (r *rollout) report() *RolloutReport { return r.status.Rollout }

// prompt says whether what is done next may depend on each node that ends.
func (r *rollout) prompt() bool {
	p := r.report().Policy
	return !p.Concurrency.IsZero() || !p.Quorum.Nodes.IsZero() || p.Retry.Attempts > 1 || p.Budget.Any() && p.OnBreach() == policy.Stop
}

// roll starts nodes and waits, until nothing is left to do.
func (r *rollout) roll(ctx workflow.Context) error {
	defer func() { r.over = true }()
	if r.in.Resumed == nil {
		if err := r.resolve(ctx); err != nil {
			return err
		}
	}
	for {
		seen := r.changes
		r.gather(ctx)
		decision := r.decide(ctx)
		switch {
		case !decision.Gather:
			r.freeSince = time.Time{}
		case r.freeSince.IsZero():
			r.freeSince = workflow.Now(ctx)
		}
		if len(r.flights) == 0 && (decision.Done || r.report().Halt != nil) {
			return ctx.Err()
		}
		held := r.holds(ctx)
		if len(decision.Start) > 0 && !held && ctx.Err() == nil {
			r.launch(ctx, decision.Wave, decision.Start)
		}
		r.show(ctx, decision)
		r.passes++
		if r.maySuspend(ctx) {
			if err := r.suspend(ctx); err != nil {
				return err
			}
			continue
		}
		r.wakeAt(ctx, decision.Wake)
		if err := workflow.Await(ctx, func() bool { return r.changes != seen || held && r.maySuspend(ctx) }); err != nil {
			return err
		}
	}
}

// resolve freezes the target to the list of nodes, and divides it into waves. Nodes that
// are skipped stand at its end, in no wave.
func (r *rollout) resolve(ctx workflow.Context) error {
	r.show(ctx, policy.Decision{})
	target := &runCommand{in: r.in.RunCommandInput, status: r.status}
	target.lead = &lead{rollout: r}
	err := target.resolve(ctx)
	r.status.Nodes, r.status.Reason = target.status.Nodes, target.status.Reason
	n := target.asked
	if err == nil {
		if refusal := r.in.refuseOn(n); refusal != nil {
			err = temporal.NewNonRetryableApplicationError("nothing was started: "+refusal.Message, refusal.Code, nil)
		}
	}
	if err != nil {
		r.status.set(r.status.Nodes[:n], activities.Skipped, "")
		return err
	}
	at := 0
	for wave, size := range r.in.Policy.Split(n) {
		r.report().Waves = append(r.report().Waves, Wave{Nodes: size})
		for range size {
			r.places = append(r.places, place{Place: policy.Place{Wave: wave}, Node: at})
			r.status.Nodes[at].Wave = wave + 1
			at++
		}
	}
	return nil
}

// decide says what to do next, and ends the starting of nodes when it is to end.
func (r *rollout) decide(ctx workflow.Context) policy.Decision {
	if r.report().Halt != nil {
		return policy.Decision{}
	}
	now, deadline := workflow.Now(ctx), r.deadline()
	decision := r.report().Policy.Next(r.standing(now))
	switch {
	case decision.Halt != nil:
		r.halt(*decision.Halt)
	case decision.Done || deadline.IsZero():
	case now.Before(deadline):
		if decision.Wake.IsZero() || deadline.Before(decision.Wake) {
			decision.Wake = deadline
		}
	default:
		r.halt(policy.Halt{Cause: policy.Late, Text: fmt.Sprintf("the rollout's deadline of %v passed", seconds(r.in.DeadlineSeconds)), InFlight: policy.Drain})
		decision.Start = nil
	}
	return decision
}

func (r *rollout) deadline() time.Time {
	if r.in.DeadlineSeconds == 0 {
		return time.Time{}
	}
	return r.status.StartedAt.Add(seconds(r.in.DeadlineSeconds))
}

// standing is what a decision is made from.
func (r *rollout) standing(now time.Time) policy.Standing {
	report := r.report()
	s := policy.Standing{Now: now, Paused: report.Paused, FreeSince: r.freeSince, Places: make([]policy.Place, len(r.places))}
	for i, place := range r.places {
		s.Places[i] = place.Place
	}
	for _, wave := range report.Waves {
		s.Gates = append(s.Gates, policy.Gate{BegunAt: wave.StartedAt, Approvals: len(wave.ApprovedBy)})
		s.EndedAt = append(s.EndedAt, wave.EndedAt)
	}
	if wait := report.Wait; wait != nil && wait.For != ForSoak {
		s.WaitsSince = wait.Since
	}
	return s
}

// halt ends the starting of nodes, for good.
func (r *rollout) halt(h policy.Halt) {
	r.report().Halt = &h
	r.logger.Info("the rollout starts nothing more", "Cause", h.Cause, "Why", h.Text)
	for _, f := range r.flights {
		f.lead.stopStarting()
		f.left = h.Cause == policy.Abandoned
		if f.left || h.InFlight == policy.Stop {
			f.cancel()
		}
	}
	r.changes++
}

// wakeAt has time alone lead to a decision.
func (r *rollout) wakeAt(ctx workflow.Context, at time.Time) {
	if at.IsZero() || !r.alarm.IsZero() && !at.Before(r.alarm) {
		return
	}
	r.alarm = at
	timer := workflow.NewTimerWithOptions(ctx, max(at.Sub(workflow.Now(ctx)), time.Millisecond), workflow.TimerOptions{Summary: r.waitText()})
	workflow.Go(ctx, func(ctx workflow.Context) {
		if timer.Get(ctx, nil) != nil {
			return
		}
		if r.alarm.Equal(at) {
			r.alarm = time.Time{}
		}
		r.changes++
	})
}
