package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// plain is a value as expressions have it: nil, bool, int, float64, string, []any and
// map[string]any. A number that is whole is an int, however it was written: a value is the
// same before and after it was in a history.
func plain(value any) (any, error) {
	switch value := value.(type) {
	case nil, bool, int, string:
		return value, nil
	case int64:
		return int(value), nil
	case float64:
		return plainFloat(value)
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return int(whole), nil
		}
		float, err := value.Float64()
		if err != nil {
			return nil, fmt.Errorf("%s is too large a number", value)
		}
		return plainFloat(float)
	case []any:
		all := make([]any, len(value))
		for i := range value {
			var err error
			if all[i], err = plain(value[i]); err != nil {
				return nil, err
			}
		}
		return all, nil
	case map[string]any:
		all := make(map[string]any, len(value))
		for _, key := range keys(value) {
			var err error
			if all[key], err = plain(value[key]); err != nil {
				return nil, err
			}
		}
		return all, nil
	case []string:
		return plainList(value), nil
	case []int:
		return plainList(value), nil
	case map[string]string:
		return plainMap(value), nil
	case map[string]int:
		return plainMap(value), nil
	}
	return nil, fmt.Errorf("it comes to a %T, which cannot be kept", value)
}

func plainList[T any](values []T) []any {
	all := make([]any, len(values))
	for i := range values {
		all[i] = values[i]
	}
	return all
}

func plainMap[T any](values map[string]T) map[string]any {
	all := make(map[string]any, len(values))
	for _, key := range keys(values) {
		all[key] = values[key]
	}
	return all
}

// keys of a map in their order.
func keys[T any](values map[string]T) []string {
	return slices.Sorted(maps.Keys(values)) //workflowcheck:ignore -- they are sorted
}

func plainFloat(value float64) (any, error) {
	const exact = 1 << 53
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return nil, errors.New("it comes to no number: is something divided by 0?")
	case value == math.Trunc(value) && math.Abs(value) <= exact:
		return int(value), nil
	}
	return value, nil
}

// maxValue is how many bytes of JSON a value may have that an expression comes to.
const maxValue = 512 << 10

// bounded refuses a value that is too large to be kept in a history.
func bounded(value any) error {
	var largest func(value any) error
	total := 0
	largest = func(value any) error {
		total += 8
		switch value := value.(type) {
		case string:
			total += len(value)
			if len(value) > MaxText {
				return fmt.Errorf("it comes to a text of %d bytes; %d are the most", len(value), MaxText)
			}
		case []any:
			for _, each := range value {
				if err := largest(each); err != nil {
					return err
				}
			}
		case map[string]any:
			for _, key := range keys(value) {
				total += len(key)
				if err := largest(value[key]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := largest(value); err != nil {
		return err
	}
	if total > maxValue {
		return fmt.Errorf("it comes to a value of %d bytes; %d are the most", total, maxValue)
	}
	return nil
}

// written is a value as it stands in a text: a text itself, a number, true or false, and
// of lists and maps their JSON. Nil has no text.
func written(value any) (string, error) {
	value, err := plain(value)
	if err != nil {
		return "", err
	}
	switch value := value.(type) {
	case nil:
		return "", errors.New("it comes to nothing (nil): say what stands in its place, as in (… ?? \"none\")")
	case string:
		return value, nil
	}
	return marshal(value)
}

// marshal writes JSON with its keys in order, and < > & as they are.
//
//workflowcheck:ignore
func marshal(value any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

// listOf is a list of whatever kind as one of anything.
func listOf(value any) ([]any, error) {
	value, err := plain(value)
	if err != nil {
		return nil, err
	}
	list, is := value.([]any)
	if !is {
		return nil, fmt.Errorf("it comes to %s, which is no list", shown(value))
	}
	return list, nil
}

// shown is a value in a message: short, and with its quotes.
func shown(value any) string {
	const most = 60
	text, err := marshal(value)
	switch {
	case value == nil:
		return "nothing (nil)"
	case err != nil:
		return fmt.Sprintf("a %T", value)
	case len(text) > most:
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// names under which expressions in some texts see a scope. Steps that none of the texts
// can name are left out.
func (s Scope) names(texts ...string) (map[string]any, error) {
	all := map[string]any{"clusters": s.Clusters, "index": s.Index, "run": map[string]any{"id": s.Run.ID, "verdict": s.Run.Verdict}}
	var err error
	if all["inputs"], err = plain(s.Inputs); err != nil {
		return nil, err
	}
	if all["item"], err = plain(s.Item); err != nil {
		return nil, err
	}
	steps := make(map[string]any, len(s.Steps))
	for _, name := range keys(s.Steps) {
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, name) }) {
			continue
		}
		if steps[name], err = s.Steps[name].names(); err != nil {
			return nil, err
		}
	}
	all["steps"] = steps
	return all, nil
}

func (v StepValue) names() (map[string]any, error) {
	// Of a state that is not counted there are none.
	counts := v.Counts
	if counts == nil {
		counts = map[string]int{}
	}
	nodes := make([]any, len(v.Nodes))
	for i, node := range v.Nodes {
		nodes[i] = map[string]any{
			"id": node.ID, "host": node.Host, "state": node.State, "exitCode": pointed(node.ExitCode), "output": node.Output,
		}
	}
	items := make([]any, len(v.Items))
	for i, item := range v.Items {
		var err error
		if items[i], err = item.names(); err != nil {
			return nil, err
		}
	}
	all := map[string]any{
		"state": v.State, "succeeded": v.Succeeded, "failed": v.Failed, "skipped": v.Skipped,
		"verdict": v.Verdict, "reason": v.Reason, "counts": counts, "output": v.Output, "nodes": nodes, "items": items,
		"job": map[string]any{"id": v.Job.ID, "name": v.Job.Name, "state": v.Job.State, "exitStatus": pointed(v.Job.ExitStatus)},
		"by":  v.By,
	}
	var err error
	if all["json"], err = plain(v.JSON); err != nil {
		return nil, err
	}
	if all["item"], err = plain(v.Item); err != nil {
		return nil, err
	}
	all["outputs"], err = plain(v.Outputs)
	return all, err
}

func pointed(number *int) any {
	if number == nil {
		return nil
	}
	return *number
}
