package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// node is a value of a file with its place. Aliases are replaced by what they stand for.
type node struct {
	line, column int
	style        yaml.Style
	literal      string // a scalar as it is written

	// value is a string, bool, int or float64, nil, []*node or []entry.
	value any

	broken bool // it was misshapen, and only what others refer to is left
	astray bool // of a step: what it needs is not known
}

// entry is a key of a mapping with its value; a mapping has each once.
type entry struct {
	name         string
	line, column int
	value        *node
}

// maxNesting is how deep lists and mappings may be within each other.
const maxNesting = 40

// tree reads a file. Without a tree there is a problem.
func tree(file string, text []byte) (*node, []Problem) {
	t := &treeReader{file: file}
	if problem := t.unreadable(text); problem != nil {
		return nil, []Problem{*problem}
	}
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, []Problem{t.whole("it is empty: a pipeline has a name and steps")}
	case err != nil:
		return nil, []Problem{noYAML(file, text, err)}
	}
	switch err := decoder.Decode(&more); {
	case err == nil && len(more.Content) > 0:
		last := 1 + bytes.Count(text, []byte("\n")) // of nothing at all the library names the line behind
		t.problem(min(more.Content[0].Line, last), more.Content[0].Column, "a second document begins here: keep one pipeline in a file")
	case err != nil && !errors.Is(err, io.EOF):
		return nil, []Problem{noYAML(file, text, err)}
	}
	root := t.node(document.Content[0], nil)
	if len(t.problems) > 0 {
		return nil, inOrder(t.problems)
	}
	if root.value == nil {
		return nil, []Problem{t.whole("it is empty: a pipeline has a name and steps")}
	}
	return root, nil
}

type treeReader struct {
	file     string
	problems []Problem
	size     int  // bytes of the values, aliases replaced
	over     bool // whether that was too much
}

func (t *treeReader) whole(message string) Problem {
	return Problem{File: t.file, Line: 1, Column: 1, Message: message}
}

func (t *treeReader) problem(line, column int, format string, args ...any) {
	t.problems = append(t.problems, Problem{File: t.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}

// unreadable finds what is no text in UTF-8.
func (t *treeReader) unreadable(text []byte) *Problem {
	line, column := 1, 1
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		var message string
		switch {
		case r == utf8.RuneError && size == 1:
			message = "it is no text in UTF-8: save it as UTF-8"
		case r == '\n':
			line, column = line+1, 0
		case r == 0:
			message = "it is no text: it holds a zero byte"
		case r == '\r' && (at+1 == len(text) || text[at+1] != '\n'), r == 0x85, r == 0x2028, r == 0x2029:
			// YAML takes each for the end of a line, and few editors do.
			message = fmt.Sprintf("it ends a line by %U: save it with the line ends of Unix or Windows", r)
		case r < ' ' && r != '\t' && r != '\r', r == 0x7f:
			message = fmt.Sprintf("it holds the control character %U: take it away, or write it as an escape in double quotes", r)
		}
		if message != "" {
			return &Problem{File: t.file, Line: line, Column: column, Message: message}
		}
		at, column = at+size, column+1
	}
	return nil
}

// node takes over a value; within are those that it is in.
func (t *treeReader) node(from *yaml.Node, within []*yaml.Node) *node {
	for from.Kind == yaml.AliasNode {
		for _, each := range within {
			if each == from.Alias {
				t.problem(from.Line, from.Column, "*%s stands for something that it is itself a part of: write out what is meant", from.Value)
				return &node{line: from.Line, column: from.Column}
			}
		}
		from = from.Alias
	}
	n := &node{line: from.Line, column: from.Column, style: from.Style}
	if t.size += len(from.Value) + 1; t.size > MaxFile {
		if !t.over {
			t.over = true
			t.problem(from.Line, from.Column, "with its aliases replaced the file comes to more than %d KiB: write less", MaxFile>>10)
		}
		return n
	}
	if len(within) == maxNesting {
		t.problem(from.Line, from.Column, "it is nested more than %d deep", maxNesting)
		return n
	}
	if tag := from.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		t.problem(from.Line, from.Column, "a tag of your own means nothing here: take it away, or put a text in quotes that begins with !")
		return n
	}
	within = append(within, from)
	switch from.Kind {
	case yaml.MappingNode:
		n.value = t.mapping(from, within)
	case yaml.SequenceNode:
		items := make([]*node, len(from.Content))
		for i, item := range from.Content {
			items[i] = t.node(item, within)
		}
		n.value = items
	default:
		n.value, n.literal = t.scalar(from), from.Value
	}
	return n
}

func (t *treeReader) mapping(from *yaml.Node, within []*yaml.Node) []entry {
	entries := make([]entry, 0, len(from.Content)/2)
	seen := map[string]int{}
	for i := 0; i+1 < len(from.Content); i += 2 {
		key := from.Content[i]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		at := from.Content[i]
		switch first, twice := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			t.problem(at.Line, at.Column, "a list or a mapping is no key: use a name")
			continue
		case key.ShortTag() == "!!merge":
			t.problem(at.Line, at.Column, "merge keys (<<) are not known here: write the keys out, or let a whole value be an alias")
			continue
		case twice:
			t.problem(at.Line, at.Column, "%s is said twice, first in line %d: keep one", shortened(key.Value), first)
			continue
		}
		if t.size += len(key.Value); t.over {
			break
		}
		seen[key.Value] = at.Line
		entries = append(entries, entry{key.Value, at.Line, at.Column, t.node(from.Content[i+1], within)})
	}
	return entries
}

// scalar is the value of a scalar. A time is kept as its text. A problem cites none, which
// may be a secret.
func (t *treeReader) scalar(from *yaml.Node) any {
	switch from.ShortTag() {
	case "!!str", "!!timestamp":
		return from.Value
	case "!!null":
		return nil
	case "!!bool":
		var value bool
		if from.Decode(&value) == nil {
			return value
		}
	case "!!int", "!!float":
		var value float64
		switch err := from.Decode(&value); {
		case err != nil:
		case math.IsInf(value, 0), math.IsNaN(value):
			t.problem(from.Line, from.Column, "it is no number that can be kept: write it as a text, in quotes")
			return nil
		case value == math.Trunc(value) && math.Abs(value) < exact:
			return int(value)
		case from.ShortTag() == "!!int":
			t.problem(from.Line, from.Column, "the number has more digits than can be kept: write it as a text, in quotes")
			return nil
		default:
			return value
		}
	}
	t.problem(from.Line, from.Column, "it is not what its tag (!!) says: take the tag away, or write the value as a text, in quotes")
	return nil
}

// plain is the value as the schema, and JSON, have it.
func (n *node) plain() any {
	switch value := n.value.(type) {
	case []*node:
		all := make([]any, len(value))
		for i, item := range value {
			all[i] = item.plain()
		}
		return all
	case []entry:
		all := make(map[string]any, len(value))
		for _, each := range value {
			all[each.name] = each.value.plain()
		}
		return all
	}
	return n.value
}

// entry of a mapping, or nil.
func (n *node) entry(name string) *entry {
	entries, _ := n.value.([]entry)
	for i := range entries {
		if entries[i].name == name {
			return &entries[i]
		}
	}
	return nil
}

// get is the value of a key, or nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	if found := n.entry(name); found != nil {
		return found.value
	}
	return nil
}

// list is the items of a list, in order.
func (n *node) list() []*node {
	if n == nil {
		return nil
	}
	items, _ := n.value.([]*node)
	return items
}

// entries of a mapping, in the order of the file.
func (n *node) entries() []entry {
	if n == nil {
		return nil
	}
	entries, _ := n.value.([]entry)
	return entries
}

// text of a scalar that is one, or "".
func (n *node) text() string {
	if n == nil {
		return ""
	}
	text, _ := n.value.(string)
	return text
}
