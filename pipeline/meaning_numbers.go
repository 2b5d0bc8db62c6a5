package pipeline

import (
	"fmt"
	"slices"
	"strconv"
)

// YAML reads 010 as 8 and 1_000 as 1000, and nothing is left of the 0 in 1.10. Where a
// number is what is wanted, any way to write it in decimal will do: 2.0 and 1e3 too. What
// is an item, or a value of an input that takes any, may be meant as a text, such as a
// version, and has to stand there as it will be inserted. The variables of a job and a
// rollout take what is written.

// numbers refuses those in a value that are read as something else than is written. Wanted
// says that numbers are wanted there.
func (m *meaning) numbers(n *node, path string, wanted bool) {
	if n == nil {
		return
	}
	if misread := n.misread(wanted); misread != "" {
		m.at(n, path, "%s", misread)
	}
	for i, item := range n.list() {
		m.numbers(item, fmt.Sprintf("%s[%d]", path, i), wanted)
	}
	for _, each := range n.entries() {
		m.numbers(each.value, path+"."+each.name, wanted)
	}
}

// misread says what is wrong with a number as it is written, "" where nothing is.
func (n *node) misread(wanted bool) string {
	number, is := float64Of(n.value)
	read, err := marshal(n.value)
	if !is || err != nil || read == n.literal {
		return ""
	}
	if !wanted {
		return fmt.Sprintf("%s is read as the number %s: put it in quotes to have it as it is written, or write %s", shortened(n.literal), read, read)
	}
	if decimal, err := strconv.ParseFloat(n.literal, 64); err == nil && decimal == number {
		return ""
	}
	return fmt.Sprintf("%s is read as the number %s: write %s", shortened(n.literal), read, read)
}

func float64Of(value any) (float64, bool) {
	switch value := value.(type) {
	case int:
		return float64(value), true
	case float64:
		return value, true
	}
	return 0, false
}

func (t InputType) isNumber() bool { return slices.Contains([]InputType{Integer, Number}, t) }
