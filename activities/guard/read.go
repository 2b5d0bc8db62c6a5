package guard

import "strings"

// Outcome is what the output of a wrapped command says.
type Outcome struct {
	// Output is the command's own. The lines of the wrapper are removed.
	Output string

	// Began says that the command was run here.
	Began bool

	// Ended says that it also ended, and that its output is there up to its end.
	// A command that a timeout killed, or whose output the service cut at its end,
	// has begun and not ended.
	Ended bool

	// Whole says that Output is there from its beginning to its end: the service
	// keeps only so much of an output, and does not say what it left out.
	Whole bool

	// Refusal is why it was not run; "" when it was, or when nothing is said.
	Refusal Refusal
}

// Refusal is why a node did not run a command.
type Refusal string

const (
	// Second is the refusal of a token that was claimed on the node before, by
	// another copy of the command or by a stop.
	Second Refusal = "second"

	// Unrecorded is the refusal of a node that cannot record that the command
	// runs: the disk is full, the folder is read-only. The output says more.
	Unrecorded Refusal = "unrecorded"
)

// Read takes the wrapper's lines out of an output. It bears outputs that were cut at
// either end or trimmed of white space at their end.
func Read(token, output string) Outcome {
	begins, ends := "ehpcflow "+token+" begins", "ehpcflow "+token+" ends"
	before, after, began := cutLine(output, begins)
	if !began {
		before = ""
		after, began = cutRest(output, begins+"\n", token)
	}
	body, late, ended := cutLastLine(after, "\n"+ends)
	if !ended {
		body, ended = cutStart(after, "\n"+ends, token)
	}
	if began || ended {
		return Outcome{Output: before + body + late, Began: true, Ended: ended, Whole: began && ended}
	}
	for _, refusal := range []Refusal{Second, Unrecorded} {
		before, after, found := cutLine(output, "ehpcflow "+token+" refuses: "+string(refusal))
		if found {
			return Outcome{Output: before + after, Refusal: refusal}
		}
	}
	return Outcome{Output: output}
}

// cutLine cuts a text around the first line that reads so. The last line of a text
// may have lost its end.
func cutLine(text, line string) (before, after string, found bool) {
	for from := 0; ; {
		at := strings.Index(text[from:], line)
		if at < 0 {
			return text, "", false
		}
		at += from
		from = at + len(line)
		rest := text[from:]
		if (at == 0 || text[at-1] == '\n') && isLineEnd(rest) {
			return text[:at], strings.TrimPrefix(rest, "\n"), true
		}
	}
}

// cutLastLine cuts a text around the last line that reads so; a line here begins
// with the line break before it.
func cutLastLine(text, line string) (before, after string, found bool) {
	for to := len(text); ; {
		at := strings.LastIndex(text[:to], line)
		if at < 0 {
			return text, "", false
		}
		rest := text[at+len(line):]
		if isLineEnd(rest) {
			return text[:at], strings.TrimPrefix(rest, "\n"), true
		}
		to = at + len(line) - 1
	}
}

func isLineEnd(rest string) bool { return rest == "" || rest[0] == '\n' }

// cutRest takes what is left of a line away from the front of a text that was cut
// within it. Less than the whole token proves nothing.
func cutRest(text, line, token string) (string, bool) {
	for from := range strings.Index(line, token) + 1 {
		if rest, found := strings.CutPrefix(text, line[from:]); found {
			return rest, true
		}
	}
	return text, false
}

// cutStart takes the start of a line away from the end of a text that was cut within
// it.
func cutStart(text, line, token string) (string, bool) {
	for to := len(line); to >= strings.Index(line, token)+len(token); to-- {
		if rest, found := strings.CutSuffix(text, line[:to]); found {
			return rest, true
		}
	}
	return text, false
}
