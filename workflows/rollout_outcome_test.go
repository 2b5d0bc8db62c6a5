package workflows_test

import (
	"maps"
	"slices"
	"time"

	"ehpcflow/activities"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// outcome checks what a rollout says in the end.
func (c *claims) outcome(result workflows.RunCommandResult, now time.Time) {
	c.everyNodeOnce(result, now)
	c.counted(result)
	c.ordersTold(result)
	c.judged(result)
	if !c.cancelled {
		c.verdict(result)
	}
}

func (c *claims) everyNodeOnce(result workflows.RunCommandResult, now time.Time) {
	var ids []string
	running := c.running(now)
	for _, node := range result.Nodes {
		id, runs := node.InstanceID, c.runsOn(node.InstanceID)
		ids = append(ids, id)
		c.count(string(node.State), true)
		atDeadline := node.State == activities.Lost && !c.deadline.IsZero() && !now.Before(c.deadline)
		c.require(!node.State.Ended() || !running[id] || atDeadline, "%s is %s, and the command runs there", id, node.State)
		c.require(node.Wave == c.wave[id]+1, "%s is of wave %d, the result says %d", id, c.wave[id]+1, node.Wave)
		var last *execution
		if len(runs) > 0 {
			last = runs[len(runs)-1]
		}
		switch node.State {
		case activities.Succeeded:
			c.require(last != nil && last.ends() == activities.Succeeded, "%s did not succeed", id)
		case activities.Nonzero:
			c.require(last != nil && last.ends() == activities.Nonzero, "%s did not end with another exit code", id)
		case activities.TimedOut:
			c.require(last != nil && last.fate.ending == times, "%s did not time out", id)
		case activities.Skipped:
			c.require(last == nil, "%s is skipped, and ran", id)
		case activities.Stopped:
			c.require(last != nil && last.stopped, "%s was not stopped", id)
		case activities.Lost:
			c.require(last != nil && slices.Contains([]ending{vanishes, hides, silent}, last.fate.ending), "%s is lost, and was seen", id)
		case activities.Failed:
			c.require(last != nil, "%s failed, and never ran", id)
		case activities.Running, activities.Unknown, activities.Finished:
			c.require(node.Reason != "" || result.Reason != "", "nobody says why %s is %s", id, node.State)
		default:
			c.require(false, "%s ended %s", id, node.State)
		}
		told := len(node.Attempts)
		if node.State != activities.Skipped && len(c.tokens[id]) > 0 {
			told++
		}
		c.require(told <= len(c.tokens[id]) && told >= len(runs), "%d attempts on %s, %d runs, the result tells of %d", len(c.tokens[id]), id, len(runs), told)
	}
	slices.Sort(ids)
	c.require(slices.Equal(ids, slices.Sorted(slices.Values(c.target))), "the nodes are %v, the result has %v", c.target, ids)
}

func (c *claims) counted(result workflows.RunCommandResult) {
	waves := make([]map[workflows.NodeState]int, c.waves)
	for i := range waves {
		waves[i] = make(map[workflows.NodeState]int)
	}
	for _, node := range result.Nodes {
		waves[c.wave[node.InstanceID]][node.State]++
	}
	c.require(len(result.Rollout.Waves) == c.waves, "%d waves, the result has %d", c.waves, len(result.Rollout.Waves))
	for i, wave := range result.Rollout.Waves {
		c.require(maps.Equal(wave.States, waves[i]), "wave %d has %v, the result says %v", i+1, waves[i], wave.States)
		n := 0
		for _, of := range waves[i] {
			n += of
		}
		c.require(wave.Nodes == n, "wave %d has %d nodes, the result says %d", i+1, n, wave.Nodes)
		c.require(slices.Equal(wave.ApprovedBy, c.approvals[i]), "wave %d was approved by %v, the result says %v", i+1, c.approvals[i], wave.ApprovedBy)
	}
}

func (c *claims) ordersTold(result workflows.RunCommandResult) {
	c.require(len(result.Rollout.Orders) == len(c.orders), "%d orders, the result has %d", len(c.orders), len(result.Rollout.Orders))
	for i, told := range result.Rollout.Orders {
		if i < len(c.orders) {
			given := c.orders[i]
			c.require(told.Action == given.Action && told.By == given.By && told.Why == given.Why && told.At.Equal(given.At),
				"order %d is %+v, the result says %+v", i+1, given, told)
		}
	}
}

// judged checks budget and quorum against the nodes of the result.
func (c *claims) judged(result workflows.RunCommandResult) {
	states, succeeded := make(map[string]workflows.NodeState), 0
	for _, node := range result.Nodes {
		if node.State == activities.Succeeded {
			succeeded++
		}
		states[node.InstanceID] = node.State
	}
	breached := c.breached(states)
	quorum := c.policy.Quorum.Nodes
	reached := quorum != (policy.Size{}) && reaches(quorum, succeeded, len(c.target))
	halt := result.Rollout.Halt
	if halt == nil {
		c.count("to its end", !c.cancelled)
		c.require(c.cancelled || !breached, "the budget was breached, and nothing says so")
		c.require(c.cancelled || quorum == (policy.Size{}), "nobody says whether the quorum was reached")
		return
	}
	c.seen["halt "+string(halt.Cause)]++
	c.count("halt and stop", halt.InFlight == policy.Stop)
	switch halt.Cause {
	case policy.Unattended:
		within := time.Duration(c.policy.ApproveWithinSeconds) * time.Second
		c.require(!result.EndedAt.Before(c.waits.Add(within)), "it was given up after %v, within %v somebody might have come", result.EndedAt.Sub(c.waits), within)
	case policy.Breached:
		c.require(breached, "the budget was not breached: %s", halt.Text)
		c.require(halt.InFlight == c.policy.OnBreach(), "what runs is to %s, it is to %s", c.policy.OnBreach(), halt.InFlight)
		c.allStopped(*halt)
	case policy.Reached:
		c.require(reached, "the quorum was not reached: %s", halt.Text)
	case policy.Unreachable:
		c.require(!reached, "the quorum was reached: %s", halt.Text)
	default:
	}
}

// allStopped checks that what ran at a breach was told to stop, where that was asked for.
func (c *claims) allStopped(halt policy.Halt) {
	if halt.InFlight != policy.Stop || c.breach.IsZero() {
		return
	}
	for _, run := range c.runs {
		if run.from.Before(c.breach) && run.until.After(c.breach.Add(time.Minute)) && !c.givenUp[run.token] {
			c.seen["stopped at a breach"]++
			c.require(slices.Contains(c.stops[run.node], run.token), "%s was not stopped after the breach", run.node)
		}
	}
}

// verdict follows from the counts and why the rollout ended.
func (c *claims) verdict(result workflows.RunCommandResult) {
	succeeded := 0
	for _, node := range result.Nodes {
		if node.State == activities.Succeeded {
			succeeded++
		}
	}
	want, halt := workflows.Partial, result.Rollout.Halt
	switch {
	case halt != nil && halt.Cause == policy.Unattended:
		want = workflows.Unattended
	case halt != nil && halt.Cause != policy.Reached:
		want = workflows.Aborted
	case halt != nil && result.Reason == "":
		want = workflows.Succeeded
	case halt != nil:
	case succeeded == 0:
		want = workflows.Failed
	case succeeded == len(c.target) && result.Reason == "":
		want = workflows.Succeeded
	}
	c.seen["verdict "+string(want)]++
	c.require(result.Verdict == want, "the verdict is %s, it should be %s", result.Verdict, want)
}
