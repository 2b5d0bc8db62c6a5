package pipeline

import (
	"math"
	"strings"
	"time"
)

// builder turns a file of the right shape into a pipeline.
type builder struct {
	file     *File
	subs     []subStep
	problems []Problem
}

// subStep is a step that refers to a file.
type subStep struct {
	step *Step
	node *node // its body
	path string
}

func (b *builder) pipeline(root *node) Pipeline {
	p := Pipeline{
		Name:        root.get("name").text(),
		Description: root.get("description").text(),
		Concurrency: root.get("concurrency").number(),
		Steps:       b.steps(root.get("steps"), "steps"),
		Finally:     b.steps(root.get("finally"), "finally"),
	}
	for _, each := range root.get("inputs").entries() {
		input := Input{
			Name:        each.name,
			Type:        InputType(each.value.get("type").text()),
			Description: each.value.get("description").text(),
		}
		if given := each.value.get("default"); given != nil {
			input.Default = given.plain()
		}
		for _, accepted := range each.value.get("enum").list() {
			input.Enum = append(input.Enum, accepted.plain())
		}
		p.Inputs = append(p.Inputs, input)
	}
	for _, each := range root.get("clusters").entries() {
		p.Clusters = append(p.Clusters, Cluster{each.name, Text(each.value.text())})
	}
	for _, each := range root.get("outputs").entries() {
		p.Outputs = append(p.Outputs, Output{each.name, Text(each.value.text())})
	}
	b.findSubs(p.Steps, root.get("steps"), "steps")
	b.findSubs(p.Finally, root.get("finally"), "finally")
	return p
}

func (b *builder) steps(from *node, path string) []Step {
	var steps []Step
	for _, each := range from.entries() {
		steps = append(steps, b.step(each.name, each.value, path+"."+each.name))
	}
	return steps
}

// findSubs keeps the steps that refer to files, where they will stay.
func (b *builder) findSubs(steps []Step, from *node, path string) {
	for i, each := range from.entries() {
		step := &steps[i]
		at := path + "." + each.name
		if step.Kind == SubPipeline {
			b.subs = append(b.subs, subStep{step, each.value.get(string(SubPipeline)), at})
		}
		b.findSubs(step.OnFailure.Run, each.value.get("onFailure").get("run"), at+".onFailure.run")
	}
}

func (b *builder) step(name string, from *node, path string) Step {
	step := Step{
		Name:           name,
		When:           Expression(from.get("when").word()),
		TimeoutSeconds: from.get("timeout").seconds(),
		Output:         OutputForm(from.get("output").text()),
	}
	for _, need := range from.get("needs").list() {
		step.Needs = append(step.Needs, need.text())
	}
	if foreach := from.get("foreach"); foreach != nil {
		step.Foreach = foreachOf(foreach)
	}
	switch retry := from.get("retry"); {
	case retry == nil:
	case retry.entries() == nil:
		step.Retry = &Retry{Attempts: retry.number()}
	default:
		step.Retry = &Retry{Attempts: retry.get("attempts").number(), BackoffSeconds: retry.get("backoff").seconds()}
	}
	switch failure := from.get("onFailure"); {
	case failure == nil:
	case failure.entries() == nil:
		step.OnFailure.Do = FailureAction(failure.text())
	default:
		step.OnFailure.Do = FailureAction(failure.get("do").text())
		step.OnFailure.Run = b.steps(failure.get("run"), path+".onFailure.run")
	}
	for _, kind := range Kinds {
		if body := from.get(string(kind)); body != nil {
			step.Kind, step.With = kind, bodyOf(kind, body)
		}
	}
	return step
}

func foreachOf(from *node) *Foreach {
	foreach := &Foreach{
		In:          Expression(from.get("in").text()),
		Concurrency: from.get("concurrency").number(),
	}
	items := from.list()
	if given := from.get("items"); given != nil {
		items = given.list()
	}
	for _, item := range items {
		foreach.Items = append(foreach.Items, item.plain())
	}
	return foreach
}

// bodyOf is the body of a step with its short forms written out: a wait that is a text,
// and what may be written as a number, or a list, of what is a text.
func bodyOf(kind Kind, from *node) map[string]any {
	if kind == Waits && from.entries() == nil && from.text() != "" {
		return map[string]any{"for": from.text()}
	}
	body, _ := from.plain().(map[string]any)
	for _, key := range []string{"rollout", "variables"} {
		texts := map[string]any{}
		for _, each := range from.get(key).entries() {
			texts[each.name] = each.value.word()
		}
		if len(texts) > 0 && (kind == RunsCommand || kind == RunsJob) {
			body[key] = texts
		}
	}
	return body
}

// word is a scalar as it is written, and a list as its items with commas between them.
func (n *node) word() string {
	if n == nil {
		return ""
	}
	if items := n.list(); items != nil {
		words := make([]string, len(items))
		for i, item := range items {
			words[i] = item.word()
		}
		return strings.Join(words, ",")
	}
	return n.literal
}

// number is a whole number, or 0.
func (n *node) number() int {
	if n == nil {
		return 0
	}
	number, _ := n.value.(int)
	return number
}

// length of time that a text says.
func (n *node) length() time.Duration {
	length, err := time.ParseDuration(n.text())
	if err != nil { // more than there is
		return math.MaxInt64
	}
	return length
}

// seconds of a length of time, rounded up, or 0.
func (n *node) seconds() int {
	if n == nil {
		return 0
	}
	return Duration(min(n.length(), math.MaxInt64-time.Second)).Seconds()
}

// named is a step of a file with its place.
type named struct {
	name         string
	path         string // such as steps.solve
	line, column int
	value        *node
	of           string // the step whose onFailure has it
	finally      bool
	step         Step
}

// stepsOf are all steps of a file, those of an onFailure behind their step, and those of
// its finally last.
func stepsOf(root *node) []named {
	var all []named
	var add func(from *node, path, of string, finally bool)
	add = func(from *node, path, of string, finally bool) {
		for _, each := range from.entries() {
			at := path + "." + each.name
			all = append(all, named{name: each.name, path: at, line: each.line, column: each.column, value: each.value, of: of, finally: finally})
			if run := each.value.get("onFailure").get("run"); run != nil {
				add(run, at+".onFailure.run", each.name, finally)
			}
		}
	}
	add(root.get("steps"), "steps", "", false)
	add(root.get("finally"), "finally", "", true)
	return all
}

// allSteps of a pipeline, in the order of stepsOf.
func allSteps(p Pipeline) []Step {
	var all []Step
	var add func(steps []Step)
	add = func(steps []Step) {
		for _, step := range steps {
			all = append(all, step)
			add(step.OnFailure.Run)
		}
	}
	add(p.Steps)
	add(p.Finally)
	return all
}
