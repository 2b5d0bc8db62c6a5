package pipeline

import (
	"cmp"
	"maps"
	"strings"

	"github.com/expr-lang/expr/types"
)

// Visible is what an expression may refer to: a Scope before anything has run.
type Visible struct {
	Inputs   []Input
	Clusters []string
	Steps    []VisibleStep // that are sure to have ended

	// Hidden are the other steps of the pipeline. An expression that names one is told
	// that it may not have ended.
	Hidden []string

	Item bool   // whether there are item and index: in a step with a foreach
	item *shape // of the item, where the foreach says; nil is anything
	Run  bool   // whether there is run: everywhere but in the ids of clusters
}

// VisibleStep is a step that an expression may refer to.
type VisibleStep struct {
	Name    string
	Kind    Kind
	Foreach bool
	Output  OutputForm
	Outputs []string // names, of a pipeline
	Unread  bool     // a pipeline whose file could not be read, so that any output may be there
}

// States that the counts of a step are by: those of nodes, and those of the items of a
// foreach.
var (
	NodeStates = []string{
		"pending", "running", "unknown", "finished", "failed", "stopped", "timed_out", "succeeded", "nonzero", "lost", "skipped",
	}
	ItemStates = []string{"waiting", "running", "succeeded", "failed", "skipped", "canceled"}
)

// EndedStates are those of a step, or of an item, that has ended; Verdicts those of what a
// step of a kind ran, "" where nothing ran, or it could not be followed to its end.
var (
	EndedStates = []string{"succeeded", "failed", "skipped", "canceled"}
	Verdicts    = map[Kind][]string{
		RunsCommand: {"succeeded", "partial", "failed", "gone", "aborted", "canceled", "parked", ""},
		RunsJob:     {"succeeded", "failed", "canceled", ""},
		SubPipeline: {"succeeded", "partial", "failed", "canceled", ""},
	}
)

// VisibleTo is what the expressions of a step may refer to: the inputs, and the steps
// that are sure to have ended before it. They are what it needs and what these need; for
// a step of an onFailure also the step that failed and what that needs, and for one of
// finally all of the steps.
func (p Pipeline) VisibleTo(name string) Visible {
	places := p.places()
	v := p.visible(places, p.ended(places, name))
	if foreach := places[name].step.Foreach; foreach != nil {
		v.Item, v.item = true, newTrace(v, v.naming(string(foreach.In)).shape()).expression(foreach.In).shape.of
	}
	return v
}

// VisibleToOutputs is what the outputs of the pipeline may refer to.
func (p Pipeline) VisibleToOutputs() Visible {
	places := p.places()
	return p.visible(places, maps.Clone(places))
}

// VisibleToClusters is what the ids of clusters may refer to.
func (p Pipeline) VisibleToClusters() Visible { return Visible{Inputs: p.Inputs} }

// place is where a step stands in a pipeline.
type place struct {
	step    Step
	of      string // the step whose onFailure has it
	finally bool
}

// places are those of all steps by their names. Of two with one name it is the first.
func (p Pipeline) places() map[string]place {
	places := make(map[string]place)
	add := func(step Step, of string, finally bool) {
		if _, known := places[step.Name]; !known {
			places[step.Name] = place{step, of, finally}
		}
	}
	for _, step := range p.Steps {
		add(step, "", false)
	}
	for _, step := range p.Steps {
		for _, run := range step.OnFailure.Run {
			add(run, step.Name, false)
		}
	}
	for _, step := range p.Finally {
		add(step, "", true)
	}
	return places
}

// ended are the steps that are sure to have ended before one starts. Needs that lead in
// a circle, or to no step, are another's to report.
func (p Pipeline) ended(places map[string]place, name string) map[string]place {
	ended := make(map[string]place)
	var follow func(name string)
	need := func(name string) {
		if at, known := places[name]; known && ended[name].step.Name == "" {
			ended[name] = at
			follow(name)
		}
	}
	follow = func(name string) {
		at := places[name]
		for _, each := range at.step.Needs {
			need(each)
		}
		if at.of != "" {
			need(at.of)
		}
		if at.finally {
			for _, other := range keys(places) {
				if !places[other].finally {
					ended[other] = places[other]
				}
			}
		}
	}
	follow(name)
	delete(ended, name)
	return ended
}

func (p Pipeline) visible(places, ended map[string]place) Visible {
	v := Visible{Inputs: p.Inputs, Run: true}
	for _, cluster := range p.Clusters {
		v.Clusters = append(v.Clusters, cluster.Name)
	}
	for _, name := range keys(places) {
		at, has := ended[name]
		if !has {
			v.Hidden = append(v.Hidden, name)
			continue
		}
		step := VisibleStep{Name: name, Kind: at.step.Kind, Foreach: at.step.Foreach != nil, Output: at.step.Output}
		step.Unread = at.step.Kind == SubPipeline && at.step.Pipeline == nil
		if at.step.Pipeline != nil {
			for _, output := range at.step.Pipeline.Outputs {
				step.Outputs = append(step.Outputs, output.Name)
			}
		}
		v.Steps = append(v.Steps, step)
	}
	return v
}

// shape is what is known of a value before anything has run: the fields that it has, or
// what it is a list of, or its type, and of some texts which there are. The zero value is
// of what may be anything.
type shape struct {
	fields map[string]*shape
	of     *shape
	plain  types.Type
	words  []string
}

var (
	anything = &shape{plain: types.Any}
	text     = &shape{plain: types.String}
	whole    = &shape{plain: types.Int}
	number   = &shape{plain: types.Float64}
	yesOrNo  = &shape{plain: types.Bool}
	texts    = &shape{of: text}

	// What a node has, and a job. An exit code that was not read is nil.
	nodeShape = &shape{fields: map[string]*shape{"id": text, "host": text, "state": worded(NodeStates), "exitCode": anything, "output": text}}
	jobShape  = &shape{fields: map[string]*shape{"id": text, "name": text, "state": text, "exitStatus": anything}}
	runShape  = &shape{fields: map[string]*shape{"id": text, "verdict": worded(Verdicts[SubPipeline])}}
)

// shapesOfInputs are those of the inputs' types.
var shapesOfInputs = map[InputType]*shape{
	String: text, Integer: whole, Number: number, Boolean: yesOrNo, List: {of: anything},
}

// shapeOfSteps is what every step has that has ended; shapesOfKinds what those of a kind
// have besides.
var (
	shapeOfSteps = map[string]*shape{
		"state": worded(EndedStates), "succeeded": yesOrNo, "failed": yesOrNo, "skipped": yesOrNo, "reason": text,
	}
	shapesOfKinds = map[Kind]map[string]*shape{
		RunsCommand: {"verdict": worded(Verdicts[RunsCommand]), "counts": counts(NodeStates), "output": text, "nodes": {of: nodeShape}},
		RunsJob:     {"verdict": worded(Verdicts[RunsJob]), "output": text, "job": jobShape},
		Approves:    {"by": texts},
		Waits:       {},
		SubPipeline: {"verdict": worded(Verdicts[SubPipeline])},
	}
)

// worded is a text that is one of some words.
func worded(words []string) *shape { return &shape{plain: types.String, words: words} }

func counts(states []string) *shape {
	fields := make(map[string]*shape, len(states))
	for _, state := range states {
		fields[state] = whole
	}
	return &shape{fields: fields}
}

// naming is what is visible without the steps that a text cannot name. Expressions name
// steps as they are, and a thousand steps take long to describe.
func (v Visible) naming(text string) Visible {
	var steps []VisibleStep
	for _, step := range v.Steps {
		if strings.Contains(text, step.Name) {
			steps = append(steps, step)
		}
	}
	v.Steps = steps
	return v
}

// naming is the same for the shape of all that is visible. In which order the steps are
// looked at does not matter.
//
//workflowcheck:ignore
func (s *shape) naming(text string) *shape {
	steps := make(map[string]*shape)
	for name, step := range s.fields["steps"].fields {
		if strings.Contains(text, name) {
			steps[name] = step
		}
	}
	all := maps.Clone(s.fields)
	all["steps"] = &shape{fields: steps}
	return &shape{fields: all}
}

// shape of all that is visible.
func (v Visible) shape() *shape {
	inputs, clusters, steps := map[string]*shape{}, map[string]*shape{}, map[string]*shape{}
	for _, input := range v.Inputs {
		inputs[input.Name] = cmp.Or(shapesOfInputs[input.Type], anything)
	}
	for _, cluster := range v.Clusters {
		clusters[cluster] = text
	}
	for _, step := range v.Steps {
		steps[step.Name] = step.shape()
	}
	all := map[string]*shape{"inputs": {fields: inputs}, "clusters": {fields: clusters}, "steps": {fields: steps}}
	if v.Run {
		all["run"] = runShape
	}
	if v.Item {
		all["item"], all["index"] = cmp.Or(v.item, anything), whole
	}
	return &shape{fields: all}
}

func (s VisibleStep) shape() *shape {
	if s.Kind == "" { // its file is wrong there
		return anything
	}
	fields := maps.Clone(shapeOfSteps)
	for _, name := range keys(shapesOfKinds[s.Kind]) {
		fields[name] = shapesOfKinds[s.Kind][name]
	}
	if s.Kind == SubPipeline {
		outputs := map[string]*shape{}
		for _, output := range s.Outputs {
			outputs[output] = anything
		}
		fields["outputs"] = &shape{fields: outputs}
		if s.Unread {
			fields["outputs"] = anything
		}
	}
	if s.Output == AsJSON {
		fields["json"] = anything
	}
	if !s.Foreach {
		return &shape{fields: fields}
	}
	fields["item"] = anything
	each := maps.Clone(shapeOfSteps)
	each["counts"], each["items"] = counts(ItemStates), &shape{of: &shape{fields: fields}}
	return &shape{fields: each}
}

// names of the fields, in their order.
func (s *shape) names() []string { return keys(s.fields) }

// typed is the shape in the words of expr.
func (s *shape) typed() types.Type {
	switch {
	case s == nil:
		return types.Any
	case s.fields != nil:
		fields := make(types.Map, len(s.fields))
		for _, name := range keys(s.fields) {
			fields[name] = s.fields[name].typed()
		}
		return fields
	case s.of != nil:
		return types.Array(s.of.typed())
	}
	return s.plain
}
