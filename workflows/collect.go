package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

const (
	// collectsAtOnce bounds the commands whose results are read at a time.
	collectsAtOnce = 8

	// wholeOutput is what the output of all nodes may weigh in a result, and
	// mostOutput that of one node, in bytes.
	wholeOutput = 512 << 10
	mostOutput  = 24 << 10
)

// collect reads what the nodes left, and judges each.
func (r *runCommand) collect(ctx workflow.Context) error {
	r.enter(ctx, Collecting)
	var records []activities.ResultRecord
	unread := make(map[string]bool) // commands whose results could not be read
	waiting := r.resultsToCollect()
	patience := max(r.patience(ctx, patienceAfter), patienceOverdue)
	for len(waiting) > 0 {
		now := waiting[:min(collectsAtOnce, len(waiting))]
		waiting = waiting[len(now):]
		futures := make([]workflow.Future, len(now))
		for i, in := range now {
			summary := "results of " + Nodes(max(in.Nodes, len(in.InstanceIDs)))
			futures[i] = workflow.ExecuteActivity(collecting(ctx, patience, summary), activity.ListInvocationResults, in)
		}
		for i, future := range futures {
			var results activities.ListInvocationResultsResult
			err := future.Get(ctx, &results)
			if r.pastDeadline(ctx, err) {
				r.status.addReason(fmt.Sprintf("%s before the results of command %s were read", r.deadlineText(), now[i].CommandID))
				unread[now[i].CommandID] = true
				continue
			}
			if err != nil {
				return err
			}
			records = append(records, results.Records...)
		}
	}
	r.status.judge(records, unread, r.in.timeout())
	return nil
}

// resultsToCollect says, for each command, of which nodes there may be a result.
func (r *runCommand) resultsToCollect() []activities.ListInvocationResultsInput {
	var inputs []activities.ListInvocationResultsInput
	nodes := 0
	for _, command := range r.status.Commands {
		all := r.status.nodesOf(command)
		var ended []string
		for _, node := range all {
			if leavesResult(node.State) {
				ended = append(ended, node.InstanceID)
			}
		}
		if len(ended) == 0 {
			continue
		}
		nodes += len(ended)
		in := activities.ListInvocationResultsInput{
			ClusterID: r.in.ClusterID, CommandID: command.CommandID, SubmittedAt: command.SubmittedAt,
		}
		if len(ended) == len(all) {
			in.Nodes = len(all)
		} else {
			in.InstanceIDs = ended
		}
		inputs = append(inputs, in)
	}
	for i := range inputs {
		inputs[i].OutputLimit = min(mostOutput, wholeOutput/nodes)
	}
	return inputs
}

// leavesResult says whether a node in that state may have left a result.
func leavesResult(state NodeState) bool {
	switch state {
	case activities.Finished, activities.Failed, activities.Stopped, activities.TimedOut:
		return true
	case activities.Pending, activities.Running, activities.Unknown, activities.Succeeded,
		activities.Nonzero, activities.Lost, activities.Skipped:
	}
	return false
}

// judge gives every node that ended its final state, except where its command's
// results are unread.
func (r *RunCommandResult) judge(records []activities.ResultRecord, unread map[string]bool, timeout time.Duration) {
	byNode := make(map[string]activities.ResultRecord, len(records))
	for _, record := range records {
		byNode[record.InstanceID] = record
	}
	for _, command := range r.Commands {
		killedAt := command.SubmittedAt.Add(timeout)
		for _, status := range r.nodesOf(command) {
			if !leavesResult(status.State) {
				continue
			}
			node := r.node(status.InstanceID)
			record, found := byNode[node.InstanceID]
			if !found && unread[command.CommandID] {
				continue
			}
			node.State, node.Reason = judgeNode(node.State, record, found, killedAt)
			if node.State == activities.TimedOut {
				node.Reason = fmt.Sprintf("killed at its timeout of %v", timeout)
			}
			node.ExitCode = record.ExitCode
			node.Output, node.OutputBytes, node.OutputCut = record.Output, record.OutputBytes, record.OutputCut
			node.FinishedAt = record.FinishedAt
		}
	}
}
