package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows/policy"
)

const (
	// mostFlights are followed at a time: each has a watch, of which Temporal takes 2,000.
	mostFlights = 500

	// longHistory in events, and largeHistory in bytes, are near to what Temporal takes:
	// 51,200 and 50 MiB.
	longHistory  = 25_000
	largeHistory = 20 << 20
)

// holds says whether nothing is started for now, so that the rollout can go on as a new
// run: there always is something to start. An open question may stay open for long, and
// holds the others only when the history is near its end.
func (r *rollout) holds(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	switch {
	case len(r.flights) >= mostFlights:
		return true
	case !info.GetContinueAsNewSuggested():
		return false
	}
	return r.status.Question == nil || info.GetCurrentHistoryLength() > longHistory || info.GetCurrentHistorySize() > largeHistory
}

// maySuspend says whether the history has grown long, and nothing is under way that could
// not go on in a new run soon.
func (r *rollout) maySuspend(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && workflow.AllHandlersFinished(ctx) && ctx.Err() == nil &&
		!slices.ContainsFunc(r.flights, (*flight).busy)
}

// busy says whether a flight does something that it has to bring to its end here.
func (f *flight) busy() bool {
	ended := f.landed || f.suspended
	follows := f.stopBy.IsZero() && (f.status.Phase == Watching || f.status.Phase == Collecting)
	return !ended && !follows
}

// suspend has every flight stop following its command, and the rollout go on as a new run
// that follows them. When something comes between, they go on here.
func (r *rollout) suspend(ctx workflow.Context) error {
	before := r.report().Halt
	disturbed := func() bool {
		return ctx.Err() != nil || r.report().Halt != before || !workflow.AllHandlersFinished(ctx) ||
			slices.ContainsFunc(r.flights, (*flight).busy)
	}
	r.suspending = true
	for _, f := range r.flights {
		f.lead.interrupt()
	}
	undisturbed, _ := workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(undisturbed, func() bool { return r.quiet() || disturbed() }); err != nil {
		return err
	}
	r.suspending = false
	if !disturbed() {
		r.gather(ctx)
		if r.report().Halt == before {
			return r.continueAsNew(ctx)
		}
	}
	for _, f := range r.flights {
		if f.suspended {
			f.suspended = false
			f.goOn(ctx, f.follow)
		}
	}
	return nil
}

func (r *rollout) continueAsNew(ctx workflow.Context) error {
	in := r.in
	in.Target = Target{} // the nodes are in the status
	in.Resumed = &Resumption{Status: r.status, Places: r.places, Landed: len(r.past), LookSeconds: r.lookSeconds}
	if r.reset(ctx) {
		in.Resumed.ResetFrom = (&lead{rollout: r}).origin(ctx)
	}
	for _, f := range r.flights {
		in.Resumed.Flights = append(in.Resumed.Flights, SuspendedFlight{Wave: f.wave, Places: f.places, Run: f.continuation(), NotStarted: f.notStarted})
	}
	r.fit(func() any { return in })
	return workflow.NewContinueAsNewError(ctx, Rollout, in)
}

// reset says whether this run was reset in Temporal, or one that it goes on from.
func (r *rollout) reset(ctx workflow.Context) bool {
	return wasReset(ctx) || r.in.Resumed != nil && r.in.Resumed.ResetFrom != ""
}

// continuation is what a flight is followed from. Its nodes and what it shares with the
// others are in the rollout's status.
func (f *flight) continuation() Continuation {
	c := f.runCommand.continuation()
	c.Status.Nodes, c.Status.ClusterID, c.Status.Command = nil, "", ""
	return c
}

// resume goes on from an earlier run.
func (r *rollout) resume(ctx workflow.Context, from Resumption) {
	r.places, r.past = from.Places, from.Status.Commands[:from.Landed]
	for _, node := range r.status.Nodes {
		r.attempts += len(node.Attempts)
	}
	for _, suspended := range from.Flights {
		f := r.newFlight(suspended.Wave, suspended.Places, nil)
		f.resume(suspended.Run)
		f.status.ClusterID, f.status.Command = r.in.ClusterID, r.in.Command
		f.notStarted = suspended.NotStarted
		for _, at := range suspended.Places { // the last one is the one that a node goes on in
			if p := &r.places[at]; p.Stage == policy.Going {
				p.flight = f
			}
		}
	}
	for _, f := range r.flights {
		f.status.Nodes = r.nodesOf(f)
		f.goOn(ctx, f.follow)
	}
}

// nodesOf gives a flight its nodes back. Those with which it has nothing to do any more
// have ended, whatever became of them since.
func (r *rollout) nodesOf(f *flight) NodeResults {
	var nodes NodeResults
	for _, at := range f.places {
		p := r.places[at]
		node := r.status.Nodes[p.Node]
		if p.flight != f || p.Stage != policy.Going {
			node = NodeResult{InstanceID: node.InstanceID, State: activities.Failed}
			f.judged[node.InstanceID] = true
		}
		nodes = append(nodes, node)
	}
	for _, command := range f.status.Commands {
		for _, id := range command.Unasked {
			nodes = append(nodes, *r.status.node(id))
		}
	}
	return nodes
}
