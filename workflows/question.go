package workflows

import (
	"cmp"
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
	CommandID string `json:"commandId,omitempty"` // to adopt; of a run of a job that of the job
	By        string `json:"by,omitempty"`
	Why       string `json:"why,omitempty"`

	// Question and At are filled in by the run.
	Question string    `json:"question,omitempty"`
	At       time.Time `json:"at,omitzero"`
}

// desk is where the questions of a run, or of all parts of a rollout, wait for their
// answers. The status of the run shows the open one.
type desk struct {
	noun     string // what can be adopted
	phase    *Phase
	question **Question
	answers  *[]Answer
	follows  func(id string) bool // whether it is followed already
	answered *Answer              // to the open question
}

func newDesk(status *RunCommandStatus) *desk {
	return &desk{
		noun: "command", phase: &status.Phase, question: &status.Question, answers: &status.Answers,
		follows: func(id string) bool {
			return slices.ContainsFunc(status.Commands, func(command Command) bool { return command.CommandID == id })
		},
	}
}

func (d *desk) open(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, AnswerUpdate, d.answer, workflow.UpdateHandlerOptions{
		Description: "answer the run's question", Validator: d.checkAnswer,
	})
}

// put puts a question when no other one is open.
func (d *desk) put(ctx workflow.Context, question Question) error {
	if err := workflow.Await(ctx, func() bool { return *d.question == nil }); err != nil {
		return err
	}
	question.AskedAt = workflow.Now(ctx)
	*d.question, d.answered = &question, nil
	return nil
}

// ask puts a question, one at a time, and waits for its answer. It may return an
// Abandon when the run's deadline passes first.
func (r *runCommand) ask(ctx workflow.Context, question Question) (Answer, error) {
	d := r.desk
	if err := d.put(ctx, question); err != nil {
		return Answer{}, err
	}
	r.enter(ctx, Parked)
	defer func() { *d.question = nil }()

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
	given.Question, given.At = (*d.question).Text, workflow.Now(ctx)
	d.answered = &given
	*d.answers = append(*d.answers, given)
	return nil
}

// checkAnswer refuses an answer that is of no use, and says why.
func (d *desk) checkAnswer(_ workflow.Context, given Answer) error {
	question := *d.question
	switch {
	case question == nil || d.answered != nil:
		return fmt.Errorf("the run has no open question: it is %s", *d.phase)
	case !slices.Contains(question.Choices, given.Choice):
		return fmt.Errorf("%q is no answer to the question; choose one of %s", cmp.Or(given.Choice, "nothing"), choicesText(question.Choices))
	case given.Choice == Adopt && strings.TrimSpace(given.CommandID) == "":
		return fmt.Errorf("adopt needs the id of the %s (commandId)", d.noun)
	case given.Choice != Adopt && given.CommandID != "":
		return fmt.Errorf("%s takes no %s id", given.Choice, d.noun)
	case given.Choice == Adopt && d.follows(given.CommandID):
		return fmt.Errorf("%s %s is followed already", d.noun, given.CommandID)
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
