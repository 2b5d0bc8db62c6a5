package workflows

import (
	"fmt"
	"time"

	"ehpcflow/activities/columns"
	"ehpcflow/pipeline"
)

// ItemsInput is a step with a foreach, and what its expressions see.
type ItemsInput struct {
	Step     pipeline.Step                 `json:"step"` // its foreach without the list
	Items    []any                         `json:"items"`
	Inputs   map[string]any                `json:"inputs,omitempty"`
	Clusters map[string]string             `json:"clusters,omitempty"`
	Steps    map[string]pipeline.StepValue `json:"steps,omitempty"` // that the step refers to
	Run      string                        `json:"run"`             // of the pipeline
	Verdict  string                        `json:"verdict,omitempty"`
	Depth    int                           `json:"depth,omitempty"`
	Retried  bool                          `json:"retried,omitempty"` // as that of a PipelineInput
	Keep     pipeline.Wanted               `json:"keep,omitempty"`    // what later steps refer to of the items

	// Done is as that of a PipelineInput: items of the runs before, by their numbers there,
	// and what was done within their runs.
	Done map[string]StepResult `json:"done,omitempty"`

	// Resumed is set by a run that goes on as a new one: how its items stand.
	Resumed *ItemsResumption `json:"resumed,omitempty"`
}

// ItemsResumption is what a run of items goes on from.
type ItemsResumption struct {
	StartedAt time.Time   `json:"startedAt"`
	Items     ItemResults `json:"items"`
}

// ItemResults are items in the order of their list; a long list is written as columns.
type ItemResults []StepResult

// MarshalJSON writes the list; see package columns.
func (r ItemResults) MarshalJSON() ([]byte, error) { return columns.Marshal(r) }

// UnmarshalJSON reads it, also as a plain array.
func (r *ItemResults) UnmarshalJSON(text []byte) error {
	return columns.Unmarshal(text, (*[]StepResult)(r))
}

// launchItems is the run of the items of a step.
func (r *pipelineRun) launchItems(def pipeline.Step, items []any, scope pipeline.Scope) (launch, error) {
	name := def.Name
	in := ItemsInput{
		Step: def, Items: items, Inputs: scope.Inputs, Clusters: scope.Clusters, Steps: make(map[string]pipeline.StepValue),
		Run: scope.Run.ID, Verdict: scope.Run.Verdict, Depth: r.in.Depth, Retried: r.in.Retried, Keep: r.wanted[name].Within("items"),
	}
	in.Step.Foreach = &pipeline.Foreach{Concurrency: def.Foreach.Concurrency}
	in.Step.OnFailure.Run = nil
	for _, step := range sorted(r.looks[name]) {
		if value, ended := scope.Steps[step]; ended {
			in.Steps[step] = r.looks[name][step].Keep(value)
		}
	}
	if room := in.room(StepRunID(r.family.runID, name)); room < 0 {
		return launch{}, fmt.Errorf("foreach: %d items, with what they refer to, take %d bytes too much as JSON: have fewer, let them refer to less, or let steps write to files what they print", len(items), -room)
	}
	return launch{
		workflow: itemsType, input: in, phase: Watching, clusters: r.family.clusters.ids(), weight: mostFreight,
		summary: fmt.Sprintf("%s: %s for each of %d items", name, def.Kind, len(items)),
		expect:  expecting(func(r ItemsResult) outcome { return itemsOutcome(r, items) }),
	}, nil
}

// room is how many bytes of JSON a run of that name has left of what it may go on from,
// beside its list, what its items see, and what is known of each of them.
func (in ItemsInput) room(runID string) int {
	room := mostGoesOn - len(in.Items)*(2*mostOfItem+200+len(runID))
	room -= pipeline.Pipeline{Steps: []pipeline.Step{in.Step}}.Weight() + pipeline.Weight(in.Items) + pipeline.Weight(in.Inputs)
	for _, step := range sorted(in.Steps) {
		room -= pipeline.WeightOfText(step) + 1 + weighValue(in.Steps[step])
	}
	return room
}
