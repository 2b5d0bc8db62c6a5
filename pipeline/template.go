package pipeline

import (
	"fmt"
	"strings"
)

const (
	opening = "${{"
	closing = "}}"
	escaped = "$" + opening // stands for ${{ itself
)

// piece of a text is words as they are, or an expression.
type piece struct {
	words  string
	code   Expression // "" where it is words
	offset int        // in the text, of the ${{ where it is an expression
	inner  int        // offset of the expression's code
}

// pieces takes a text apart. What is wrong with it is an expression that is not closed or
// is empty.
func (t Text) pieces() ([]piece, Faults) {
	var pieces []piece
	var words strings.Builder
	text, from := string(t), 0
	flush := func(to int) {
		if words.Len() > 0 {
			pieces = append(pieces, piece{words: words.String(), offset: from})
		}
		words.Reset()
		from = to
	}
	for at := 0; at < len(text); {
		switch {
		case strings.HasPrefix(text[at:], escaped):
			words.WriteString(opening)
			at += len(escaped)
		case strings.HasPrefix(text[at:], opening):
			inner := at + len(opening)
			length, closed := codeLength(text[inner:])
			code := text[inner : inner+length]
			switch {
			case !closed:
				return pieces, Faults{faultAt(at, "the expression that begins here is not closed: }} is missing, or a quote in it")}.placed(text)
			case strings.TrimSpace(code) == "":
				return pieces, Faults{faultAt(at, "the expression is empty")}.placed(text)
			}
			flush(inner + length + len(closing))
			pieces = append(pieces, piece{code: Expression(code), offset: at, inner: inner})
			at = from
		default:
			words.WriteByte(text[at])
			at++
		}
	}
	flush(len(text))
	return pieces, nil
}

// codeLength is how long the code of an expression is, up to the }} that ends it: one
// that is neither in a text of the expression nor of its maps.
func codeLength(code string) (int, bool) {
	depth, quote := 0, byte(0)
	for at := 0; at < len(code); at++ {
		switch c := code[at]; {
		case quote != 0 && c == '\\' && quote != '`':
			at++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case strings.HasPrefix(code[at:], closing):
			return at, true
		}
	}
	return len(code), false
}

// HasExpressions says whether the text holds any, or could not be taken apart.
func (t Text) HasExpressions() bool {
	pieces, faults := t.pieces()
	if len(faults) > 0 {
		return true
	}
	for _, p := range pieces {
		if p.code != "" {
			return true
		}
	}
	return false
}

// Check says what is wrong with the expressions of the text before anything has run. The
// error is of type Faults, with offsets in the text.
func (t Text) Check(v Visible) error { return t.check(v, false).orNil() }

func (t Text) check(v Visible, mayBeRaw bool) Faults {
	pieces, faults := t.pieces()
	for _, p := range pieces {
		if p.code != "" {
			faults = append(faults, p.code.faults(v, mayBeRaw).moved(p.inner)...)
		}
	}
	return faults.placed(string(t))
}

// Eval puts the values of its expressions into a text. A text that is one expression
// keeps the type of its value; in others, lists and maps stand as their JSON.
func (t Text) Eval(scope Scope) (any, error) {
	names, err := scope.names(string(t))
	if err != nil {
		return nil, err
	}
	return t.eval(names)
}

func (t Text) eval(names map[string]any) (any, error) {
	pieces, faults := t.pieces()
	if len(faults) > 0 {
		return nil, faults
	}
	if len(pieces) == 1 && pieces[0].code != "" {
		return pieces[0].code.eval(names)
	}
	return filled(pieces, func(i int) (string, error) {
		value, err := pieces[i].code.eval(names)
		if err != nil {
			return "", err
		}
		text, err := written(value)
		if err != nil {
			return "", pieces[i].code.failed(err)
		}
		return text, nil
	})
}

// filled is a text with its expressions written.
func filled(pieces []piece, write func(i int) (string, error)) (string, error) {
	var text strings.Builder
	for i, p := range pieces {
		words := p.words
		if p.code != "" {
			var err error
			if words, err = write(i); err != nil {
				return "", err
			}
		}
		if text.Len()+len(words) > MaxText {
			return "", fmt.Errorf("the text has more than %d bytes with its expressions evaluated", MaxText)
		}
		text.WriteString(words)
	}
	return text.String(), nil
}
