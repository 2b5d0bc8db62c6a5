package console

import (
	"fmt"
	"io"
	"strings"

	"ehpcflow/pipeline"
)

// FileCheck is what was found in the file of a pipeline.
type FileCheck struct {
	File     string             `json:"file"`
	Valid    bool               `json:"valid"`    // there are no problems
	Problems []pipeline.Problem `json:"problems"` // in it, and in the files that it refers to

	// More says that there may be more, in what could not be checked because of these.
	More bool `json:"more,omitempty"`

	// Pipeline is its name, Steps are how many steps of each kind it has, and Clusters and
	// Inputs the names of those, of a file without problems.
	Pipeline string                `json:"pipeline,omitempty"`
	Steps    map[pipeline.Kind]int `json:"steps,omitempty"`
	Clusters []string              `json:"clusters,omitempty"`
	Inputs   []string              `json:"inputs,omitempty"`
}

// WriteFileChecksJSON writes checks for machines.
func WriteFileChecksJSON(out io.Writer, checks []FileCheck) error { return writeAnyJSON(out, checks) }

// WriteFileChecks writes checks for people: a line for each problem, and one for each file
// without.
func WriteFileChecks(out io.Writer, checks []FileCheck) error {
	var b strings.Builder
	for _, check := range checks {
		for _, problem := range check.Problems {
			b.WriteString(printable(problem.String()) + "\n")
		}
		if check.More {
			b.WriteString(printable(check.File) + ": " + pipeline.MoreMayBeFound + "\n")
		}
		if check.Valid {
			b.WriteString(printable(check.File+": "+check.summary()) + "\n")
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// summary reads "pipeline solve: 3 commands, 1 job; clusters main; inputs mesh, cores".
func (c FileCheck) summary() string {
	all := 0
	var kinds []string
	for _, kind := range pipeline.Kinds {
		if n := c.Steps[kind]; n > 0 {
			all += n
			kinds = append(kinds, counted(n, string(kind)))
		}
	}
	text := fmt.Sprintf("pipeline %s is right: %s (%s)", c.Pipeline, counted(all, "step"), strings.Join(kinds, ", "))
	for _, part := range []struct {
		name  string
		words []string
	}{{"clusters", c.Clusters}, {"inputs", c.Inputs}} {
		if len(part.words) > 0 {
			text += fmt.Sprintf("; %s %s", part.name, strings.Join(part.words, ", "))
		}
	}
	return text
}
