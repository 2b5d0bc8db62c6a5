package workflows_test

import (
	"errors"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

func (c *call) submit(ctx workflow.Context, in activities.InvokeShellCommandInput) (any, error) {
	a := c.api
	switch {
	case c.expires.Sub(workflow.Now(ctx)) < activities.SubmitAttempt:
		return nil, refusal(activities.ErrNoTimeLeft)
	case in.OriginalRunID != "" && in.OriginalRunID != a.runID && !in.Resubmit:
		return nil, temporal.NewApplicationErrorWithOptions("it was reset", activities.ErrResetRun, temporal.ApplicationErrorOptions{
			NonRetryable: true, Details: []any{activities.SubmitFailure{MayHaveRun: true, Token: in.Token}},
		})
	}
	a.onSubmit(in, workflow.Now(ctx))
	if err := c.take(ctx, 2*time.Second+a.faults.slow); err != nil {
		return nil, err
	}
	arrives, certain, err := true, true, error(nil)
	switch {
	case c.happens(a.faults.throttle):
		arrives, err = false, retryable("Throttling", time.Duration(1+a.dice.IntN(60))*time.Second)
	case in.Stop != nil && len(in.InstanceIDs) > 1 && c.happens(a.faults.refuse), in.Stop == nil && c.happens(a.faults.refuse):
		arrives, err = false, refusal("NotAuthorized")
	case in.Stop == nil && c.happens(a.faults.doubt):
		a.doubts, arrives, certain = a.doubts+1, a.dice.IntN(2) == 0 && !a.faults.vain, false
		err = temporal.NewApplicationErrorWithOptions("no answer", "RequestTimeout", temporal.ApplicationErrorOptions{
			NonRetryable: true, Details: []any{activities.SubmitFailure{MayHaveRun: true, Token: in.Token}},
		})
	case in.Stop == nil && c.happens(a.faults.workerLost):
		a.doubts, arrives, certain = a.doubts+1, a.dice.IntN(2) == 0 && !a.faults.vain, false
		err = temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil)
	}
	var accepted activities.InvokeShellCommandResult
	if arrives {
		command := a.deliver(in, workflow.Now(ctx))
		accepted = activities.InvokeShellCommandResult{CommandID: command.id, Token: in.Token, Accepted: true, SubmittedAt: command.submittedAt}
	}
	var failed *temporal.ApplicationError
	refused := certain && errors.As(err, &failed) && failed.NonRetryable()
	a.onThrough(in, arrives || !certain, refused)
	if late := c.take(ctx, time.Second); late != nil {
		return nil, late
	}
	return accepted, err
}

// watched is a command and what is known of its nodes.
type watched struct {
	command   *fleetCommand
	known     []activities.NodeStatus
	unmatched bool
}

func (c *call) watch(ctx workflow.Context, in activities.ListInvocationStatusInput) (any, error) {
	a, changedSince := c.api, time.Time{}
	hold := time.Duration(a.dice.IntN(600)) * time.Second
	blindAt := time.Time{}
	if c.happens(a.faults.blind) {
		blindAt = workflow.Now(ctx).Add(time.Duration(a.dice.IntN(300)) * time.Second)
	}
	for {
		now := workflow.Now(ctx)
		if !now.Before(c.expires) {
			return nil, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil)
		}
		if !blindAt.IsZero() && !now.Before(blindAt) {
			return nil, refusal("NotAuthorized")
		}
		seen, next, ended := c.look(in, now)
		seen.DeadlinePassed = now.After(in.Deadline)
		if len(seen.Changed) > 0 && changedSince.IsZero() {
			changedSince = now
		}
		held := changedSince.Add(hold)
		switch {
		case ended, seen.DeadlinePassed, len(seen.Unmatched) > 0,
			len(seen.Changed) > 0 && (in.TellAtOnce || !now.Before(held)):
			return seen, nil
		}
		ends := []time.Time{in.Deadline.Add(time.Millisecond), c.expires}
		if len(seen.Changed) > 0 {
			ends = append(ends, held)
		}
		if !blindAt.IsZero() {
			ends = append(ends, blindAt)
		}
		if !next.IsZero() {
			ends = append(ends, next.Add(time.Duration(a.dice.IntN(5000))*time.Millisecond))
		}
		until, changes := slices.MinFunc(ends, time.Time.Compare), a.changes
		if _, err := workflow.AwaitWithTimeout(ctx, max(until.Sub(now), time.Millisecond), func() bool { return a.changes != changes }); err != nil {
			return nil, err
		}
	}
}

// look compares what is known with the service's listing. It says when that changes next.
func (c *call) look(in activities.ListInvocationStatusInput, now time.Time) (seen activities.ListInvocationStatusResult, next time.Time, ended bool) {
	ended = true
	soon := func(at time.Time) {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, w := range c.commandsOf(in) {
		if w.unmatched {
			ended = false
			if soonest := w.command.submittedAt.Add(30 * time.Second); now.Before(soonest) {
				soon(soonest)
			} else {
				seen.Unmatched = append(seen.Unmatched, w.command.id)
			}
			continue
		}
		for _, known := range w.known {
			if known.State.Ended() {
				continue
			}
			run := w.command.runs[known.InstanceID]
			status, listed := run.status(now)
			if !listed {
				status.State = activities.Unknown
			}
			soon(run.until)
			if status != known {
				seen.Changed = append(seen.Changed, status)
			}
			ended = ended && status.State.Ended()
		}
	}
	return seen, next, ended
}

func (c *call) commandsOf(in activities.ListInvocationStatusInput) []watched {
	if len(in.Commands) == 0 {
		return []watched{{command: c.api.command(in.CommandID), known: in.Nodes}}
	}
	var all []watched
	for _, asked := range in.Commands {
		w := watched{command: c.api.command(asked.CommandID), known: asked.Nodes}
		if asked.Packed != nil {
			w.known, w.unmatched = unpack(*asked.Packed, w.command)
		}
		all = append(all, w)
	}
	return all
}

// unpack gives the states their ids back. A service that does not list every node of a
// command gives nobody the ids.
func unpack(packed activities.PackedNodes, command *fleetCommand) (known []activities.NodeStatus, unmatched bool) {
	ids := slices.Sorted(slices.Values(command.nodes))
	for i, id := range ids {
		if _, listed := command.runs[id].status(command.submittedAt); !listed || len(ids) != len(packed.Nodes) {
			return nil, true
		}
		kind := packed.Kinds[packed.Nodes[i]-'a']
		kind.InstanceID = id
		known = append(known, kind)
	}
	return known, false
}

func (c *call) results(ctx workflow.Context, in activities.ListInvocationResultsInput) (any, error) {
	if err := c.take(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	if c.happens(c.api.faults.unread) {
		return nil, refusal("NotAuthorized")
	}
	command, now := c.api.command(in.CommandID), workflow.Now(ctx)
	ids := in.InstanceIDs
	if len(ids) == 0 {
		ids = command.nodes
	}
	var results activities.ListInvocationResultsResult
	for _, id := range ids {
		if record, left := command.runs[id].record(now); left {
			record.Stopping = command.found[id]
			results.Records = append(results.Records, record)
		}
	}
	if !in.Stop {
		c.api.onResults(in, results.Records, now)
	}
	return results, nil
}

func (c *call) listCommands(ctx workflow.Context, in activities.ListCommandsInput) (any, error) {
	for {
		if err := c.take(ctx, 10*time.Second); err != nil {
			return nil, err
		}
		if c.happens(c.api.faults.hideCommands) {
			c.api.hidden = append(c.api.hidden, in.Token)
			return nil, refusal("NotAuthorized")
		}
		var found activities.ListCommandsResult
		for _, command := range c.api.commands {
			if command.token == in.Token && !command.stop && !slices.Contains(in.Known, command.id) {
				found.CommandIDs = append(found.CommandIDs, command.id)
			}
		}
		if len(found.CommandIDs) > 0 || workflow.Now(ctx).After(in.DoubtAt.Add(30*time.Second)) {
			return found, nil
		}
	}
}

func (c *call) listNodes(ctx workflow.Context, in activities.ListNodesInput) (any, error) {
	if err := c.take(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	var listed activities.ListNodesResult
	var gone []string
	for _, id := range c.api.ids {
		switch {
		case len(in.InstanceIDs) > 0 && !slices.Contains(in.InstanceIDs, id):
		case c.api.gone[id]:
			gone = append(gone, id)
		default:
			node := activities.Node{InstanceID: id, HostName: "host-" + id}
			if c.api.unfit[id] {
				node.Unfit = "stopped"
			}
			listed.Nodes = append(listed.Nodes, node)
		}
	}
	if in.Select != nil {
		listed.Cluster = &activities.ClusterNodes{Nodes: len(c.api.ids)}
	}
	c.api.onGone(gone, workflow.Now(ctx))
	return listed, nil
}
