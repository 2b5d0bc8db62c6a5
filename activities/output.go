package activities

import (
	"strings"
	"unicode/utf8"
)

// keepExcerpt keeps of an output what fits a payload within a limit. Where that is
// not UTF-8, which JSON cannot carry, it is kept twice: readable, and byte for byte.
func (r *ResultRecord) keepExcerpt(output string, limit int) {
	r.OutputBytes = len(output)
	r.Output, r.OutputCut = cut(output, limit)
	if !utf8.ValidString(r.Output) {
		r.OutputRaw = []byte(r.Output)
		r.Output = strings.ToValidUTF8(r.Output, "\uFFFD")
	}
}

const cutMark = "\n[… output cut …]\n"

// cut keeps the beginning and the end of an output, where the reasons of failures
// stand, so that each weighs half of the limit in a payload. It says whether it
// left something out.
func cut(output string, limit int) (string, bool) {
	weigh := encodedSize
	if !utf8.ValidString(output) {
		weigh = encodedTwice
	}
	if len(beginning(output, limit, weigh)) == len(output) {
		return output, false
	}
	return beginning(output, limit/2, weigh) + cutMark + ending(output, limit/2, weigh), true
}

// beginning is as much of the front of a text as its weight allows.
func beginning(text string, weight int, weigh func(rune, int) int) string {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if weight -= weigh(r, size); weight < 0 {
			return text[:i]
		}
		i += size
	}
	return text
}

// ending is as much of the back of a text as its weight allows.
func ending(text string, weight int, weigh func(rune, int) int) string {
	for i := len(text); i > 0; {
		r, size := utf8.DecodeLastRuneInString(text[:i])
		if weight -= weigh(r, size); weight < 0 {
			return text[i:]
		}
		i -= size
	}
	return text
}

// encodedSize is what a character weighs in a payload, at the most: JSON writes
// control characters and some signs as six bytes. What is no character is replaced
// by one of three.
func encodedSize(r rune, size int) int {
	switch {
	case r < ' ', r == '<', r == '>', r == '&', r == '\u2028', r == '\u2029':
		return 6
	case r == '"', r == '\\':
		return 2
	case r == utf8.RuneError:
		return len("\uFFFD")
	}
	return size
}

// encodedTwice is what a character weighs that is kept in base64 too.
func encodedTwice(r rune, size int) int { return encodedSize(r, size) + (4*size+2)/3 }
