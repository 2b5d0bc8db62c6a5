package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// resolveDoubt finds out what became of a submit that may have started its command:
// it looks for the token among the cluster's commands. Without a command and an error
// the part is to be submitted again; should an earlier copy arrive all the same, each
// node runs whichever comes first and refuses the other. What cannot be found out, or
// may not be submitted again, becomes a question.
func (r *runCommand) resolveDoubt(ctx workflow.Context, p part, doubt error, mayResubmit bool) submission {
	countDoubt(ctx, submitsInDoubt)
	doubtAt := workflow.Now(ctx)
	sentAt := doubtAt.Add(-activities.SubmitAttempt)
	inDoubt := submission{Command: p.command("", sentAt), inDoubt: true}
	why := r.sentence(ctx, doubt)
	if !p.raw {
		inDoubt.Token = p.token
		found, err := r.seek(ctx, p.token, nil, doubtAt)
		switch {
		case temporal.IsCanceledError(err):
			inDoubt.err = err
			return inDoubt
		case err == nil && len(found) > 0:
			return p.adopt(found[0], sentAt)
		case err == nil && r.lead.halted():
			inDoubt.err = doubt
			return inDoubt
		case err == nil && mayResubmit:
			return submission{}
		case err == nil:
			why += ". An earlier try may have started it, and no command of it is listed"
		default:
			why += ". The cluster's commands could not be listed: " + r.sentence(ctx, err)
		}
	}
	answer, err := r.ask(ctx, Question{
		Text:    fmt.Sprintf("Was the command started on %s? %s.", Nodes(p.nodes), why),
		Choices: []Choice{Adopt, Resubmit, Abandon},
	})
	switch {
	case err != nil:
		inDoubt.err = err
		return inDoubt
	case answer.Choice == Adopt:
		return p.adopt(answer.CommandID, sentAt)
	case answer.Choice == Resubmit:
		return submission{answered: true}
	}
	inDoubt.err = doubt
	return inDoubt
}

// adopt makes a command the one of a part that no answer named.
func (p part) adopt(id string, sentAt time.Time) submission {
	command := p.command(id, sentAt)
	command.Token, command.Adopted = p.token, true
	return submission{Command: command}
}

// seek looks for commands that carry a token, beside those that are known.
func (r *runCommand) seek(ctx workflow.Context, token string, known []string, doubtAt time.Time) ([]string, error) {
	r.enter(ctx, Seeking)
	var found activities.ListCommandsResult
	err := workflow.ExecuteActivity(lookingFor(ctx, r.patience(ctx, patienceBefore), "look for commands of token "+token),
		activity.ListCommands, activities.ListCommandsInput{
			ClusterID: r.in.ClusterID, Token: token, Known: known, DoubtAt: doubtAt,
		}).Get(ctx, &found)
	return found.CommandIDs, err
}

// pursue looks for the copies of a command that came first on the nodes that refused
// the one that is followed. It says whether there is something to follow.
func (r *runCommand) pursue(ctx workflow.Context) (bool, error) {
	pursued := false
	for i := range r.status.Commands {
		command := r.status.Commands[i]
		refused := r.status.elsewhere(command)
		if len(refused) == 0 {
			continue
		}
		next, err := r.copyOf(ctx, command, refused)
		switch {
		case err != nil:
			return false, err
		case next == "":
			for _, id := range refused {
				r.status.node(id).Reason = "another copy of the command came first here, and what became of it is not known"
			}
			r.status.addReason(fmt.Sprintf("the copy of command %s that came first on %s was not found", command.CommandID, firstFew(refused)))
			continue
		}
		r.status.Commands = append(r.status.Commands, Command{
			CommandID: next, SubmittedAt: command.SubmittedAt, Token: command.Token, Adopted: true,
			From: command.From, Nodes: command.Nodes, Only: refused,
		})
		for _, id := range refused {
			node := r.status.node(id)
			node.State, node.Reason = activities.Running, ""
		}
		pursued = true
	}
	return pursued, nil
}

// elsewhere are the nodes that refused a command and are followed in none.
func (r *RunCommandResult) elsewhere(command Command) []string {
	var ids []string
	for _, id := range command.Refused {
		followed := false
		for _, other := range r.Commands {
			followed = followed || other.Token == command.Token && slices.Contains(other.Only, id) && other.follows(id)
		}
		if node := r.node(id); !followed && node.State == activities.Unknown && node.Reason == refusedReason {
			ids = append(ids, id)
		}
	}
	return ids
}

// refusedReason marks a node until the copy that came first is found.
const refusedReason = "another copy of the command came first here; it is being looked for"

// copyOf finds another command of the same token; "" when it was given up.
func (r *runCommand) copyOf(ctx workflow.Context, command Command, refused []string) (string, error) {
	var known []string
	for _, other := range r.status.Commands {
		if other.Token == command.Token {
			known = append(known, other.CommandID)
		}
	}
	found, err := r.seek(ctx, command.Token, known, workflow.Now(ctx))
	switch {
	case err == nil && len(found) > 0:
		return found[0], nil
	case temporal.IsCanceledError(err):
		return "", err
	}
	why := "it is not in the cluster's command list."
	if err != nil {
		why = "the cluster's commands could not be listed: " + r.sentence(ctx, err)
	}
	answer, err := r.ask(ctx, Question{
		Text:    fmt.Sprintf("Which command ran on %s? A copy of %s under token %s came first there; %s", firstFew(refused), command.CommandID, command.Token, why),
		Choices: []Choice{Adopt, Abandon},
	})
	return answer.CommandID, err
}

func (r *runCommand) sentence(ctx workflow.Context, err error) string {
	_, message := r.explain(ctx, err)
	return message
}
