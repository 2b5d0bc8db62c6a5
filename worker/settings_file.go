package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v3"
)

// fileValue is what a file gives a key, and where.
type fileValue struct{ text, place string }

// readFile reads a file of keys and values. Its problems are all that it has, each with
// its line.
func readFile(path string, known []string) (values map[string]fileValue, problems []string) {
	body, err := os.ReadFile(path) //nolint:gosec // the file that the operator names
	if err != nil {
		return nil, []string{fmt.Sprintf("the configuration file cannot be read: %v; worker --print-config shows what one looks like", err)}
	}
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(body))
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF): // an empty file sets nothing
		return nil, nil
	case err != nil:
		return nil, []string{fmt.Sprintf("%s is no YAML file: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	if decoder.Decode(&more) == nil {
		return nil, []string{fmt.Sprintf("%s holds several documents: keep the settings in one", path)}
	}
	root := document.Content[0]
	switch {
	case root.Tag == "!!null": // nothing but comments
		return nil, nil
	case root.Kind != yaml.MappingNode:
		return nil, []string{fmt.Sprintf("%s:%d: write one setting a line, such as %q", path, root.Line, "watches: 1000")}
	}
	values = make(map[string]fileValue)
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		place := fmt.Sprintf("%s:%d", path, key.Line)
		named := place + ": " + key.Value
		_, twice := values[key.Value]
		switch {
		case !slices.Contains(known, key.Value):
			problems = append(problems, fmt.Sprintf("%s is no setting: %s", named, suggestion(key.Value, known)))
		case twice:
			problems = append(problems, named+" is set twice: keep one")
		case value.Kind != yaml.ScalarNode:
			problems = append(problems, named+" holds a list or keys of its own: give it one value")
		case value.Tag == "!!null":
			values[key.Value] = fileValue{}
		default:
			values[key.Value] = fileValue{value.Value, place}
		}
	}
	return values, problems
}

// suggestion names the known key that is nearest, or all of them when none is near.
func suggestion(key string, known []string) string {
	near := slices.MinFunc(known, func(a, b string) int { return distance(key, a) - distance(key, b) })
	if distance(key, near) <= max(2, len(near)/3) {
		return "did you mean " + near + "?"
	}
	return "use one of " + strings.Join(known, ", ")
}

// distance looks past the ways of writing a name: apiRate, API_RATE.
func distance(a, b string) int {
	plain := strings.NewReplacer("-", "", "_", "", ".", "", " ", "")
	return levenshtein.ComputeDistance(plain.Replace(strings.ToLower(a)), plain.Replace(strings.ToLower(b)))
}
