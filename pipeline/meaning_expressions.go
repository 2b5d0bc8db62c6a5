package pipeline

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// expressions checks everything that is evaluated in a run, against what it may refer to.
// Where the name of something is none, none is: they may mean it by another.
func (m *meaning) expressions() {
	if m.unnamed() {
		return
	}
	toClusters := m.p.VisibleToClusters()
	for _, each := range m.file.root.get("clusters").entries() {
		m.faults(each.value, "clusters."+each.name, Text(each.value.text()).Check(toClusters))
	}
	places := m.p.places()
	for _, step := range m.steps {
		ended := m.p.ended(places, step.name)
		if step.value.broken || m.afterAstray(step, ended) {
			continue
		}
		toBody := m.p.visible(places, ended)
		toBody.Item = step.step.Foreach != nil
		toStep := toBody
		toStep.Item = false // which is looked at once for all items
		if when := step.value.get("when"); when != nil {
			m.alone(when, step.path+".when", step.step.When.CheckCondition(toStep))
		}
		if in := step.value.get("foreach").get("in"); in != nil {
			m.alone(in, step.path+".foreach.in", step.step.Foreach.In.CheckList(toStep))
		}
		kind := string(step.step.Kind)
		for _, fault := range step.step.CheckBody(toBody) {
			if step.step.Kind == SubPipeline && fault.Path[0] == "file" {
				continue // which holds none
			}
			n := step.value.get(kind).at(fault.Path).node
			m.fault(n, step.path+"."+pathText(append([]string{kind}, fault.Path...)), fault.Fault)
		}
	}
	toOutputs := m.p.VisibleToOutputs()
	for _, each := range m.file.root.get("outputs").entries() {
		m.faults(each.value, "outputs."+each.name, Text(each.value.text()).Check(toOutputs))
	}
}

// unnamed tells whether there is something that expressions cannot name.
func (m *meaning) unnamed() bool {
	var names []string
	for _, key := range []string{"inputs", "clusters"} {
		for _, each := range m.file.root.get(key).entries() {
			names = append(names, each.name)
		}
	}
	for _, step := range m.steps {
		names = append(names, step.name)
	}
	return slices.ContainsFunc(names, func(name string) bool { return !aName.MatchString(name) })
}

// aName is what expressions can name.
var aName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// afterAstray tells whether it is not known which steps have ended before one.
func (m *meaning) afterAstray(step named, ended map[string]place) bool {
	return slices.ContainsFunc(m.steps, func(other named) bool {
		_, before := ended[other.name]
		return before && other.value.astray && other.finally == step.finally
	})
}

// alone says what is wrong with an expression that stands by itself.
func (m *meaning) alone(n *node, path string, err error) {
	if strings.HasPrefix(n.text(), "${{") {
		m.at(n, path, "here is an expression by itself: write it without ${{ and }}")
		return
	}
	m.faults(n, path, err)
}

func (m *meaning) faults(n *node, path string, err error) {
	var faults Faults
	errors.As(err, &faults)
	for _, fault := range faults {
		m.fault(n, path, fault)
	}
}

// fault says something about a part of a text.
func (m *meaning) fault(n *node, path string, fault Fault) {
	line, column := m.within(n, fault)
	m.say(line, column, path, "%s", fault.Message)
}

// within is the place in the file of a place in a text. Of a text that the file has in
// other lines it is where the text begins.
func (m *meaning) within(n *node, fault Fault) (line, column int) {
	lines := strings.Split(n.text(), "\n")
	if fault.Line < 1 || fault.Line > len(lines) {
		return n.line, n.column
	}
	if n.style&(yaml.LiteralStyle) != 0 {
		written := m.file.line(n.line + fault.Line)
		if indent := strings.Index(written, lines[fault.Line-1]); indent >= 0 && lines[fault.Line-1] != "" {
			return n.line + fault.Line, indent + fault.Column
		}
		return n.line, n.column
	}
	characters := []rune(m.file.line(n.line))
	begin := n.column - 1
	if n.style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		begin++
	}
	before := n.text()[:min(max(fault.Offset, 0), len(n.text()))]
	if begin <= len(characters) && strings.HasPrefix(string(characters[begin:]), before) {
		return n.line, begin + 1 + utf8.RuneCountInString(before)
	}
	return n.line, n.column
}
