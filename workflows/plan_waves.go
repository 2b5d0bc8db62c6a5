package workflows

import (
	"slices"

	"ehpcflow/workflows/policy"
)

// PlannedWave is a wave of a rollout: the place of its first node, from 0, and how many.
type PlannedWave struct {
	From  int `json:"from"`
	Nodes int `json:"nodes"`

	// Approval that it waits for before it begins; "" is none.
	Approval PlannedApproval `json:"approval,omitempty"`
}

// PlannedApproval says when an approval is asked for.
type PlannedApproval string

// When it is.
const (
	ApprovalAlways   PlannedApproval = "always"
	ApprovalIfFailed PlannedApproval = "if-failed" // when a node of the wave before failed
)

// submits plans the waves, the commands and what they take. A command is for nodes of
// one wave; where only so many may run at a time, each that ends may be followed by a
// command for a single node, and so may each attempt.
func (in RolloutInput) submits(plan *PlanCommandResult) {
	perCommand := in.nodesPerCommand()
	if window := in.Policy.Concurrency; !window.IsZero() {
		perCommand = min(perCommand, window.Of(len(plan.Nodes)))
	}
	from := 0
	for i, nodes := range in.Policy.Split(len(plan.Nodes)) {
		if !in.Plain() {
			plan.Waves = append(plan.Waves, PlannedWave{From: from, Nodes: nodes, Approval: plannedApproval(in.Policy, i)})
		}
		for _, p := range split(from, from+nodes, perCommand) {
			plan.Commands = append(plan.Commands, PlannedCommand{From: p.from, Nodes: p.nodes})
			plan.Calls.ListInvocationResults += pages(p.nodes, resultsPage)
		}
		from += nodes
	}
	fewest := len(plan.Commands)
	most := fewest
	if !in.Policy.Concurrency.IsZero() {
		most = len(plan.Nodes)
	}
	most += len(plan.Nodes) * (max(in.Policy.Retry.Attempts, 1) - 1)
	plan.Calls.InvokeShellCommand = fewest
	if most > fewest {
		plan.Calls.MostSubmits = most
	}
	plan.Calls.ListInvocationStatus = in.looks().times(fewest, most)
}

// plannedApproval is what stands before a wave, from 0.
func plannedApproval(p policy.Policy, wave int) PlannedApproval {
	switch {
	case wave == 0 && slices.Contains(p.Pause, policy.PauseStart), wave > 0 && p.PausesAfter(wave-1, false):
		return ApprovalAlways
	case wave > 0 && p.PausesAfter(wave-1, true):
		return ApprovalIfFailed
	}
	return ""
}
