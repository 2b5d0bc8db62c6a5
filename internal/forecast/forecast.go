// Package forecast says what a run of a pipeline would do, from its file and its inputs
// alone: it asks neither Temporal nor a cluster. What only the run can tell, it says so of.
package forecast

import (
	"slices"

	"ehpcflow/pipeline"
)

// Plan is what a run of a pipeline would do.
type Plan struct {
	Pipeline    string         `json:"pipeline"` // its name
	Description string         `json:"description,omitempty"`
	Inputs      []GivenInput   `json:"inputs"`
	Clusters    []NamedCluster `json:"clusters"`
	Concurrency int            `json:"concurrency"` // steps at a time
	Steps       []PlannedStep  `json:"steps"`       // in the order in which they may begin; those of finally last
	Requests    Requests       `json:"requests"`
	Open        []string       `json:"open,omitempty"` // what only the run can tell, in sentences

	values map[string]any    // of the inputs
	ids    map[string]string // of the clusters, by their short names
}

// GivenInput is an input with the value that the run goes by.
type GivenInput struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// NamedCluster is a short name for a cluster. The id is as written where only the run can tell.
type NamedCluster struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// PlannedStep is what a step would do.
type PlannedStep struct {
	Name  string        `json:"name"` // of a pipeline that is a step, behind that one's name and a slash
	Kind  pipeline.Kind `json:"kind"`
	Layer int           `json:"layer"` // from 1: it waits for steps of the layers before alone
	Needs []string      `json:"needs,omitempty"`

	OnFailureOf string `json:"onFailureOf,omitempty"` // it runs only when this step failed
	Finally     bool   `json:"finally,omitempty"`     // it runs when all others have ended

	Clusters []string `json:"clusters,omitempty"`
	Does     string   `json:"does"` // in words

	// When is its condition; Skipped says that it is known to be false.
	When    string `json:"when,omitempty"`
	Skipped bool   `json:"skipped,omitempty"`

	// Foreach says that it runs for each item of a list, and Items for how many; nil where
	// only the run can tell.
	Foreach bool `json:"foreach,omitempty"`
	Items   *int `json:"items,omitempty"`

	Attempts       int `json:"attempts,omitempty"`       // at the most
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"` // of an attempt, or of an item; 0 is none

	requests Requests
}

// Of makes the plan of a pipeline, with a value for each of its inputs.
func Of(p pipeline.Pipeline, inputs map[string]any) Plan {
	plan := Plan{
		Pipeline: p.Name, Description: p.Description, Inputs: []GivenInput{}, Clusters: []NamedCluster{},
		Concurrency: max(p.Concurrency, 0), values: inputs, ids: make(map[string]string),
	}
	if plan.Concurrency == 0 {
		plan.Concurrency = pipeline.DefaultConcurrency
	}
	for _, input := range p.Inputs {
		plan.Inputs = append(plan.Inputs, GivenInput{input.Name, inputs[input.Name]})
	}
	for _, cluster := range p.Clusters {
		id := string(cluster.ID)
		if value, known := plan.text(p, cluster.ID); known {
			id = value
		}
		plan.Clusters = append(plan.Clusters, NamedCluster{cluster.Name, id})
		plan.ids[cluster.Name] = id
	}
	steps := plan.steps(p, p.Steps, "")
	slices.SortStableFunc(steps, func(a, b PlannedStep) int { return a.Layer - b.Layer })
	last := plan.steps(p, p.Finally, "")
	slices.SortStableFunc(last, func(a, b PlannedStep) int { return a.Layer - b.Layer })
	for i := range last {
		last[i].Finally = true
	}
	plan.Steps = slices.Concat(steps, last)
	for _, step := range plan.Steps {
		plan.Requests.add(step.requests)
	}
	return plan
}

// text evaluates a text that refers to nothing but inputs and clusters.
func (plan *Plan) text(p pipeline.Pipeline, text pipeline.Text) (string, bool) {
	if text.Check(plan.visible(p)) != nil {
		return "", false
	}
	value, err := text.Eval(plan.scope())
	written, is := value.(string)
	return written, err == nil && is
}

// visible is what can be told before the run.
func (plan *Plan) visible(p pipeline.Pipeline) pipeline.Visible {
	v := pipeline.Visible{Inputs: p.Inputs}
	for name := range plan.ids {
		v.Clusters = append(v.Clusters, name)
	}
	return v
}

func (plan *Plan) scope() pipeline.Scope {
	return pipeline.Scope{Inputs: plan.values, Clusters: plan.ids}
}
