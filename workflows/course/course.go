// Package course decides how a pipeline goes on: which steps begin, which are skipped and
// why, whether it is over, and what it came to. It is data and pure functions; it knows
// neither Temporal nor what a step does.
package course

import (
	"fmt"

	"ehpcflow/pipeline"
)

// State is where a step is.
type State int

// The states.
const (
	Waiting State = iota
	Running
	Succeeded
	Failed
	Passed   // skipped, and the steps that need it run
	Skipped  // and so are the steps that need it
	Canceled // stopped with the pipeline
)

// Ended says that nothing more becomes of the step.
func (s State) Ended() bool { return s != Waiting && s != Running }

// None is the place of no step.
const None = -1

// Step is what is decided by of a step.
type Step struct {
	Name  string
	Needs []int // places of steps

	// Behind is the place of the step whose onFailure has this one, or None.
	Behind int

	Then  pipeline.FailureAction // when it failed; "" is Stop
	Heavy bool                   // only so many of these run at a time
	State State
}

// Course is how the steps stand that run together: all of a pipeline's steps and those
// of their onFailure, or all of its finally.
type Course struct {
	Steps []Step

	AtOnce      int // steps that may run at a time
	HeavyAtOnce int // of those the heavy ones

	// Last says that they are those of a finally: one that failed skips those only that
	// need it.
	Last bool

	Canceled bool // nothing more begins, and what waits is skipped
	Held     bool // nothing begins for now
}

// Decision is what is to be done next. The steps to start are in their order: when one of
// them does not run after all, it is to be decided anew before the next is started.
type Decision struct {
	Start []int
	Skip  []Skip
	Over  bool // every step has ended
}

// Skip is a step that is not started, and why.
type Skip struct {
	Step int
	To   State // Passed or Skipped
	Why  string
}

// WhyCanceled is why a step was skipped that waited when its pipeline was cancelled.
const WhyCanceled = "cancelled before it was started"

// Next decides. What is skipped may have others skipped at the next decision.
func (c Course) Next() Decision {
	d := Decision{Over: true}
	open := c.openBehind()
	free, heavy := c.free()
	failed := c.stoppedBy()
	for i, step := range c.Steps {
		if step.State.Ended() {
			continue
		}
		d.Over = false
		if step.State == Running {
			continue
		}
		skip, ready := c.judge(step, open, failed)
		switch {
		case skip != nil:
			skip.Step = i
			d.Skip = append(d.Skip, *skip)
		case !ready || c.Held || free <= 0 || step.Heavy && heavy <= 0:
		default:
			d.Start = append(d.Start, i)
			free--
			if step.Heavy {
				heavy--
			}
		}
	}
	return d
}

// judge says whether a step that waits is skipped, or ready.
func (c Course) judge(step Step, open []int, failed string) (skip *Skip, ready bool) {
	if step.Behind != None {
		of := c.Steps[step.Behind]
		switch {
		case !of.State.Ended():
			return nil, false
		case of.State != Failed:
			return &Skip{To: Passed, Why: of.Name + " did not fail"}, false
		}
	}
	if c.Canceled {
		return &Skip{To: Skipped, Why: WhyCanceled}, false
	}
	ready = true
	for _, need := range step.Needs {
		switch of := c.Steps[need]; {
		case !of.State.Ended() || open[need] > 0:
			ready = false
		case !of.satisfies():
			return &Skip{To: Skipped, Why: fmt.Sprintf("it needs %s, which %s", of.Name, became[of.State])}, false
		}
	}
	if failed != "" && step.Behind == None {
		return &Skip{To: Skipped, Why: fmt.Sprintf("not started after %s failed", failed)}, false
	}
	return nil, ready
}

var became = map[State]string{Failed: "failed", Skipped: "was skipped", Canceled: "was cancelled"}

// satisfies says whether steps that need this one run, which has ended.
func (s Step) satisfies() bool {
	return s.State == Succeeded || s.State == Passed || s.State == Failed && s.Then == pipeline.Continue
}

// openBehind counts, of each step, the steps of its onFailure that have not ended.
func (c Course) openBehind() []int {
	open := make([]int, len(c.Steps))
	for _, step := range c.Steps {
		if step.Behind != None && !step.State.Ended() {
			open[step.Behind]++
		}
	}
	return open
}

// free says how many more steps may run, and how many more heavy ones.
func (c Course) free() (free, heavy int) {
	free, heavy = c.AtOnce, c.HeavyAtOnce
	for _, step := range c.Steps {
		if step.State == Running {
			free--
			if step.Heavy {
				heavy--
			}
		}
	}
	return free, heavy
}

// stoppedBy is the first step that failed and stops the others; "" is none.
func (c Course) stoppedBy() string {
	for _, step := range c.Steps {
		if !c.Last && step.State == Failed && step.Behind == None && step.stops() {
			return step.Name
		}
	}
	return ""
}

func (s Step) stops() bool { return s.Then == "" || s.Then == pipeline.Stop }

// Sum is what the steps came to.
type Sum struct {
	Succeeded int
	Failed    []string // steps whose failure is one of the pipeline
	Tolerated []string // steps that failed and were to be gone on after
}

// Sum sums the steps up.
func (c Course) Sum() Sum {
	var sum Sum
	for _, step := range c.Steps {
		switch {
		case step.State == Succeeded:
			sum.Succeeded++
		case step.State != Failed:
		case c.Last || step.Behind != None || step.Then != pipeline.Continue:
			sum.Failed = append(sum.Failed, step.Name)
		default:
			sum.Tolerated = append(sum.Tolerated, step.Name)
		}
	}
	return sum
}
