package pipeline

import "strings"

// File is a pipeline with the places in its file that say it.
type File struct {
	Name     string // in its fs.FS
	Pipeline Pipeline

	root  *node
	lines []string         // of the text
	subs  map[string]*File // those that its steps refer to, by the steps' names
}

// Problem is a problem of a step, at the place of one of its keys, or of what is nearest
// above it. A step of a pipeline that is a step has both names, PUBLISH/UPLOAD. The path
// leads from the step, as in "command", "rollout", "waves", or is empty.
func (f *File) Problem(step, message string, path ...string) Problem {
	outer, inner, deeper := strings.Cut(step, "/")
	if sub := f.subs[outer]; deeper && sub != nil {
		return sub.Problem(inner, message, path...)
	}
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
