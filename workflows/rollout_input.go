package workflows

import (
	"fmt"

	"ehpcflow/workflows/policy"
)

// RolloutInput says what to run, where, and by what policy.
type RolloutInput struct {
	RunCommandInput
	Policy policy.Policy `json:"policy,omitzero"`

	// Resumed is set by a rollout that goes on as a new run, with what it goes on from.
	Resumed *Resumption `json:"resumed,omitempty"`
}

// Plain says that a run does the same: there is no policy.
func (in RolloutInput) Plain() bool { return in.Policy.IsZero() }

// Validate returns everything that is wrong with the input, or nil. What depends on how
// many nodes there are is checked where they are named, and by the rollout otherwise.
func (in RolloutInput) Validate() error {
	problems := append(problemsOf(in.RunCommandInput.Validate()), in.Policy.Problems(in.Raw)...)
	problems = append(problems, in.Policy.Pointless()...)
	if in.Attach != nil && !in.Plain() {
		problems = append(problems, attachedPolicy)
	}
	if n := len(in.Target.Nodes); n > 0 {
		problems = append(problems, in.Policy.ProblemsOn(n)...)
	}
	if len(problems) == 0 {
		return nil
	}
	return &InputError{Problems: problems}
}

// problems are what a rollout refuses.
func (in RolloutInput) problems() []string {
	problems := append(in.RunCommandInput.problems(), in.Policy.Problems(in.Raw)...)
	if in.Attach != nil && !in.Plain() {
		problems = append(problems, attachedPolicy)
	}
	return problems
}

func problemsOf(err error) []string {
	if input, is := err.(*InputError); is { //nolint:errorlint // Validate returns it as it is
		return input.Problems
	}
	return nil
}

// refuseOn says why a policy does not fit n nodes; nil when it does.
func (in RolloutInput) refuseOn(n int) *Refusal {
	if problems := in.Policy.ProblemsOn(n); len(problems) > 0 {
		return &Refusal{Code: ErrInvalidInput, Message: fmt.Sprint(&InputError{problems})}
	}
	return nil
}

// Resumption is what a rollout goes on from when its history has grown long.
type Resumption struct {
	Status RunCommandStatus `json:"status"`

	Places  placeList         `json:"places"`
	Flights []SuspendedFlight `json:"flights,omitempty"`

	// Landed is how many of the status's commands are of flights that have landed.
	Landed int `json:"landed,omitempty"`

	LookSeconds int `json:"lookSeconds,omitempty"`

	// ResetFrom is the original run of one of the rollout's runs that was reset; "" of none.
	ResetFrom string `json:"resetFrom,omitempty"`
}

// SuspendedFlight is a run on nodes of a rollout that goes on being followed.
type SuspendedFlight struct {
	Wave   int          `json:"wave"`   // from 0
	Places []int        `json:"places"` // of its nodes
	Run    Continuation `json:"run"`

	// NotStarted says why it was not started on every node.
	NotStarted string `json:"notStarted,omitempty"`
}
