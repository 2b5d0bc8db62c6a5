package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is something that is wrong with a file, and where.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`           // from 1; 0 is the file as a whole
	Column int    `json:"column"`         // in characters, from 1
	Path   string `json:"path,omitempty"` // such as steps.solve.job.nodes; "" is the file as a whole
	// Message says what is wrong and what to do. It holds no secret.
	Message string `json:"message"`
}

// String is how editors and compilers name places, as in
// "solve.yaml:12:7: steps.solve: …".
func (p Problem) String() string {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	if p.Path == "" {
		return place + ": " + p.Message
	}
	return place + ": " + p.Path + ": " + p.Message
}

// Error is everything that is wrong with the files of a pipeline, in the order of the
// files and their lines. It has one problem at least.
type Error struct {
	Problems []Problem
	More     bool // there may be more, in what could not be checked because of these
}

// MoreMayBeFound says that not everything could be checked.
const MoreMayBeFound = "more may be found once these are right"

func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		lines[i] = problem.String()
	}
	if e.More {
		lines = append(lines, MoreMayBeFound)
	}
	return strings.Join(lines, "\n")
}

// inOrder sorts the problems of one file by their places, and says each once.
func inOrder(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(problems)
}

// cited is a value as a message shows it: in one line, short, and without what looks like a
// secret.
func cited(value any) string {
	text, is := value.(string)
	if !is {
		return shortened(fmt.Sprint(value))
	}
	return fmt.Sprintf("%q", shortened(text))
}

func shortened(text string) string {
	const most = 60
	text = withoutSecrets(text)
	if characters := []rune(text); len(characters) > most {
		return string(characters[:most-1]) + "…"
	}
	return text
}
