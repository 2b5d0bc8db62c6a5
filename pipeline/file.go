package pipeline

import "strings"

// File is a pipeline with the places in its file that say it.
type File struct {
	Name     string // in its fs.FS
	Pipeline Pipeline

	root  *node
	lines []string // of the text
}

// Check finds what is wrong with steps of a pipeline beyond what their file can tell. It is
// given those only of which nothing wrong is known, and not what makes them a whole.
type Check func(Pipeline) []StepProblem

// StepProblem is something that is wrong with a step of a pipeline.
type StepProblem struct {
	Step string // its name
	Path string // in its body, such as command; "" is the step itself
	Text string
}

// checked is what checks find, in the steps without problems that are known.
func (f *File) checked(known []Problem, checks []Check) []Problem {
	wrong := make(map[string]bool)
	all := stepsOf(f.root)
	for _, problem := range known {
		if owner := owner(all, problem.Path); owner != nil && owner.bodyHas(problem.Path) {
			wrong[owner.name] = true
		}
	}
	p := f.Pipeline
	p.Steps, p.Finally = nil, nil
	for i, step := range allSteps(f.Pipeline) {
		if step.OnFailure.Run = nil; !wrong[step.Name] && !all[i].value.broken {
			p.Steps = append(p.Steps, step)
		}
	}
	var problems []Problem
	for _, check := range checks {
		for _, each := range check(p) {
			problems = append(problems, f.problem(each.Step, each.Text, each.Path))
		}
	}
	return problems
}

// owner is the step that a path leads into, or nil.
func owner(steps []named, path string) *named {
	var found *named
	for i, step := range steps {
		if path == step.path || strings.HasPrefix(path, step.path+".") {
			found = &steps[i] // those within come behind
		}
	}
	return found
}

// bodyHas tells whether a problem at a path is one of what the step does.
func (n named) bodyHas(path string) bool {
	key, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, n.path), "."), ".")
	key, _, _ = strings.Cut(key, "[")
	switch key {
	case "needs", "when", "foreach", "onFailure", "output", "timeout":
		return false
	}
	return true
}

// problem is a problem of a step, at the place of one of its keys, or of what is nearest
// above it. The path leads from the step, as in "command", "rollout", "waves", or is empty.
func (f *File) problem(step, message string, path ...string) Problem {
	problem := Problem{File: f.Name, Line: f.root.line, Column: f.root.column, Message: message}
	for _, each := range stepsOf(f.root) {
		if each.name != step {
			continue
		}
		problem.Line, problem.Column, problem.Path = each.line, each.column, each.path
		if at := each.value.at(path); at.node != each.value {
			problem.Line, problem.Column, problem.Path = at.line, at.column, each.path+"."+pathText(path)
		}
	}
	return problem
}

// line of the file's text, from 1, or "".
func (f *File) line(number int) string {
	if number < 1 || number > len(f.lines) {
		return ""
	}
	return strings.TrimSuffix(f.lines[number-1], "\r")
}
