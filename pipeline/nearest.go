package pipeline

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// instead says which known name may have been meant, or all of them when none is near.
func instead(name string, known []string) string {
	if len(known) == 0 {
		return "there are none"
	}
	if near := nearName(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "use " + oneOf(known)
}

// nearName is the known name that is nearest, or "" when none is near. It looks past the
// ways of writing a name: on-failure, OnFailure.
func nearName(name string, known []string) string {
	plain := strings.NewReplacer("-", "", "_", "", ".", "", " ", "")
	distance := func(to string) int {
		return levenshtein.ComputeDistance(plain.Replace(strings.ToLower(name)), plain.Replace(strings.ToLower(to)))
	}
	if len(known) == 0 || len(name) > 2*MaxName {
		return ""
	}
	near := slices.MinFunc(known, func(a, b string) int { return distance(a) - distance(b) })
	if distance(near) <= min(2, len(near)/2) || distance(near) <= len(near)/4 {
		return near
	}
	return ""
}

// oneOf lists words for a message: "a, b or c". Of very many it names the first.
func oneOf(words []string) string {
	const most = 20
	switch {
	case len(words) == 1:
		return words[0]
	case len(words) > most:
		return strings.Join(words[:most], ", ") + ", …"
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
