package workflows

import (
	"encoding/json"
	"regexp"
	"slices"

	"ehpcflow/pipeline"
)

var stepNamed = regexp.MustCompile(`steps\.([A-Za-z][A-Za-z0-9_]*)`)

// refersTo are the steps that a step's expressions refer to.
func refersTo(def pipeline.Step) []string {
	text, _ := json.Marshal([]any{def.When, def.Foreach, def.With})
	var names []string
	for _, found := range stepNamed.FindAllSubmatch(text, -1) {
		names = append(names, string(found[1]))
	}
	return names
}

// wanted says whether a later step refers to one.
func (r *pipelineRun) wanted(name string) bool {
	for _, def := range append(r.steps.defs, r.finally.defs...) {
		if slices.Contains(refersTo(def), name) {
			return true
		}
	}
	for _, output := range r.in.Pipeline.Outputs {
		for _, found := range stepNamed.FindAllStringSubmatch(string(output.Value), -1) {
			if found[1] == name {
				return true
			}
		}
	}
	return false
}
