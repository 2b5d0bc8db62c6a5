package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

// meaningless is everything that is wrong with a file of the right shape.
func meaningless(file *File) []Problem {
	m := &meaning{
		file:  file,
		p:     file.Pipeline,
		steps: stepsOf(file.root),
		named: map[string]named{},
	}
	for i, step := range allSteps(file.Pipeline) {
		m.steps[i].step = step
	}
	m.names()
	m.inputs()
	m.clusters()
	m.numbers(file.root.get("concurrency"), "concurrency", true)
	m.needs()
	for _, step := range m.steps {
		if !step.value.broken {
			m.step(step)
		}
	}
	m.expressions()
	return m.problems
}

// meaning looks for what is wrong with the meaning of a file.
type meaning struct {
	file     *File
	p        Pipeline
	steps    []named
	named    map[string]named // by name; of several the first
	problems []Problem
}

// at says something about a value.
func (m *meaning) at(n *node, path, format string, args ...any) {
	m.say(n.line, n.column, path, format, args...)
}

func (m *meaning) say(line, column int, path, format string, args ...any) {
	m.problems = append(m.problems, Problem{File: m.file.Name, Line: line, Column: column, Path: path, Message: fmt.Sprintf(format, args...)})
}

// names makes sure that each step has a name of its own.
func (m *meaning) names() {
	for _, step := range m.steps {
		if first, twice := m.named[step.name]; twice {
			m.say(step.line, step.column, step.path, "there is a step %s already, in line %d: those of steps, finally and onFailure share their names", step.name, first.line)
			continue
		}
		m.named[step.name] = step
	}
	if len(m.steps) > MaxSteps {
		over := m.steps[MaxSteps]
		m.say(over.line, over.column, over.path, "there are %d steps: %d are the most; use foreach, or files that a step of kind pipeline refers to", len(m.steps), MaxSteps)
	}
}

// inputs makes sure that what is said of an input fits together.
func (m *meaning) inputs() {
	for i, each := range m.file.root.get("inputs").entries() {
		if each.value.broken {
			continue
		}
		input, path := m.p.Inputs[i], "inputs."+each.name
		for _, key := range []string{"enum", "default"} {
			m.numbers(each.value.get(key), path+"."+key, input.Type.isNumber())
		}
		plain := Input{Type: input.Type}
		if plain.Type == List { // whose items are accepted
			plain.Type = ""
		}
		for at, accepted := range each.value.get("enum").list() {
			if wrong := plain.unfitting(accepted.plain()); wrong != "" {
				m.at(accepted, fmt.Sprintf("%s.enum[%d]", path, at), "%s", wrong)
			}
		}
		given := each.value.get("default")
		if given == nil {
			continue
		}
		switch wrong := input.unfitting(given.plain()); {
		case holdsExpression(given):
			m.at(given, path+".default", "a default is taken as it is, and expressions in it are not evaluated: put the expression where the input is used")
		case wrong != "":
			m.at(given, path+".default", "%s", wrong)
		}
	}
}

// unfitting is what is wrong with a value. With no type any will do.
func (i Input) unfitting(value any) string {
	if i.Type == "" {
		return ""
	}
	_, wrong := i.fit(value)
	return wrong
}

// allowed are the names that the needs of a step may have: those of the steps beside it.
func (m *meaning) allowed(step named) []string {
	var names []string
	for _, other := range m.steps {
		if other.beside(step) && other.name != step.name {
			names = append(names, other.name)
		}
	}
	return names
}

// insteadOfSteps says which step may have been meant, where there are others.
func insteadOfSteps(name string, allowed []string) string {
	if len(allowed) == 0 {
		return "no other step stands beside this one, so take it away"
	}
	return instead(name, allowed)
}

func (n named) beside(other named) bool { return n.of == other.of && n.finally == other.finally }

func (m *meaning) needs() {
	for _, step := range m.steps {
		for i, need := range step.value.get("needs").list() {
			path := fmt.Sprintf("%s.needs[%d]", step.path, i)
			other, known := m.named[need.text()]
			switch {
			case need.text() == step.name:
				m.at(need, path, "a step cannot need itself: take it away")
			case slices.Contains(step.step.Needs[:i], need.text()):
				m.at(need, path, "%s is there already: take it away", need.text())
			case !known:
				m.at(need, path, "there is no step %s: %s", shortened(need.text()), insteadOfSteps(need.text(), m.allowed(step)))
			case !other.beside(step):
				m.at(need, path, "%s", step.cannotNeed(other))
			}
		}
	}
	for _, circle := range circles(m.steps) {
		first := circle[0]
		names := make([]string, 0, len(circle)+1)
		for _, step := range append(circle, first) {
			names = append(names, step.name)
		}
		m.say(first.line, first.column, first.path+".needs", "these steps wait for each other, so that none can start: %s; take one of these needs away", strings.Join(names, " → "))
	}
}

// cannotNeed says why a step that there is cannot be needed.
func (n named) cannotNeed(other named) string {
	switch {
	case n.of == other.name:
		return fmt.Sprintf("%s runs only when %s has failed: it needs nothing for that, take it away", n.name, n.of)
	case n.of != "":
		return fmt.Sprintf("a step of an onFailure can need others of the same onFailure only: take %s away", other.name)
	case other.finally:
		return fmt.Sprintf("%s is a step of finally, which runs after all others: take it away", other.name)
	case n.finally:
		return fmt.Sprintf("the steps of finally run when all of steps have ended: take %s away", other.name)
	default:
		return fmt.Sprintf("%s runs only when %s has failed: need %s, and let its onFailure be continue", other.name, other.of, other.of)
	}
}
