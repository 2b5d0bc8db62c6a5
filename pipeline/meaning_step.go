package pipeline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// step checks what a step says by itself.
func (m *meaning) step(step named) {
	m.place(step)
	m.times(step)
	body := step.value.get(string(step.step.Kind))
	if retry := step.value.get("retry"); retry != nil {
		switch rollout := body.get("rollout"); {
		case step.step.Kind == Approves, step.step.Kind == Waits:
			m.at(retry, step.path+".retry", "%s is not tried again: take it away", kindInWords[step.step.Kind])
		case rollout.get("attempts") != nil:
			m.at(rollout.get("attempts"), step.path+".command.rollout.attempts", "the step's retry says the same: keep one of them")
		case rollout.get("retryBackoff") != nil && retry.get("backoff") != nil:
			m.at(rollout.get("retryBackoff"), step.path+".command.rollout.retryBackoff", "the step's retry says the same: keep one of them")
		}
	}
	if output := step.value.get("output"); output != nil && step.step.Kind != RunsCommand && step.step.Kind != RunsJob {
		m.at(output, step.path+".output", "%s prints nothing: take it away", kindInWords[step.step.Kind])
	}
	if foreach := step.value.get("foreach"); foreach != nil {
		m.plainItems(foreach, step.path+".foreach")
		m.numbers(foreach.get("concurrency"), step.path+".foreach.concurrency", true)
	}
	m.numbers(step.value.get("retry"), step.path+".retry", true)
	path := step.path + "." + string(step.step.Kind)
	m.fields(step, body, path)
	switch step.step.Kind {
	case RunsCommand:
		m.clusterOf(body, path, "cluster", "clusters")
	case RunsJob:
		m.clusterOf(body, path, "cluster")
	case Approves:
		m.approval(body, path)
	case SubPipeline:
		m.given(step, body.get("inputs"), path+".inputs")
	case Waits:
	}
}

// kindInWords are the kinds of which a sentence says that they do not do something.
var kindInWords = map[Kind]string{Approves: "an approval", Waits: "a wait", SubPipeline: "a pipeline"}

// place checks what is not possible in a step of finally, or of an onFailure.
func (m *meaning) place(step named) {
	failure := step.value.get("onFailure")
	run := failure.get("run")
	switch {
	case step.finally && step.step.Kind == Approves:
		m.at(step.value.get(string(Approves)), step.path+".approval", "nobody may come to approve a step of finally: put it into steps")
	case step.finally && run != nil:
		m.at(run, step.path+".onFailure.run", "a step of finally has no steps for its failure: let other steps of finally need it, with onFailure: continue")
	case step.of != "" && run != nil:
		m.at(run, step.path+".onFailure.run", "a step of an onFailure has no steps for its own failure: take them away")
	case step.of != "" && step.step.OnFailure.Do == Stop:
		m.at(failure, step.path+".onFailure", "a step of an onFailure can skip or continue: use one of these, or leave it out")
	}
	if foreach := step.value.get("foreach"); step.of != "" && foreach != nil {
		m.at(foreach, step.path+".foreach", "a step of an onFailure runs once: take it away")
	}
}

// times checks the lengths of time beside the body.
func (m *meaning) times(step named) {
	m.length(step.value.get("timeout"), step.path+".timeout", MaxTimeout)
	m.length(step.value.get("retry").get("backoff"), step.path+".retry.backoff", time.Hour)
}

func (m *meaning) length(n *node, path string, most time.Duration) {
	if n == nil {
		return
	}
	switch length := n.length(); {
	case length < time.Second:
		m.at(n, path, "it is %s: use 1s or more, or leave it out", cited(n.text()))
	case length > most:
		m.at(n, path, "it is %s: %s is the most", cited(n.text()), inHours(most))
	}
}

// inHours writes a length of time as a file has it.
func inHours(length time.Duration) string { return strings.TrimSuffix(length.String(), "0m0s") }

// plainItems makes sure that the items of a foreach hold no expressions.
func (m *meaning) plainItems(n *node, path string) {
	if items := n.get("items"); items != nil {
		n, path = items, path+".items"
	}
	m.numbers(&node{value: n.list()}, path, false)
	for i, item := range n.list() {
		text, err := json.Marshal(item.plain())
		if err == nil && bytes.Contains(text, []byte("${{")) {
			m.at(item, fmt.Sprintf("%s[%d]", path, i), "items are taken as they are, and expressions in them are not evaluated: use in, with an expression that comes to a list")
		}
	}
}

// fields reads each field of a body that holds no expression as the run will.
func (m *meaning) fields(step named, body *node, path string) {
	for name, value := range step.step.With {
		at, path := body.get(name), path+"."+name
		if at == nil { // the short form of a wait
			at, path = body, step.path+".wait"
		}
		if name != "inputs" && name != "rollout" && name != "variables" {
			m.numbers(at, path, true)
		}
		text, err := json.Marshal(map[string]any{string(step.step.Kind): map[string]any{name: value}})
		if err != nil || bytes.Contains(text, []byte("${{")) {
			continue
		}
		var action Action
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&action); err != nil {
			m.at(at, path, "it is %s: %s", described(at.value), unreadable(err))
			continue
		}
		if isLength(step.step.Kind, name) {
			m.length(at, path, maxLength)
		}
	}
}

// maxLength is the longest time that a body may say.
const maxLength = 366 * 24 * time.Hour

// lengths are the fields that are lengths of time.
var lengths = map[Kind][]string{
	RunsCommand: {"timeout", "expect", "deadline", "grace", "stopWithin"},
	RunsJob:     {"wallClock"},
	Approves:    {"within"},
	Waits:       {"for"},
}

func isLength(kind Kind, field string) bool { return slices.Contains(lengths[kind], field) }

// unreadable is why a value does not become a field.
func unreadable(err error) string {
	if failed := (*time.ParseError)(nil); errors.As(err, &failed) {
		return "there is no such time; write one such as 2026-12-01T22:00:00Z"
	}
	_, text, found := strings.Cut(err.Error(), "is no length of time: ")
	if found {
		return text
	}
	return "it cannot be read: " + err.Error()
}

// clusterID is what the id of a cluster looks like.
var clusterID = regexp.MustCompile(`^ehpc-[A-Za-z0-9-]+$`)

// clusters makes sure that the ids are ids.
func (m *meaning) clusters() {
	for _, each := range m.file.root.get("clusters").entries() {
		if id := each.value.text(); !strings.Contains(id, "${{") && !clusterID.MatchString(id) {
			m.at(each.value, "clusters."+each.name, "%s is no id of a cluster: use one such as ehpc-hz-FYUr32", cited(id))
		}
	}
}

// clusterOf makes sure that a step says where it runs.
func (m *meaning) clusterOf(body *node, path string, fields ...string) {
	var names []string
	for _, cluster := range m.p.Clusters {
		names = append(names, cluster.Name)
	}
	said := 0
	for _, field := range fields {
		n := body.get(field)
		if n == nil {
			continue
		}
		if said++; said > 1 {
			m.at(n, path+"."+field, "there is cluster already: keep one of them")
		}
		if items := n.list(); items != nil && len(items) == 0 {
			m.at(n, path+"."+field, "the list is empty: name clusters, or leave it out")
		}
		for _, each := range append(slices.Clone(n.list()), n) {
			text := each.text()
			if text == "" || strings.Contains(text, "${{") || slices.Contains(names, text) || clusterID.MatchString(text) {
				continue
			}
			m.at(each, path+"."+field, "there is no cluster %s: %s", cited(text), m.whichCluster(text, names))
		}
		m.clustersOnce(n.list(), path+"."+field)
	}
	switch {
	case said > 0 || len(names) == 1:
	case len(names) == 0:
		m.at(body, path, "it does not say on which cluster: name one here, or one for all under clusters, as in main: ehpc-hz-FYUr32")
	default:
		m.at(body, path, "it does not say on which cluster: use %s", oneOf(names))
	}
}

// clustersOnce makes sure that no cluster is named twice. Of two expressions only those
// that are the same can be told to be.
func (m *meaning) clustersOnce(list []*node, path string) {
	ids, named := map[string]string{}, map[string]string{}
	for _, cluster := range m.p.Clusters {
		ids[cluster.Name] = string(cluster.ID)
	}
	for i, each := range list {
		name := each.text()
		id := cmp.Or(ids[name], name)
		switch first, twice := named[id]; {
		case !twice:
			named[id] = name
		case first == name:
			m.at(each, fmt.Sprintf("%s[%d]", path, i), "%s is there already: take it away", cited(name))
		default:
			m.at(each, fmt.Sprintf("%s[%d]", path, i), "%s is the same cluster as %s, and a command runs once on each: take one of them away", cited(name), cited(first))
		}
	}
}

func (m *meaning) whichCluster(name string, names []string) string {
	if len(names) == 0 {
		return "use an id such as ehpc-hz-FYUr32, or name it under clusters"
	}
	return instead(name, names)
}

// approval checks who may approve, and until when.
func (m *meaning) approval(body *node, path string) {
	approvers, needed := body.get("approvers").list(), body.get("needed")
	if n := needed.number(); len(approvers) > 0 && n > len(approvers) {
		m.at(needed, path+".needed", "it is %d, but there are only %d approvers", n, len(approvers))
	}
	if late := body.get("onTimeout"); late != nil && body.get("within") == nil {
		m.at(late, path+".onTimeout", "there is no within: say how long they have, or take it away")
	}
}

// given checks the values that a step gives the inputs of its pipeline.
func (m *meaning) given(step named, values *node, path string) {
	if step.step.Pipeline == nil { // its file has problems of its own
		return
	}
	var names []string
	for _, input := range step.step.Pipeline.Inputs {
		names = append(names, input.Name)
	}
	meant := map[string]bool{} // by names that there are not
	for _, each := range values.entries() {
		if !slices.Contains(names, each.name) {
			m.say(each.line, each.column, path+"."+each.name, "there is no such input: %s", instead(each.name, names))
			meant[nearest(each.name, names)] = true
		}
	}
	for _, input := range step.step.Pipeline.Inputs {
		value := values.get(input.Name)
		m.numbers(value, path+"."+input.Name, input.Type.isNumber())
		switch {
		case value == nil && input.Default == nil && !meant[input.Name]:
			m.at(step.value.get(string(SubPipeline)).get("file"), path, "input %s of %s is missing, and has no default: give it %s", input.Name, step.step.Pipeline.Name, input.Type.words())
		case value == nil || holdsExpression(value):
		default:
			if _, wrong := input.fit(read(value.plain(), input.Type)); wrong != "" {
				m.at(value, path+"."+input.Name, "%s", wrong)
			}
		}
	}
}

// holdsExpression tells whether a scalar, or an item of a list, is evaluated in a run.
func holdsExpression(n *node) bool {
	return Text(n.text()).HasExpressions() || slices.ContainsFunc(n.list(), holdsExpression)
}
