package workflows

import (
	"errors"
	"fmt"
	"time"

	"ehpcflow/activities"
	"ehpcflow/workflows/policy"
)

// checkNodes refuses nodes that something is wrong with, in one message.
func (r *rollout) checkNodes(order Order, wrong func(id string) string) error {
	var problems []string
	if len(order.Nodes) == 0 {
		problems = append(problems, `no node is named: put their instance ids into "nodes"`)
	}
	validateIDs(order.Nodes, func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) })
	for _, id := range order.Nodes {
		if why := wrong(id); why != "" {
			problems = append(problems, why)
		}
	}
	if len(problems) > 0 {
		return errors.New(firstFew(problems))
	}
	return nil
}

func (r *rollout) checkSkip(order Order, _ time.Time) error {
	return r.checkNodes(order, func(id string) string {
		switch p := r.placeOf(id); {
		case p == nil:
			return fmt.Sprintf("node %s is not of the rollout", id)
		case p.Stage == policy.Going:
			return fmt.Sprintf("node %s was started, and cannot be skipped any more", id)
		case p.Stage == policy.Over:
			return fmt.Sprintf("nothing more is done with node %s: it is %s", id, r.status.Nodes[p.Node].State)
		}
		return ""
	})
}

func (r *rollout) skip(order Order) {
	for _, id := range order.Nodes {
		p := r.placeOf(id)
		p.Stage, r.status.Nodes[p.Node].RetryAt = policy.Over, time.Time{}
		if p.Attempts == 0 {
			p.State = activities.Skipped
			r.status.set(r.status.Nodes[p.Node:p.Node+1], activities.Skipped, fmt.Sprintf("skipped by %s: %s", order.By, order.Why))
		}
	}
}

func (r *rollout) checkAdd(order Order, _ time.Time) error {
	if n := len(r.status.Nodes) + len(order.Nodes); n > MaxNodes {
		return fmt.Errorf("the rollout would have %d nodes, and takes %d", n, MaxNodes)
	}
	return r.checkNodes(order, func(id string) string {
		switch {
		case r.status.node(id) != nil:
			return fmt.Sprintf("node %s is of the rollout already", id)
		case len(id) > longestID:
			return fmt.Sprintf("node id %s is longer than %d bytes", shorten(id, longestID), longestID)
		}
		return ""
	})
}

func (r *rollout) add(order Order) {
	last := len(r.report().Waves) - 1
	for _, id := range order.Nodes {
		r.places = append(r.places, place{Place: policy.Place{Wave: last}, Node: len(r.status.Nodes)})
		r.status.Nodes = append(r.status.Nodes, NodeResult{InstanceID: id, State: activities.Pending, Wave: last + 1})
	}
	wave := &r.report().Waves[last]
	wave.Nodes += len(order.Nodes)
	if wave.StartedAt.IsZero() { // it was approved without them
		wave.ApprovedBy = nil
	}
}

func (r *rollout) checkRetry(order Order, _ time.Time) error {
	return r.checkNodes(order, func(id string) string {
		p := r.placeOf(id)
		if p == nil {
			return fmt.Sprintf("node %s is not of the rollout", id)
		}
		node := r.status.Nodes[p.Node]
		switch {
		case p.Stage != policy.Over:
			return fmt.Sprintf("node %s has not ended: it is %s", id, node.State)
		case node.State == activities.Succeeded:
			return fmt.Sprintf("node %s has succeeded", id)
		case !node.State.Ended():
			return fmt.Sprintf("the command may still be running on node %s, which is %s", id, node.State)
		}
		return ""
	})
}

func (r *rollout) retry(order Order) {
	for _, id := range order.Nodes {
		p := r.placeOf(id)
		p.Stage, p.ReadyAt = policy.Waiting, time.Time{}
		if p.flight != nil {
			p.Command = p.flight.commandOf(id)
		}
	}
}
