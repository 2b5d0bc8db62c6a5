package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows/policy"
)

// gather takes what the flights know by now, and lets go of those that have landed.
func (r *rollout) gather(ctx workflow.Context) {
	var open []*flight
	var going Commands
	for _, f := range r.flights {
		if f.landed {
			r.land(ctx, f)
		}
		r.merge(ctx, f)
		if f.landed {
			r.past = append(r.past, f.commands()...)
		} else {
			open = append(open, f)
			going = append(going, f.commands()...)
		}
	}
	r.flights = open
	if left := r.past.leftOut(); left > 0 {
		r.past = r.past[left:]
		r.report().CommandsLeftOut += left
	}
	r.status.Commands = slices.Concat(r.past, going)
	if r.status.CommandID == "" && len(r.status.Commands) > 0 {
		r.status.CommandID, r.status.SubmittedAt = r.status.Commands[0].CommandID, r.status.Commands[0].SubmittedAt
	}
	r.markWaves(ctx)
}

// leftOut says how many of the first commands a result does not hold.
func (c Commands) leftOut() int {
	left, named := len(c), 0
	for left > 0 && len(c)-left < mostCommands && named+len(c[left-1].InstanceIDs) <= mostCommandNodes {
		left--
		named += len(c[left].InstanceIDs)
	}
	return left
}

// land judges how a flight ended. What it could not start or follow ends the rollout:
// it would be the same with the next.
func (r *rollout) land(ctx workflow.Context, f *flight) {
	code, message := f.failure(ctx)
	for i := range f.status.Nodes {
		node := &f.status.Nodes[i]
		switch {
		case node.Reason != "" || node.State.Ended() && (!leavesResult(node.State) || f.judged[node.InstanceID]):
		case node.State.Ended() && message != "":
			node.Reason = "it ended, and its result could not be read: " + message
		case node.State.Ended():
			node.Reason = "it ended, and its result was not read"
		case f.left:
			node.Reason = "the rollout was abandoned; the command may still be running"
		case message != "":
			node.Reason = "not followed to its end: " + message
		}
	}
	if f.status.Reason != "" {
		r.status.addReason(f.status.Reason)
	}
	switch {
	case message == "":
	case r.report().Halt == nil:
		r.refusal = &Refusal{Code: code, Message: message}
		r.halt(policy.Halt{Cause: policy.Refused, Text: message, InFlight: policy.Drain})
	case f.notStarted == "":
		r.status.addReason(message)
	}
}

// merge takes the nodes of a flight over.
func (r *rollout) merge(ctx workflow.Context, f *flight) {
	for i, at := range f.places {
		p := &r.places[at]
		if p.flight != f || p.Stage != policy.Going {
			continue
		}
		node := f.status.Nodes[i]
		node.Attempts = r.status.Nodes[p.Node].Attempts // a flight that was resumed has none
		r.status.Nodes[p.Node] = node
		switch {
		case node.State == activities.Skipped && f.tookBack(node, p.Attempts):
			r.takeBack(p)
		case f.landed || f.settled(node):
			r.end(ctx, f, p, node)
		}
	}
	for _, node := range f.status.Nodes[len(f.places):] {
		r.takeUnasked(f, node)
	}
}

// tookBack says whether an attempt on a node that is skipped was not begun, and is none. A
// stop that prevented the first one is what became of the node.
func (f *flight) tookBack(node NodeResult, attempts int) bool {
	if node.Reason == "" {
		return f.landed || f.lead.recalled && f.notStarted == ""
	}
	return f.landed && attempts > 1
}

// end decides whether a node is tried again.
func (r *rollout) end(ctx workflow.Context, f *flight, p *place, node NodeResult) {
	retry := r.report().Policy.Retry
	p.Stage, p.State = policy.Over, node.State
	if r.report().Halt == nil && retry.Again(node.State, node.ExitCode, p.Attempts) {
		p.Stage, p.ReadyAt = policy.Waiting, workflow.Now(ctx).Add(retry.Backoff(p.Attempts))
		r.status.Nodes[p.Node].RetryAt = p.ReadyAt
		p.Command = f.commandOf(node.InstanceID)
	}
}

// takeUnasked takes a node over on which the service reports the command although it was
// not asked for. One that waits, or was left out before it was started, is not started
// any more.
func (r *rollout) takeUnasked(f *flight, node NodeResult) {
	known, p := r.status.node(node.InstanceID), r.placeOf(node.InstanceID)
	switch {
	case known == nil:
		r.status.Nodes = append(r.status.Nodes, node)
		return
	case p != nil && (p.Stage == policy.Waiting || p.Stage == policy.Over && p.Attempts == 0 && p.flight == nil):
		p.Stage, p.flight = policy.Over, f
	case p != nil && p.flight != f:
		return
	}
	if p != nil {
		p.State = node.State
	}
	node.Wave, node.HostName, node.Tries, node.Attempts = known.Wave, known.HostName, known.Tries, known.Attempts
	*known = node
}

// takeBack notes that an attempt was not begun after all.
func (r *rollout) takeBack(p *place) {
	p.Stage, p.Attempts = policy.Waiting, p.Attempts-1
	node := &r.status.Nodes[p.Node]
	node.State, node.Reason, node.Tries = activities.Pending, "", 0
	if p.Attempts > 1 {
		node.Tries = p.Attempts
	}
	switch last := len(node.Attempts) - 1; {
	case p.Attempts == 0:
	case len(node.Attempts) < p.Attempts:
		r.report().AttemptsLeftOut--
		node.State, node.Reason = p.State, "what the last attempt left is not in the result"
	default:
		before := node.Attempts[last]
		node.State, node.ExitCode, node.Reason = before.State, before.ExitCode, before.Reason
		node.Output, node.FinishedAt = before.Output, before.FinishedAt
		node.Attempts = node.Attempts[:last]
		r.attempts--
		p.State = node.State
	}
}

func (r *rollout) placeOf(id string) *place {
	if len(r.index) != len(r.places) {
		r.index = make(map[string]int, len(r.places))
		for i, place := range r.places {
			r.index[r.status.Nodes[place.Node].InstanceID] = i
		}
	}
	if i, found := r.index[id]; found {
		return &r.places[i]
	}
	return nil
}

// markWaves counts the nodes of each wave, and says when it ended.
func (r *rollout) markWaves(ctx workflow.Context) {
	waves := r.report().Waves
	open := make([]int, len(waves))
	for i := range waves {
		waves[i].States = make(map[NodeState]int)
	}
	for _, p := range r.places {
		waves[p.Wave].States[r.status.Nodes[p.Node].State]++
		if p.Stage != policy.Over {
			open[p.Wave]++
		}
	}
	for i := range waves {
		switch {
		case open[i] > 0:
			waves[i].EndedAt = time.Time{}
		case waves[i].EndedAt.IsZero() && !waves[i].StartedAt.IsZero():
			waves[i].EndedAt = workflow.Now(ctx)
		}
	}
}
