package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// sentences turn what the schema's validator finds into one problem for each cause.
type sentences struct {
	grammar  grammar
	file     string
	root     *node
	problems []Problem
	paths    [][]string      // of the problems
	said     map[[2]int]bool // places of values about which something was said
	lacking  []lack
	meant    map[string]bool // what paths lead to, or through, where keys belong that stand elsewhere
}

// lack is what a mapping does not have: all of some keys, or any of them.
type lack struct {
	path, names []string
	any         bool
}

// sayAll says what is wrong. A key that stands in the wrong place is lacking nowhere.
func (s *sentences) sayAll(invalid *jsonschema.ValidationError) {
	s.say(invalid)
	for _, lack := range s.lacking {
		left := slices.DeleteFunc(slices.Clone(lack.names), func(name string) bool {
			return s.meant[joined(lack.path, name)]
		})
		message := "it lacks " + strings.Join(left, " and ")
		switch {
		case len(left) == 0, lack.any && len(left) < len(lack.names):
			continue
		case lack.any:
			message = "it says none of " + oneOf(left)
		}
		place := s.root.at(lack.path)
		s.add(place.line, place.column, lack.path, message)
	}
}

// joined is a path as the key of a map.
func joined(path []string, name string) string {
	return strings.Join(path, "\x00") + "\x00" + name
}

// say says what is wrong, or what is wrong within.
func (s *sentences) say(e *jsonschema.ValidationError) {
	part := s.grammar.at(e.SchemaURL)
	switch found := e.ErrorKind.(type) {
	case *kind.Type:
		s.value(e, s.wrongType(e, part))
	case *kind.Pattern:
		if part["writeOnly"] == true { // it may be a secret
			s.value(e, part.text("patternErrorMessage"))
			return
		}
		s.value(e, fmt.Sprintf("it is %s: %s", cited(found.Got), part.text("patternErrorMessage")))
	case *kind.Enum:
		s.value(e, fmt.Sprintf("it is %s: %s", s.got(e), instead(fmt.Sprint(found.Got), part.list("enum"))))
	case *kind.Minimum:
		s.value(e, fmt.Sprintf("it is %s: use %s or more", s.got(e), found.Want.RatString()))
	case *kind.Maximum:
		s.value(e, fmt.Sprintf("it is %s: use %s or less", s.got(e), found.Want.RatString()))
	case *kind.MinLength:
		s.value(e, "it is empty: say something, or leave it out")
	case *kind.MaxLength:
		s.value(e, fmt.Sprintf("it has %d characters: %d are the most", found.Got, found.Want))
	case *kind.MinItems:
		s.value(e, "the list is empty: say something, or leave it out")
	case *kind.MaxItems:
		s.value(e, fmt.Sprintf("the list has %d items: %d are the most", found.Got, found.Want))
	case *kind.MinProperties:
		s.value(e, "it is empty: say something, or leave it out")
	case *kind.MaxProperties:
		s.value(e, fmt.Sprintf("there are %d of them: %d are the most", found.Got, found.Want))
	case *kind.AdditionalProperties:
		for _, name := range found.Properties {
			if says := part.text("patternErrorMessage"); part["patternProperties"] != nil {
				s.key(e, name, fmt.Sprintf("%s is no name: %s", cited(name), says))
				continue
			}
			s.unknown(e, name, part.properties())
		}
	case *kind.Required:
		s.missing(e, lack{path: e.InstanceLocation, names: found.Missing})
	case *kind.OneOf:
		s.choice(e, part)
	default:
		for _, cause := range e.Causes {
			s.say(cause)
		}
	}
}

// wrongType says what a value is, and what it has to be.
func (s *sentences) wrongType(e *jsonschema.ValidationError, part schemaPart) string {
	want := part.text("errorMessage")
	if want == "" && part["patternProperties"] == nil { // whose message is about names
		want = part.text("patternErrorMessage")
	}
	if part["writeOnly"] == true { // it may be a secret
		return want
	}
	if want == "" {
		var types []string
		for _, each := range part.list("type") {
			types = append(types, part.inWords(each))
		}
		want = "write " + oneOf(types)
	}
	return "it is " + s.got(e) + ": " + want
}

// inWords names a type for people.
func (p schemaPart) inWords(name string) string {
	switch name {
	case "string":
		return "a text"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	case "array":
		return "a list such as [a, b]"
	case "object":
		if keys := p.properties(); len(keys) > 0 {
			return "keys of its own, " + oneOf(keys)
		}
		return "names with values of their own"
	}
	return name
}

// got says what there is.
func (s *sentences) got(e *jsonschema.ValidationError) string {
	return described(s.root.at(e.InstanceLocation).node.value)
}

// choice says which of several keys there has to be.
func (s *sentences) choice(e *jsonschema.ValidationError, part schemaPart) {
	var there []string
	names, mapping := part.alternatives(), s.root.at(e.InstanceLocation).node
	for _, each := range mapping.entries() {
		if slices.Contains(names, each.name) {
			there = append(there, each.name)
		}
	}
	if len(there) > 1 {
		s.key(e, there[1], fmt.Sprintf("there is %s already: keep one of them", there[0]))
		return
	}
	s.missing(e, lack{e.InstanceLocation, names, true})
}

// missing takes note of what a mapping lacks, unless it has a key that was meant for it.
func (s *sentences) missing(e *jsonschema.ValidationError, what lack) {
	known := s.grammar.at(e.SchemaURL).properties()
	for _, each := range s.root.at(e.InstanceLocation).node.entries() {
		if !slices.Contains(known, each.name) && nearest(each.name, what.names) != "" {
			return
		}
	}
	s.lacking = append(s.lacking, what)
}

// value says something about a value, once.
func (s *sentences) value(e *jsonschema.ValidationError, message string) {
	n := s.root.at(e.InstanceLocation).node
	if place := [2]int{n.line, n.column}; !s.said[place] {
		s.said[place] = true
		s.add(n.line, n.column, e.InstanceLocation, message)
	}
}

// key says something about a key of a mapping.
func (s *sentences) key(e *jsonschema.ValidationError, name, message string) {
	path := append(slices.Clone(e.InstanceLocation), name)
	place := s.root.at(path)
	s.add(place.line, place.column, path, message)
}

func (s *sentences) add(line, column int, path []string, message string) {
	s.paths = append(s.paths, path)
	s.problems = append(s.problems, Problem{File: s.file, Line: line, Column: column, Path: pathText(path), Message: message})
}

// spot is a value of a file with the place of the key, or of the item, that leads to it.
type spot struct {
	line, column int
	node         *node
}

// at follows keys and indices as far as they lead.
func (n *node) at(path []string) spot {
	found := spot{n.line, n.column, n}
	for _, token := range path {
		if items := found.node.list(); items != nil {
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(items) {
				return found
			}
			found = spot{items[i].line, items[i].column, items[i]}
			continue
		}
		next := found.node.entry(token)
		if next == nil {
			return found
		}
		found = spot{next.line, next.column, next.value}
	}
	return found
}

// pathText writes a path for people: steps.solve.needs[0].
func pathText(path []string) string {
	var text strings.Builder
	for i, token := range path {
		switch _, err := strconv.Atoi(token); {
		case err == nil:
			text.WriteString("[" + token + "]")
		case i > 0:
			text.WriteString("." + shortened(token))
		default:
			text.WriteString(shortened(token))
		}
	}
	return text.String()
}
