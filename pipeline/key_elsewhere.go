package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A key that is not accepted where it stands may be a key of something near: of a mapping
// in the one that it stands in, or of one around that. The schema tells.

// home is a mapping that the schema has: one of the file, or one that there could be.
type home struct {
	path []string
	part schemaPart
	node *node // nil where the file has none
}

// unknown says of a key that it is not accepted, and where it belongs, or which key was
// meant.
func (s *sentences) unknown(e *jsonschema.ValidationError, name string, known []string) {
	homes := s.homes(e.InstanceLocation, name)
	if len(homes) == 0 {
		s.key(e, name, "there is no such key: "+instead(name, known))
		return
	}
	s.key(e, name, s.belongs(homes, name))
	s.paths[len(s.paths)-1] = e.InstanceLocation // it is known what the key itself says, and for what
	for _, each := range homes {
		path := append(slices.Clone(each.path), name)
		for i, token := range path {
			s.meant[joined(path[:i], token)] = true
		}
		s.paths = append(s.paths, path)
	}
}

// homes are the mappings in which a key was probably meant to be: the nearest that accept
// it and may have its value. Without any, a known key may have been meant that is similar.
func (s *sentences) homes(of []string, name string) []home {
	if !s.grammar.keys[name] {
		return nil
	}
	value := s.root.at(of).node.get(name)
	fits := func(h home) bool { return h.accepts(name) && s.grammar.within(h.part, name).takes(value) }
	levels := s.around(of)
	own := levels[0]
	if found := s.below(own, func(h home) bool { return h.node != nil && h.accepts(name) }); len(found) > 0 {
		if fitting := slices.DeleteFunc(slices.Clone(found), func(h home) bool { return !fits(h) }); len(fitting) > 0 {
			return fitting
		}
		return found
	}
	for _, level := range levels {
		if fits(level) {
			return []home{level}
		}
		if found := s.below(level, fits); len(found) > 0 {
			return found
		}
	}
	if at := slices.IndexFunc(levels, func(h home) bool { return h.accepts(name) }); at >= 0 && nearest(name, own.part.properties()) == "" {
		return levels[at : at+1]
	}
	return nil
}

// around are the mappings that a path leads through, from its end to the whole file.
func (s *sentences) around(path []string) []home {
	whole := home{part: s.grammar.words, node: s.root}
	levels := []home{whole}
	for i, token := range path {
		levels = append(levels, home{path[:i+1], s.grammar.within(levels[i].part, token), levels[i].node.get(token)})
	}
	slices.Reverse(levels)
	return levels
}

// below are those of the mappings in another that are looked for, of the fewest levels
// down where there are any.
func (s *sentences) below(h home, wanted func(home) bool) []home {
	for level := s.inside(h); len(level) > 0; {
		var found, next []home
		for _, each := range level {
			if wanted(each) {
				found = append(found, each)
			}
			next = append(next, s.inside(each)...)
		}
		if len(found) > 0 {
			return found
		}
		level = next
	}
	return nil
}

// inside are the mappings that another has under keys of its own, or could have.
func (s *sentences) inside(h home) []home {
	var all []home
	alternatives := h.part.alternatives()
	for _, key := range h.part.properties() {
		taken := slices.Contains(alternatives, key) && h.node.get(key) == nil &&
			slices.ContainsFunc(h.node.entries(), func(each entry) bool { return slices.Contains(alternatives, each.name) })
		if part := s.grammar.within(h.part, key); !taken && len(part.properties()) > 0 {
			all = append(all, home{append(slices.Clone(h.path), key), part, h.node.get(key)})
		}
	}
	return all
}

// accepts tells whether it can have a key.
func (h home) accepts(name string) bool { return slices.Contains(h.part.properties(), name) }

// takes tells whether a value is of a type that is accepted. Nothing may become any.
func (p schemaPart) takes(value *node) bool {
	var of []string
	switch value.value.(type) {
	case nil:
		return true
	case string:
		of = []string{"string"}
	case bool:
		of = []string{"boolean"}
	case int:
		of = []string{"integer", "number"}
	case float64:
		of = []string{"number"}
	case []*node:
		of = []string{"array"}
	case []entry:
		of = []string{"object"}
	}
	types := p.list("type")
	return len(types) == 0 || slices.ContainsFunc(of, func(each string) bool { return slices.Contains(types, each) })
}

// belongs says where a key has to be written.
func (s *sentences) belongs(homes []home, name string) string {
	names, places := make([]string, len(homes)), make([]string, len(homes))
	for i, each := range homes {
		names[i], places[i] = each.named(), pathText(each.path)
	}
	switch first := homes[0]; {
	case len(homes) == 1 && first.node.get(name) != nil:
		return fmt.Sprintf("it is a key of %s, which has one already: keep one of them", names[0])
	case len(first.path) == 0:
		return fmt.Sprintf("it is a key of %s: write it beside %s", names[0], strings.Join(first.part.list("required"), " and "))
	case len(homes) == 1 && first.node != nil && first.node.entries() == nil:
		return fmt.Sprintf("it is a key of %s: give that %s", names[0], first.part.inWords("object"))
	}
	return fmt.Sprintf("it is a key of %s: write it under %s", oneOf(names), oneOf(places))
}

// named is what people call it: by its key, but for one that has a name of its user's.
func (h home) named() string {
	switch {
	case len(h.path) == 0:
		return "the whole pipeline"
	case h.part.text("title") == "Step":
		return "the step"
	}
	return h.path[len(h.path)-1]
}
