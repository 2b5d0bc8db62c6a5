package pipeline

import (
	"strings"
)

// Wanted are the parts of a step that later expressions look at: names of StepValue's
// JSON, such as output, and of the nodes or items in it, such as nodes.id. "" is all of
// it. State, verdict and reason are not told: they are always kept.
type Wanted map[string]bool

// References are the parts of each step that expressions of the pipeline look at, by the
// names of the steps. Of steps that none refers to there are none.
func References(p Pipeline) map[string]Wanted { return Together(ReferencesByStep(p)) }

// Together puts together what steps look at, each by itself.
func Together(byStep map[string]map[string]Wanted) map[string]Wanted {
	all := make(map[string]Wanted)
	for _, by := range keys(byStep) {
		looked := byStep[by]
		for _, step := range keys(looked) {
			if all[step] == nil {
				all[step] = make(Wanted)
			}
			for _, part := range keys(looked[step]) {
				all[step][part] = true
			}
		}
	}
	return all
}

// ReferencesByStep are the References of each step of the pipeline by itself, by its name,
// and under "" those of the outputs.
func ReferencesByStep(p Pipeline) map[string]map[string]Wanted {
	all := make(map[string]map[string]Wanted)
	places := p.places()
	v := p.visible(places, places)
	v.Item = true
	root := v.shape()
	for _, name := range keys(places) {
		t := newTrace(v, root)
		t.follow(places[name].step)
		all[name] = t.references()
	}
	t := newTrace(v, root)
	for _, output := range p.Outputs {
		t.text(output.Value)
	}
	all[""] = t.references()
	return all
}

func (t *trace) references() map[string]Wanted {
	all := make(map[string]Wanted)
	for _, part := range keys(t.looked) {
		step, field, _ := strings.Cut(part, ".")
		if all[step] == nil {
			all[step] = make(Wanted)
		}
		all[step][field] = true
	}
	return all
}

// follow walks the expressions of a step. Those of its body look at parts of an earlier step
// also by item, where the foreach runs over such.
func (t *trace) follow(step Step) {
	if step.Foreach != nil {
		list := t.expression(step.Foreach.In)
		t.count(list)
		t.item = thing{shape: anything, parts: list.parts}
		if list.shape != nil && list.shape.of != nil {
			t.item.shape = list.shape.of
		}
	}
	t.look(t.expression(step.When))
	_, _ = walked(step.With, nil, func(text Text, _ []string) (any, error) {
		t.text(text)
		return text, nil
	})
}

func (t *trace) text(text Text) {
	pieces, _ := text.pieces()
	for _, p := range pieces {
		if p.code != "" {
			t.look(t.expression(p.code))
		}
	}
}

// expression is what an expression comes to. Of one that is wrong nothing is known: it
// will fail.
func (t *trace) expression(e Expression) thing {
	if e.bounded() != nil {
		return thing{shape: anything}
	}
	tree, _, err := e.parse(t.root.naming(string(e)).typed())
	if err != nil {
		return thing{shape: anything}
	}
	node := tree.Node
	if inner, is := unraw(node); is {
		node = inner
	}
	return t.visit(node)
}

// Wants says whether a part of the step is looked at, such as output, or the whole that it
// belongs to, or something within it.
func (w Wanted) Wants(part string) bool {
	if w[""] || w[part] {
		return true
	}
	for _, each := range keys(w) {
		if strings.HasPrefix(each, part+".") || strings.HasPrefix(part, each+".") {
			return true
		}
	}
	return false
}

// Within are the wanted parts of the items of a foreach, or of nodes: of what is under
// the name of a list.
func (w Wanted) Within(list string) Wanted {
	within := make(Wanted)
	for _, each := range keys(w) {
		if each == "" || each == list {
			within[""] = true
		}
		if part, is := strings.CutPrefix(each, list+"."); is {
			within[part] = true
		}
	}
	return within
}

// Keep is a value without what is not wanted of it.
func (w Wanted) Keep(v StepValue) StepValue {
	kept := StepValue{State: v.State, Succeeded: v.Succeeded, Failed: v.Failed, Skipped: v.Skipped, Verdict: v.Verdict, Reason: v.Reason}
	if w.Wants("counts") {
		kept.Counts = v.Counts
	}
	if w.Wants("output") {
		kept.Output = v.Output
	}
	if w.Wants("json") {
		kept.JSON = v.JSON
	}
	if w.Wants("job") {
		kept.Job = v.Job
	}
	if w.Wants("by") {
		kept.By = v.By
	}
	if w.Wants("outputs") {
		kept.Outputs = v.Outputs
	}
	if w.Wants("item") {
		kept.Item = v.Item
	}
	if within := w.Within("items"); len(within) > 0 {
		for _, item := range v.Items {
			kept.Items = append(kept.Items, within.Keep(item))
		}
	}
	if within := w.Within("nodes"); len(within) > 0 {
		for _, node := range v.Nodes {
			if !within.Wants("output") {
				node.Output = ""
			}
			kept.Nodes = append(kept.Nodes, node)
		}
	}
	return kept
}
