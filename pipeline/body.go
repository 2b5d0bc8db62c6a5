package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// runs says whether a text of a body, which its path leads to, is one that a shell runs.
func (k Kind) runs(path []string) bool {
	return (k == RunsCommand || k == RunsJob) && len(path) == 1 && path[0] == "run"
}

// BodyFault is something that is wrong with a text of a step's body, which the path leads
// to: keys of maps, and places in lists from 0.
type BodyFault struct {
	Path []string
	Fault
}

// CheckBody says what is wrong with the expressions of a step's body before anything has
// run, in the order of the paths.
func (s Step) CheckBody(v Visible) []BodyFault {
	var all []BodyFault
	_, _ = walked(s.With, nil, func(text Text, path []string) (any, error) {
		if err := s.Kind.check(text, path, v); err != nil {
			var faults Faults
			errors.As(err, &faults)
			for _, fault := range faults {
				all = append(all, BodyFault{path, fault})
			}
		}
		return text, nil
	})
	return all
}

func (k Kind) check(text Text, path []string, v Visible) error {
	if k.runs(path) {
		return text.CheckRun(v)
	}
	return text.Check(v)
}

// Action evaluates the expressions of a step's body. An error says in which part.
func (s Step) Action(scope Scope) (Action, error) {
	var texts []string
	_, _ = walked(s.With, nil, func(text Text, _ []string) (any, error) {
		texts = append(texts, string(text))
		return text, nil
	})
	names, err := scope.names(texts...)
	if err != nil {
		return Action{}, err
	}
	body, err := walked(s.With, nil, func(text Text, path []string) (any, error) {
		if s.Kind.runs(path) {
			value, err := text.evalRun(names)
			return value, in(path, err)
		}
		value, err := text.eval(names)
		return value, in(path, err)
	})
	if err != nil {
		return Action{}, err
	}
	return action(s.Kind, body.(map[string]any))
}

// action reads an evaluated body.
func action(kind Kind, body map[string]any) (Action, error) {
	for _, key := range textual[kind] {
		if values, is := body[key].(map[string]any); is {
			if err := write(values); err != nil {
				return Action{}, fmt.Errorf("%s.%w", key, err)
			}
		}
	}
	text, err := marshal(map[string]any{string(kind): body})
	if err != nil {
		return Action{}, err
	}
	read, err := decoded(text)
	if err != nil {
		return Action{}, readable(kind, err)
	}
	return read, nil
}

// decoded reads an action's JSON, whose keys are in order, so that of several mistakes
// it is always the same that is reported.
//
//workflowcheck:ignore
func decoded(text string) (Action, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var read Action
	err := decoder.Decode(&read)
	return read, err
}

// textual are the maps of a body whose values are texts that may be written as numbers,
// truths or lists.
var textual = map[Kind][]string{RunsCommand: {"rollout"}, RunsJob: {"variables"}}

func write(values map[string]any) error {
	for _, key := range keys(values) {
		list, is := values[key].([]any)
		if !is {
			list = []any{values[key]}
		}
		words := make([]string, len(list))
		for i := range list {
			var err error
			if words[i], err = written(list[i]); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		values[key] = strings.Join(words, ",")
	}
	return nil
}

// readable is what is wrong with the types of a body, for people.
func readable(kind Kind, err error) error {
	var mistyped *json.UnmarshalTypeError
	if !errors.As(err, &mistyped) {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	field := strings.TrimPrefix(mistyped.Field, string(kind)+".")
	return fmt.Errorf("%s: it comes to a %s where %s is needed", field, mistyped.Value, kindNamed(mistyped.Type.Kind()))
}

// walked is a value with each text in it replaced, maps in the order of their keys.
func walked(value any, path []string, replace func(text Text, path []string) (any, error)) (any, error) {
	switch value := value.(type) {
	case string:
		return replace(Text(value), path)
	case []any:
		all := make([]any, len(value))
		for i := range value {
			var err error
			if all[i], err = walked(value[i], deeper(path, strconv.Itoa(i)), replace); err != nil {
				return nil, err
			}
		}
		return all, nil
	case map[string]any:
		all := make(map[string]any, len(value))
		for _, key := range keys(value) {
			var err error
			if all[key], err = walked(value[key], deeper(path, key), replace); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return value, nil
}

func deeper(path []string, key string) []string { return append(slices.Clone(path), key) }

// in says in which part of a body something went wrong.
func in(path []string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", strings.Join(path, "."), err)
}
