package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"
)

// AnswerUpdate is the update that answers a run's question. It takes an Answer.
const AnswerUpdate = "answer"

// Question is what a run cannot find out by itself, and never guesses. It waits until
// somebody answers, or its deadline passes.
type Question struct {
	Text    string    `json:"text"`
	Choices []Choice  `json:"choices"`
	AskedAt time.Time `json:"askedAt"`
}

// Choice is an answer to a question.
type Choice string

// The choices.
const (
	Adopt    Choice = "adopt"    // a command that is there is the one: it is followed
	Resubmit Choice = "resubmit" // nothing is there: submit again
	Abandon  Choice = "abandon"  // give these nodes up as unknown
)

// Usage is how the choice is written on a command line.
func (c Choice) Usage() string {
	if c == Adopt {
		return "adopt COMMAND_ID"
	}
	return string(c)
}

// Answer is what somebody decided.
type Answer struct {
	Choice    Choice `json:"choice"`
	CommandID string `json:"commandId,omitempty"` // to adopt
	By        string `json:"by,omitempty"`
	Why       string `json:"why,omitempty"`

	// Question and At are filled in by the run.
	Question string    `json:"question,omitempty"`
	At       time.Time `json:"at,omitzero"`
}

// desk is where the questions of a run, or of all parts of a rollout, wait for their
// answers. The status shows the open one.
type desk struct {
	status   *RunCommandStatus
	answered *Answer // to the open question
}

func (d *desk) open(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, AnswerUpdate, d.answer, workflow.UpdateHandlerOptions{
		Description: "answer the run's question", Validator: d.checkAnswer,
	})
}

// ask puts a question, one at a time, and waits for its answer. It may return an
// Abandon when the run's deadline passes first.
func (r *runCommand) ask(ctx workflow.Context, question Question) (Answer, error) {
	d := r.desk
	if err := workflow.Await(ctx, func() bool { return d.status.Question == nil }); err != nil {
		return Answer{}, err
	}
	question.AskedAt = workflow.Now(ctx)
	d.status.Question, d.answered = &question, nil
	r.enter(ctx, Parked)
	defer func() { d.status.Question = nil }()

	for {
		deadline := r.in.DeadlineSeconds // an order may move it
		given := func() bool { return d.answered != nil || r.in.DeadlineSeconds != deadline }
		inTime, err := true, error(nil)
		if r.deadline().IsZero() {
			err = workflow.Await(ctx, given)
		} else {
			inTime, err = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
				Timeout:      r.patience(ctx, r.deadline().Sub(workflow.Now(ctx))),
				TimerOptions: workflow.TimerOptions{Summary: r.lead.says("deadline for an answer")},
			}, given)
		}
		switch {
		case err != nil:
			return Answer{}, err
		case d.answered != nil:
			return *d.answered, nil
		case !inTime:
			r.status.addReason(r.deadlineText() + " before it was answered: " + question.Text)
			return Answer{Choice: Abandon}, nil
		}
	}
}

// answer takes an answer that was found fit.
func (d *desk) answer(ctx workflow.Context, given Answer) error {
	given.Question, given.At = d.status.Question.Text, workflow.Now(ctx)
	d.answered = &given
	d.status.Answers = append(d.status.Answers, given)
	return nil
}

// checkAnswer refuses an answer that is of no use, and says why.
func (d *desk) checkAnswer(_ workflow.Context, given Answer) error {
	question := d.status.Question
	switch {
	case question == nil || d.answered != nil:
		return fmt.Errorf("the run has no open question: it is %s", d.status.Phase)
	case !slices.Contains(question.Choices, given.Choice):
		return fmt.Errorf("%q is no answer to the question; choose one of %s", cmp.Or(given.Choice, "nothing"), choicesText(question.Choices))
	case given.Choice == Adopt && strings.TrimSpace(given.CommandID) == "":
		return errors.New("adopt needs the id of the command (commandId)")
	case given.Choice != Adopt && given.CommandID != "":
		return fmt.Errorf("%s takes no command id", given.Choice)
	}
	for _, command := range d.status.Commands {
		if command.CommandID == given.CommandID {
			return fmt.Errorf("command %s is followed already", given.CommandID)
		}
	}
	return nil
}

func choicesText(choices []Choice) string {
	texts := make([]string, len(choices))
	for i, choice := range choices {
		texts[i] = string(choice)
	}
	return strings.Join(texts, ", ")
}
