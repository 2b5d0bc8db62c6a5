package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Fault is something that is wrong with an expression or a text, and where in it.
type Fault struct {
	Offset  int // bytes of the text before it
	Line    int // of the text, from 1
	Column  int // in characters, from 1
	Message string
}

// Faults are all that is wrong with an expression or a text, in its order.
type Faults []Fault

// Error says each on a line of its own.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Message
	}
	return strings.Join(lines, "\n")
}

// orNil keeps a list without faults from being an error.
func (f Faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// placed gives the faults the lines and columns that their offsets have in a text.
func (f Faults) placed(text string) Faults {
	for i := range f {
		f[i].Offset = max(0, min(f[i].Offset, len(text)))
		before := text[:f[i].Offset]
		f[i].Line = 1 + strings.Count(before, "\n")
		f[i].Column = 1 + utf8.RuneCountInString(before[1+strings.LastIndexByte(before, '\n'):])
	}
	slices.SortStableFunc(f, func(a, b Fault) int { return a.Offset - b.Offset })
	return f
}

// moved places faults of a part of a text that begins at an offset.
func (f Faults) moved(by int) Faults {
	for i := range f {
		f[i].Offset += by
	}
	return f
}

func faultAt(offset int, format string, values ...any) Fault {
	return Fault{Offset: offset, Message: fmt.Sprintf(format, values...)}
}

// nearest is the name that another was probably meant to be, "" when none is near. Two
// letters in the wrong order are near, and two short names are not.
func nearest(name string, names []string) string {
	best, distance := "", 1+max(min(2, len(name)-2), len(name)/3)
	for _, each := range slices.Sorted(slices.Values(names)) {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(each)); d < distance {
			best, distance = each, d
		}
	}
	return best
}

// listed names the nearest of what there is, or else all, behind words such as "there
// are".
func listed(name, there string, names []string) string {
	const most = 20
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	names = slices.Sorted(slices.Values(names))
	if len(names) == 0 {
		return there + " none"
	}
	if len(names) > most {
		return fmt.Sprintf("%s %s and %d others", there, strings.Join(names[:most], ", "), len(names)-most)
	}
	return there + " " + strings.Join(names, ", ")
}
