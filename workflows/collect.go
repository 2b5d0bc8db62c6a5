package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
)

const (
	// collectsAtOnce bounds the commands whose results are read at a time.
	collectsAtOnce = 8

	// wholeOutput is what the output of all nodes may weigh in a result, and
	// mostOutput that of one node, in bytes.
	wholeOutput = 512 << 10
	mostOutput  = 24 << 10

	// mostReferenced is up to how many nodes each has a reference to its stored
	// output in the result; more of them would not fit.
	mostReferenced = 1000
)

// collect reads what the nodes left, and judges each.
func (r *runCommand) collect(ctx workflow.Context) error {
	if r.stopBy.IsZero() {
		r.enter(ctx, Collecting)
	}
	r.late = false
	records := make(map[string]activities.ResultRecords)
	unread := make(map[string]bool) // commands whose results could not be read
	waiting := r.resultsToCollect()
	patience := max(r.patience(ctx, patienceAfter), patienceOverdue)
	if !r.stopBy.IsZero() {
		patience = patienceOverdue + oneCall
	}
	for len(waiting) > 0 {
		now := waiting[:min(collectsAtOnce, len(waiting))]
		waiting = waiting[len(now):]
		futures := make([]workflow.Future, len(now))
		for i, in := range now {
			summary := r.lead.says("results of " + Nodes(max(in.Nodes, len(in.InstanceIDs))))
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
			r.measureLag(ctx, results.Records)
			records[now[i].CommandID] = results.Records
			r.late = r.in.Attach != nil && r.status.addLateResults(results.Records)
			r.collected[now[i].CommandID] = r.lead == nil && !r.late || r.ended(now[i].CommandID)
			r.status.refer(now[i].CommandID, results)
		}
	}
	r.judge(records, unread)
	r.lead.changed()
	return nil
}

// collectPromptly reads the results of the nodes that have ended while others run, where
// a rollout decides by them.
func (r *runCommand) collectPromptly(ctx workflow.Context) error {
	if !r.lead.isPrompt() || !r.stopBy.IsZero() || r.status.commandsEnded() {
		r.lead.changed()
		return nil
	}
	return r.collect(ctx)
}

// refer notes where the list of a command's outputs is.
func (r *RunCommandResult) refer(commandID string, results activities.ListInvocationResultsResult) {
	for i := range r.Commands {
		if r.Commands[i].CommandID == commandID {
			r.Commands[i].OutputsURI, r.Commands[i].OutputsSHA256 = results.OutputsURI, results.OutputsSHA256
		}
	}
}

// ended says whether nothing more is to be expected of a command.
func (r *runCommand) ended(commandID string) bool {
	for _, command := range r.status.Commands {
		if command.CommandID == commandID {
			return r.status.nodesOf(command).Ended()
		}
	}
	return true
}

// resultsToCollect says, for each command, of which nodes there may be a result.
func (r *runCommand) resultsToCollect() []activities.ListInvocationResultsInput {
	var inputs []activities.ListInvocationResultsInput
	nodes := 0
	for _, command := range r.status.Commands {
		if r.collected[command.CommandID] {
			continue
		}
		all := r.status.nodesOf(command)
		var ended []string
		for _, node := range all {
			if leavesResult(node.State) && !r.judged[node.InstanceID] {
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
		if !r.in.Raw {
			in.Token = command.Token
		}
		if len(ended) == len(all) && len(command.Only) == 0 {
			in.Nodes = len(all)
		} else {
			in.InstanceIDs = ended
		}
		inputs = append(inputs, in)
	}
	nodes = r.lead.share(nodes)
	for i := range inputs {
		inputs[i].OutputLimit = min(mostOutput, wholeOutput/nodes)
		inputs[i].OutputList = nodes > mostReferenced && !r.lead.isPrompt()
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

// judge gives every node that ended its final state, by the results of its command,
// except where they are unread or were judged before. A node that refused the command
// is followed elsewhere.
func (r *runCommand) judge(records map[string]activities.ResultRecords, unread map[string]bool) {
	timeout := r.in.timeout()
	for i := range r.status.Commands {
		command := &r.status.Commands[i]
		results, read := records[command.CommandID]
		if !read && !unread[command.CommandID] {
			continue
		}
		byNode := make(map[string]activities.ResultRecord, len(results))
		for _, record := range results {
			byNode[record.InstanceID] = record
		}
		killedAt := command.SubmittedAt.Add(timeout)
		for _, status := range r.status.nodesOf(*command) {
			if !leavesResult(status.State) || r.judged[status.InstanceID] {
				continue
			}
			node := r.status.node(status.InstanceID)
			record, found := byNode[node.InstanceID]
			if !found && unread[command.CommandID] {
				continue
			}
			if record.Refusal == guard.Second && command.Attached {
				r.judged[node.InstanceID] = true
				node.State, node.Reason = activities.Skipped, "an earlier copy of the command came first here, so this one did not run"
				continue
			}
			if record.Refusal == guard.Second {
				command.Refused = append(command.Refused, node.InstanceID)
				node.State, node.Reason = activities.Unknown, refusedReason
				continue
			}
			r.judged[node.InstanceID] = true
			node.State, node.Reason = judgeNode(node.State, record, found, killedAt)
			if node.State == activities.TimedOut {
				node.Reason = fmt.Sprintf("killed at its timeout of %v", timeout)
			}
			if command.Attached && found && status.State == activities.Failed && node.State == activities.Failed && record.Refusal == "" {
				node.Reason += ", or killed it at its timeout"
			}
			node.ExitCode = record.ExitCode
			node.Output, node.OutputBytes, node.OutputCut = record.Output, record.OutputBytes, record.OutputCut
			node.OutputRaw, node.OutputRemark = record.OutputRaw, record.OutputRemark
			if r.lead.share(0) <= mostReferenced {
				node.OutputURI, node.OutputSHA256 = record.OutputURI, record.OutputSHA256
			}
			node.FinishedAt = record.FinishedAt
		}
	}
}
