package console

import (
	"unicode/utf8"

	"ehpcflow/workflows"
)

// branch is a step in its place in the tree of a pipeline.
type branch struct {
	workflows.StepResult
	Stem  string   // that is drawn before it
	After []string // its needs, where the tree alone does not tell them
	Last  bool     // it is of finally
}

// mostStem is how far the tree is drawn to the right, in characters.
const mostStem = 16

// treeOf puts the steps of a pipeline under those that they wait for. A step stands under
// the last one that lies on every way to it: one that joins branches stands beside them.
// What follows alone stands straight below.
func treeOf(steps []workflows.StepResult) []branch {
	t := tree{steps: steps, place: make(map[string]int), above: make([]int, len(steps)), depth: make([]int, len(steps)), below: make(map[int][]int)}
	for i, step := range steps {
		t.place[step.Name] = i
	}
	for i := range steps {
		t.settle(i)
	}
	for i, above := range t.above {
		t.below[above] = append(t.below[above], i)
	}
	t.grow(top, "")
	return t.grown
}

// top is above the steps that wait for none.
const top = -1

type tree struct {
	steps []workflows.StepResult
	place map[string]int
	above []int // the step that each stands under, or top
	depth []int // from 1; 0 is not settled
	below map[int][]int
	grown []branch
}

// settle finds the step above one, after those that it needs.
func (t *tree) settle(i int) {
	if t.depth[i] > 0 {
		return
	}
	t.depth[i] = 1 // of a circle, which no pipeline has
	above, first := top, true
	for _, need := range needsOf(t.steps[i]) {
		at, known := t.place[need]
		if !known {
			continue
		}
		t.settle(at)
		if first {
			above, first = at, false
		} else {
			above = t.common(above, at)
		}
	}
	t.above[i] = above
	t.depth[i] = t.deep(above) + 1
}

func (t *tree) deep(i int) int {
	if i == top {
		return 0
	}
	return t.depth[i]
}

// common is the last step that both stand under, or one of them.
func (t *tree) common(a, b int) int {
	for a != b {
		if t.deep(a) < t.deep(b) {
			a, b = b, a
		}
		a = t.above[a]
	}
	return a
}

func needsOf(step workflows.StepResult) []string {
	if len(step.Needs) == 0 && step.OnFailureOf != "" {
		return []string{step.OnFailureOf}
	}
	return step.Needs
}

func (t *tree) grow(above int, stem string) {
	below := t.below[above]
	for n, i := range below {
		own, rest := "", ""
		switch {
		case len(below) == 1 || utf8.RuneCountInString(stem) >= mostStem:
		case n == len(below)-1:
			own, rest = "└ ", "  "
		default:
			own, rest = "├ ", "│ "
		}
		b := branch{StepResult: t.steps[i], Stem: stem + own}
		if len(b.Needs) > 1 {
			b.After = b.Needs
		}
		t.grown = append(t.grown, b)
		t.grow(i, stem+rest)
	}
}
