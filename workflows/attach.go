package workflows

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// Attachment names a command that was submitted elsewhere, such as in the console. A run
// of it submits nothing: it follows the command on the nodes that the service lists for
// it, reads what they leave, and judges.
//
// Nothing of ours stands between such a command and its nodes, so that nobody could
// confirm that it is stopped: cancelling ends the watching only.
type Attachment struct {
	CommandID string `json:"commandId"`
}

// AttachedRunID is the name of the run that follows a command which was submitted
// elsewhere: there is one for each command.
func AttachedRunID(clusterID, commandID string) string {
	return "attach-" + clusterID + "-" + commandID
}

// attachedPolicy refuses a policy for such a command.
const attachedPolicy = "a command that was submitted elsewhere runs already: it has no waves, windows or limits"

// attachProblems are what a run refuses that is to follow a command.
func (in RunCommandInput) attachProblems() []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	switch id := in.Attach.CommandID; {
	case id == "":
		problem("no command: name one by its id (--command-id)")
	case strings.ContainsFunc(id, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '/' }):
		problem("command id %q holds a space, a comma or a slash: name one command, such as c-hz01aaaa", id)
	}
	if !in.Target.empty() || in.Command != "" || in.Raw || in.WorkingDir != "" {
		problem("a command that was submitted elsewhere has its text and nodes already: name none")
	}
	switch most := seconds(in.DeadlineSeconds); {
	case in.ExpectedSeconds < 0 || seconds(in.ExpectedSeconds) > MaxTimeout:
		problem("the command is expected to take %v more, it can be up to %v", seconds(in.ExpectedSeconds), MaxTimeout)
	case in.DeadlineSeconds != 0 && (most < MinTimeout || most > 2*MaxTimeout):
		problem("the deadline is %v, it can be %v to %v", most, MinTimeout, 2*MaxTimeout)
	}
	return problems
}

func (t Target) empty() bool { return !t.All && t.Select == nil && len(t.Nodes) == 0 && !t.SkipUnfit }

// attach takes up a command that was submitted elsewhere, in place of resolving a target
// and submitting to it. It counts as submitted now, for the service does not tell when it
// was: it is not older than it seems, and no time is cut short.
func (r *runCommand) attach(ctx workflow.Context) error {
	r.enter(ctx, Resolving)
	id := r.in.Attach.CommandID
	var found activities.AttachCommandResult
	says := "look twice for " + shorten(id, 100) + ", a minute apart"
	err := workflow.ExecuteActivity(attaching(ctx, r.patience(ctx, patienceBefore), says), activity.AttachCommand,
		activities.AttachCommandInput{ClusterID: r.in.ClusterID, CommandID: id}).Get(ctx, &found)
	if err != nil {
		return err
	}
	now := workflow.Now(ctx)
	for _, node := range found.Nodes {
		r.status.Nodes = append(r.status.Nodes, NodeResult{InstanceID: node.InstanceID, State: node.State, Word: node.Word})
	}
	r.in.Command, r.in.WorkingDir = found.Command, found.WorkingDir
	r.in.TimeoutSeconds = cmp.Or(found.TimeoutSeconds, int(MaxTimeout/time.Second))
	r.status.Command = found.Command
	r.status.CommandID, r.status.SubmittedAt = id, now
	r.status.Commands = Commands{{
		CommandID: id, SubmittedAt: now, Token: found.Token, Attached: true, Nodes: len(found.Nodes),
	}}
	return nil
}

// addLate adds a node that the service shows late. What was asked for elsewhere nobody
// knows here, so it is a node of the command like the others.
func (r *RunCommandResult) addLate(status activities.NodeStatus) {
	r.Nodes = append(r.Nodes, NodeResult{InstanceID: status.InstanceID, State: status.State, Word: status.Word})
	command := &r.Commands[0]
	command.Nodes, command.Unasked = len(r.Nodes), nil
}

// addLateResults adds the nodes that first appear in the results of the command, and says
// whether one of them has to be watched, for it goes on.
func (r *RunCommandResult) addLateResults(records activities.ResultRecords) (going bool) {
	for _, record := range records {
		if r.node(record.InstanceID) == nil {
			r.addLate(record.NodeStatus)
			going = going || !record.State.Ended()
		}
	}
	return going
}

// attachedReason says how a run stands whose watching was cancelled.
func (r *RunCommandResult) attachedReason() string {
	going := len(r.Nodes) - r.EndedNodes()
	switch {
	case len(r.Commands) == 0:
		return "cancelled before the nodes of the command were found; it was submitted elsewhere, was not stopped, and may be running"
	case going > 0:
		return fmt.Sprintf("the watching was cancelled; the command was submitted elsewhere, was not stopped, and may still be running on %d of %s",
			going, Nodes(len(r.Nodes)))
	}
	return "cancelled after every node had ended, before the results were read"
}
