package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/activities/columns"
	"ehpcflow/activities/guard"
)

// submitsAtOnce bounds the parts of a long list of nodes that are submitted at a
// time.
const submitsAtOnce = 8

// Command is one that the run submitted, for a part of its nodes.
type Command struct {
	CommandID   string    `json:"commandId"`
	SubmittedAt time.Time `json:"submittedAt"`

	// Token under which a node runs it at most once. "" when it was sent without.
	Token string `json:"token,omitempty"`

	// Adopted says that no answer named it: it was found by its token, or a person
	// said that it is the one.
	Adopted bool `json:"adopted,omitempty"`

	// Attached says that it was submitted elsewhere, and SubmittedAt is when the run took
	// it up.
	Attached bool `json:"attached,omitempty"`

	// From and Nodes say which part of the run's nodes it is for: the place of
	// the first, from 0, and how many.
	From  int `json:"from"`
	Nodes int `json:"nodes"`

	// Only are those of its nodes that are followed here, where another copy of the
	// command came first on the rest; none are all but those that Refused, because
	// another copy came first there.
	Only    []string `json:"only,omitempty"`
	Refused []string `json:"refused,omitempty"`

	// Wave of a rollout that it belongs to, from 1, and InstanceIDs of its nodes where
	// they do not stand side by side; From and Nodes then mean nothing.
	Wave        int      `json:"wave,omitempty"`
	InstanceIDs []string `json:"instanceIds,omitempty"`

	// Unasked are further nodes on which the service reports it.
	Unasked []string `json:"unasked,omitempty"`

	// Gone says that the service no longer knows it.
	Gone bool `json:"gone,omitempty"`

	// OutputsURI is where the worker stored a list of the complete outputs, and
	// OutputsSHA256 its digest, in a run of so many nodes that these hold none.
	OutputsURI    string `json:"outputsUri,omitempty"`
	OutputsSHA256 string `json:"outputsSha256,omitempty"`
}

// Commands are those of a run; a long list is written as columns.
type Commands []Command

// MarshalJSON writes the list; see package columns.
func (c Commands) MarshalJSON() ([]byte, error) { return columns.Marshal(c) }

// UnmarshalJSON reads it, also as a plain array.
func (c *Commands) UnmarshalJSON(text []byte) error {
	return columns.Unmarshal(text, (*[]Command)(c))
}

// follows says whether what becomes of one of its nodes is told by this command.
func (c Command) follows(id string) bool {
	return !slices.Contains(c.Refused, id) && (len(c.Only) == 0 || slices.Contains(c.Only, id))
}

// part is a part of the run's nodes and the token of its submit.
type part struct {
	from, nodes int
	token       string
	raw         bool
}

func (p part) command(id string, submittedAt time.Time) Command {
	return Command{CommandID: id, SubmittedAt: submittedAt, From: p.from, Nodes: p.nodes}
}

// parts are those of the nodes between two places. A part has the same token in a run
// that was reset.
func (r *runCommand) parts(ctx workflow.Context, from, until, size int) []part {
	parts := split(from, until, size)
	for i := range parts {
		parts[i].raw = r.in.Raw
		parts[i].token = guard.NewToken(r.lead.origin(ctx), r.name(parts[i]))
	}
	return parts
}

// name tells the parts of a run apart. What a rollout starts together depends on what it
// has seen, so there a part is named by its nodes and the attempts on them.
func (r *runCommand) name(p part) string {
	if r.lead == nil {
		return strconv.Itoa(p.from)
	}
	return strings.Join(r.lead.attempts[p.from:p.from+p.nodes], " ")
}

// split makes parts of at most a size of the nodes between two places.
func split(from, until, size int) []part {
	var parts []part
	for ; from < until; from += size {
		parts = append(parts, part{from: from, nodes: min(size, until-from)})
	}
	return parts
}

// submission is how the submit of a part ended: with a command, or an error that may
// leave it in doubt.
type submission struct {
	Command
	accepted activities.InvokeShellCommandResult
	err      error
	inDoubt  bool
	answered bool // by a person
}

// submit starts the command on the frozen nodes, once, in parts if they are many.
// The first part goes alone: what refuses it would refuse them all. After an error
// no further part is submitted, and the nodes without the command are skipped, or
// unknown when the error leaves a doubt. It is the error of the run unless
// commands were started that have to be followed.
func (r *runCommand) submit(ctx workflow.Context) error {
	r.enter(ctx, Submitting)
	size, asked := r.in.nodesPerCommand(), r.asked
	for from, atOnce := 0, 1; from < asked; atOnce = submitsAtOnce {
		until := min(from+atOnce*size, asked)
		if err := r.submitParts(ctx, from, until, size); err != nil {
			r.status.set(r.status.Nodes[until:asked], activities.Skipped, "")
			switch {
			case len(r.status.Commands) == 0 || temporal.IsCanceledError(err):
				return err
			case errors.Is(err, errHalted):
				return nil
			}
			r.notStarted = r.sentence(ctx, err)
			r.status.addReason("the command was not started on every node: " + r.notStarted)
			return nil
		}
		from = until
	}
	return nil
}

// submitParts submits to the nodes between two places, in parts, all at once.
func (r *runCommand) submitParts(ctx workflow.Context, from, until, size int) error {
	parts := r.parts(ctx, from, until, size)
	submissions := make([]submission, len(parts))
	all := workflow.NewWaitGroup(ctx)
	for i, p := range parts {
		all.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer all.Done()
			submissions[i] = r.submitPart(ctx, p)
		})
	}
	all.Wait(ctx)
	var failure error
	for i, s := range submissions {
		nodes := r.status.Nodes[parts[i].from : parts[i].from+parts[i].nodes]
		switch {
		case s.err == nil:
			r.status.accept(s)
			continue
		case s.inDoubt:
			r.inDoubt = append(r.inDoubt, s.Command)
			countDoubt(ctx, submitsLeftInDoubt)
			r.status.set(nodes, activities.Unknown, "whether the command was started here is not known")
			failure = s.err
		default:
			r.status.set(nodes, activities.Skipped, "")
			if failure == nil || errors.Is(failure, errHalted) {
				failure = s.err
			}
		}
	}
	return failure
}

// submitPart submits to one part, and again when the submit is in doubt and no command
// of it is found. Once there was a doubt, no error means that nothing was started.
func (r *runCommand) submitPart(ctx workflow.Context, p part) submission {
	nodes := r.status.Nodes[p.from : p.from+p.nodes]
	giveUp := workflow.Now(ctx).Add(patienceBefore)
	for doubted := false; ; doubted = true {
		sending, err := r.lead.mayStart(ctx, doubted)
		if err != nil && doubted { // a person's word is no proof that nothing was started
			inDoubt := submission{Command: p.command("", workflow.Now(ctx)), err: err, inDoubt: true}
			inDoubt.Token = p.token
			return inDoubt
		}
		if err != nil {
			return submission{err: err}
		}
		var accepted activities.InvokeShellCommandResult
		err = workflow.ExecuteActivity(
			submitting(sending, r.patience(ctx, patienceBefore), r.lead.says("start on "+Nodes(len(nodes)))), activity.InvokeShellCommand,
			activities.InvokeShellCommandInput{
				ClusterID:   r.in.ClusterID,
				Command:     r.in.Command,
				InstanceIDs: nodes.ids(),
				WorkingDir:  r.in.WorkingDir,
				Timeout:     r.in.TimeoutSeconds,

				OriginalRunID: r.lead.origin(ctx),
				Token:         p.token,
				Raw:           p.raw,
				Resubmit:      doubted,
			}).Get(ctx, &accepted)
		switch {
		case err == nil:
			command := p.command(accepted.CommandID, accepted.SubmittedAt)
			command.Token = accepted.Token
			return submission{Command: command, accepted: accepted}
		case !mayHaveRun(err) && !doubted:
			return submission{err: r.lead.halting(ctx, err)}
		case r.lead.pauses(ctx, err): // it goes on after it
			continue
		case workflow.GetVersion(ctx, "resolve a doubtful submit", workflow.DefaultVersion, 1) == workflow.DefaultVersion:
			return submission{Command: p.command("", time.Time{}), err: err, inDoubt: true}
		}
		resolved := r.resolveDoubt(ctx, p, r.lead.halting(ctx, err), mayHaveRun(err) && workflow.Now(ctx).Before(giveUp) && !r.lead.wasReset(err))
		switch {
		case resolved.CommandID != "" || resolved.err != nil:
			return resolved
		case resolved.answered:
			giveUp = workflow.Now(ctx).Add(patienceBefore)
		}
	}
}

// accept takes a command that the service started. Nodes that nobody asked for are
// followed and shown too, and spoil the verdict.
func (r *RunCommandResult) accept(s submission) {
	r.Commands = append(r.Commands, s.Command)
	if len(r.Commands) == 1 {
		r.CommandID, r.SubmittedAt = s.CommandID, s.SubmittedAt
	}
	if s.accepted.Accepted || s.Adopted {
		r.set(r.Nodes[s.From:s.From+s.Nodes], activities.Running, "")
		return
	}
	for _, id := range s.accepted.InstanceIDs {
		if node := r.node(id); node != nil {
			node.State = activities.Running
			continue
		}
		r.addUnasked(activities.NodeStatus{InstanceID: id, State: activities.Running, CommandID: s.CommandID})
	}
}

// addUnasked adds a node that nobody asked for to its command.
func (r *RunCommandResult) addUnasked(status activities.NodeStatus) {
	for i := range r.Commands {
		if r.Commands[i].CommandID == status.CommandID {
			r.Commands[i].Unasked = append(r.Commands[i].Unasked, status.InstanceID)
		}
	}
	r.Nodes = append(r.Nodes, NodeResult{InstanceID: status.InstanceID, State: status.State, Word: status.Word})
	r.addReason(fmt.Sprintf("the service reports the command on %s, which was not asked for", status.InstanceID))
}

// mayHaveRun says whether a submit that ended with this error may have started
// its command: its worker was lost on the way, or the activity says so. A timeout
// wraps the error of the attempt before it, so it is looked for first. The other
// timeouts are of submits that no worker began with, or that were refused up to
// the end: an attempt does not begin with less time left than it may take.
func mayHaveRun(err error) bool {
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE
	}
	var application *temporal.ApplicationError
	var detail activities.SubmitFailure
	return errors.As(err, &application) && application.HasDetails() &&
		application.Details(&detail) == nil && detail.MayHaveRun
}
