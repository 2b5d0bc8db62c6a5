package pipeline

import (
	"errors"
	"fmt"
	"strings"
)

// CheckRun is Check for a text that a shell runs: a value is inserted as one quoted word,
// so that an expression has to stand where a shell takes quotes for such. raw around a
// whole expression has the value inserted as it is.
func (t Text) CheckRun(v Visible) error {
	if faults := t.check(v, true); len(faults) > 0 {
		return faults
	}
	pieces, _ := t.pieces()
	return misplaced(pieces).placed(string(t)).orNil()
}

// EvalRun puts the values of its expressions into a text that a shell runs, each quoted as
// one word, or as several where it is a list.
func (t Text) EvalRun(scope Scope) (string, error) {
	names, err := scope.names(string(t))
	if err != nil {
		return "", err
	}
	return t.evalRun(names)
}

func (t Text) evalRun(names map[string]any) (string, error) {
	pieces, faults := t.pieces()
	if len(faults) == 0 {
		faults = misplaced(pieces)
	}
	if len(faults) > 0 {
		return "", faults
	}
	return filled(pieces, func(i int) (string, error) {
		value, err := pieces[i].code.evalMaybeRaw(names)
		if err != nil {
			return "", err
		}
		words, err := inShell(value, apart(pieces, i))
		if err != nil {
			return "", pieces[i].code.failed(err)
		}
		return words, nil
	})
}

// unquoted is a value that raw stood round.
type unquoted struct{ value any }

// inShell is a value as words of a shell. A list is several, which have to stand apart
// from what is around them.
func inShell(value any, apart bool) (string, error) {
	quote := quoted
	if raw, is := value.(unquoted); is {
		value, apart, quote = raw.value, true, written
	}
	list, is := value.([]any)
	if !is {
		return quote(value)
	}
	if !apart {
		return "", errors.New("it is a list, which stands for several words: leave space around it, or write join(…, \",\")")
	}
	words := make([]string, len(list))
	for i := range list {
		var err error
		if words[i], err = quote(list[i]); err != nil {
			return "", fmt.Errorf("item %d: %w", i, err)
		}
	}
	return strings.Join(words, " "), nil
}

// quoted is a value as one word of any POSIX shell. It is quoted even where it need not
// be, so that the word is never one of the shell's own.
func quoted(value any) (string, error) {
	switch value.(type) {
	case []any, map[string]any:
		return "", fmt.Errorf("it comes to %s, which is no word: write toJSON(…), or choose a part of it", shown(value))
	}
	word, err := written(value)
	if err != nil {
		return "", err
	}
	if strings.ContainsRune(word, 0) {
		return "", errors.New("it holds a NUL character, which no shell can take")
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'", nil
}

// apart says whether an expression stands apart from the words around it.
func apart(pieces []piece, i int) bool {
	const ends = " \t\n;&|()<>"
	before := i == 0 || pieces[i-1].code == "" && strings.ContainsAny(pieces[i-1].words[len(pieces[i-1].words)-1:], ends)
	after := i == len(pieces)-1 || pieces[i+1].code == "" && strings.ContainsAny(pieces[i+1].words[:1], ends)
	return before && after
}
