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

// ask puts a question, one at a time, and waits for its answer. It may return an
// Abandon when the run's deadline passes first.
func (r *runCommand) ask(ctx workflow.Context, question Question) (Answer, error) {
	if err := workflow.Await(ctx, func() bool { return r.status.Question == nil }); err != nil {
		return Answer{}, err
	}
	question.AskedAt = workflow.Now(ctx)
	r.status.Question, r.answered = &question, nil
	r.enter(ctx, Parked)
	defer func() { r.status.Question = nil }()

	given := func() bool { return r.answered != nil }
	if r.deadline().IsZero() {
		if err := workflow.Await(ctx, given); err != nil {
			return Answer{}, err
		}
		return *r.answered, nil
	}
	inTime, err := workflow.AwaitWithTimeout(ctx, r.patience(ctx, r.deadline().Sub(workflow.Now(ctx))), given)
	switch {
	case err != nil:
		return Answer{}, err
	case !inTime:
		r.status.addReason(r.deadlineText() + " before it was answered: " + question.Text)
		return Answer{Choice: Abandon}, nil
	}
	return *r.answered, nil
}

// answer takes an answer that was found fit.
func (r *runCommand) answer(ctx workflow.Context, given Answer) error {
	given.Question, given.At = r.status.Question.Text, workflow.Now(ctx)
	r.answered = &given
	r.status.Answers = append(r.status.Answers, given)
	return nil
}

// checkAnswer refuses an answer that is of no use, and says why.
func (r *runCommand) checkAnswer(_ workflow.Context, given Answer) error {
	question := r.status.Question
	switch {
	case question == nil || r.answered != nil:
		return fmt.Errorf("the run has no open question: it is %s", r.status.Phase)
	case !slices.Contains(question.Choices, given.Choice):
		return fmt.Errorf("%q is no answer to the question; choose one of %s", cmp.Or(given.Choice, "nothing"), choicesText(question.Choices))
	case given.Choice == Adopt && strings.TrimSpace(given.CommandID) == "":
		return errors.New("adopt needs the id of the command (commandId)")
	case given.Choice != Adopt && given.CommandID != "":
		return fmt.Errorf("%s takes no command id", given.Choice)
	}
	for _, command := range r.status.Commands {
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
