package pipeline

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schema is the JSON Schema of the file, for editors. What it refuses is refused, and what
// it accepts has the right shape; what it means is checked after that.
//
//go:embed schema.json
var Schema []byte

// schemaID is the $id of Schema.
const schemaID = "urn:ehpcflow:pipeline:1"

// grammar is Schema as the validator has it, and as a tree of its words.
type grammar struct {
	validator *jsonschema.Schema
	words     map[string]any
	keys      map[string]bool // that any mapping may have
}

var theGrammar = sync.OnceValue(func() grammar {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		panic(err) // it is a part of the program, and a test reads it
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schemaID, document); err != nil {
		panic(err)
	}
	var words map[string]any
	if err := json.Unmarshal(Schema, &words); err != nil {
		panic(err)
	}
	keys := make(map[string]bool)
	schemaPart(words).collect(keys)
	return grammar{compiler.MustCompile(schemaID), words, keys}
})

// collect adds the keys of all mappings.
func (p schemaPart) collect(keys map[string]bool) {
	for _, key := range p.properties() {
		keys[key] = true
	}
	for _, each := range p {
		if part, is := each.(map[string]any); is {
			schemaPart(part).collect(keys)
		}
	}
}

// misshapen is everything that the schema refuses of a file, and the paths of that.
func misshapen(file string, root *node) ([]Problem, [][]string) {
	grammar := theGrammar()
	var invalid *jsonschema.ValidationError
	if err := grammar.validator.Validate(root.plain()); !errors.As(err, &invalid) {
		return nil, nil
	}
	s := &sentences{grammar: grammar, file: file, root: root, said: map[[2]int]bool{}, meant: map[string]bool{}}
	s.sayAll(invalid)
	return s.problems, s.paths
}

// at is the part of the schema that an address of the validator's names.
func (g grammar) at(url string) schemaPart {
	_, pointer, _ := strings.Cut(url, "#")
	part := g.words
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next, is := part[token].(map[string]any)
		if !is {
			return schemaPart(part)
		}
		part = next
	}
	return schemaPart(part)
}

// schemaPart is a schema within the schema.
type schemaPart map[string]any

// text of a word of it that has one.
func (p schemaPart) text(word string) string {
	text, _ := p[word].(string)
	return text
}

// list of a word of it that has texts.
func (p schemaPart) list(word string) []string {
	switch value := p[word].(type) {
	case string:
		return []string{value}
	case []any:
		var all []string
		for _, each := range value {
			if text, is := each.(string); is {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

// properties are the keys that a mapping may have, in order.
func (p schemaPart) properties() []string {
	properties, _ := p["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(properties))
}

// alternatives are the keys of which a mapping has one.
func (p schemaPart) alternatives() []string {
	branches, _ := p["oneOf"].([]any)
	var names []string
	for _, branch := range branches {
		required, _ := branch.(map[string]any)
		names = append(names, schemaPart(required).list("required")...)
	}
	return names
}

// within is the schema of what a mapping has under a key.
func (g grammar) within(p schemaPart, key string) schemaPart {
	properties, _ := p["properties"].(map[string]any)
	part, is := properties[key].(map[string]any)
	if !is {
		names, _ := p["patternProperties"].(map[string]any)
		for _, each := range names { // of names there is one pattern
			part, _ = each.(map[string]any)
		}
	}
	if ref := schemaPart(part).text("$ref"); ref != "" {
		return g.at(ref)
	}
	return part
}
