package pipeline

import (
	"cmp"
	"strings"
)

// instead says which known name may have been meant, or all of them when none is near.
func instead(name string, known []string) string {
	if len(known) == 0 {
		return "there are none"
	}
	if near := nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "use " + oneOf(known)
}

// oneOf lists words for a message: "a, b or c". Of very many it names the first.
func oneOf(words []string) string {
	const most = 40
	switch {
	case len(words) == 1:
		return words[0]
	case len(words) > most:
		return strings.Join(words[:most], ", ") + ", …"
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// allOf lists words that a value may be, of which the last may be empty.
func allOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + cmp.Or(words[last], `""`)
}
