package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm/runtime"
)

// Builtins are expr's own functions that expressions may call. Not among them are those
// that look at the clock or at time zones, those that walk a map in whatever order it
// has, and those whose result may be far larger than what they are given.
var Builtins = []string{
	"all", "any", "none", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex",
	"count", "sum", "reduce", "sortBy", "sort", "reverse", "first", "last", "take", "concat", "flatten", "len", "get",
	"abs", "ceil", "floor", "round", "max", "min", "mean", "median", "int", "float", "type",
	"trim", "trimPrefix", "trimSuffix", "upper", "lower", "split",
	"indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "toBase64", "fromBase64",
}

// function is one of ours, most in place of one of expr's with the same name.
type function struct {
	name  string
	call  func(m *meter, args []any) (any, error)
	types []any // signatures
}

// functions are those that expr has otherwise: with a result that could explode, that
// shows the order of a map, or that says nothing about numbers.
var functions = []function{
	{"string", asString, []any{new(func(any) string)}},
	{"join", join, []any{new(func([]any) string), new(func([]any, string) string), new(func([]string) string), new(func([]string, string) string)}},
	{"replace", replace, []any{new(func(string, string, string) string)}},
	{"uniq", uniq, []any{new(func([]any) []any), new(func([]string) []any)}},
	{"toJSON", toJSON, []any{new(func(any) string)}},
	{"fromJSON", fromJSON, []any{new(func(string) any)}},
}

// FunctionNames are all that an expression may call, in their order. Besides them there is
// raw, around a whole expression in the text of a command or a job.
func FunctionNames() []string {
	names := slices.Clone(Builtins)
	for _, f := range functions {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

// language is what expr is told of it. What is called is charged to the meter.
func language(m *meter) []expr.Option {
	options := []expr.Option{expr.DisableAllBuiltins(), expr.Optimize(false), expr.MaxNodes(2 * MaxExpression)}
	for _, name := range Builtins {
		options = append(options, expr.EnableBuiltin(name))
	}
	for _, f := range functions {
		options = append(options, expr.Function(f.name, func(args ...any) (any, error) { return f.call(m, args) }, f.types...))
	}
	return options
}

func asString(_ *meter, args []any) (any, error) { return written(args[0]) }

func join(_ *meter, args []any) (any, error) {
	list, err := listOf(args[0])
	if err != nil {
		return nil, err
	}
	separator := ""
	if len(args) > 1 {
		separator = args[1].(string)
	}
	all := make([]string, len(list))
	for i := range list {
		if all[i], err = written(list[i]); err != nil {
			return nil, err
		}
	}
	return strings.Join(all, separator), nil
}

func replace(m *meter, args []any) (any, error) {
	text, old, by := args[0].(string), args[1].(string), args[2].(string)
	if err := m.spend(strings.Count(text, old) * len(by) / textPerUnit); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(text, old, by), nil
}

// uniq keeps the first of equal values.
func uniq(_ *meter, args []any) (any, error) {
	list, err := listOf(args[0])
	if err != nil {
		return nil, err
	}
	seen, kept := make(map[string]bool, len(list)), []any{}
	for _, each := range list {
		key, err := json.Marshal(each)
		if err != nil {
			return nil, err
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			kept = append(kept, each)
		}
	}
	return kept, nil
}

func toJSON(_ *meter, args []any) (any, error) {
	value, err := plain(args[0])
	if err != nil {
		return nil, err
	}
	text, err := marshal(value)
	return text, err
}

func fromJSON(_ *meter, args []any) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(args[0].(string)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errors.New("the text is no JSON")
	}
	if decoder.More() {
		return nil, errors.New("the text is more than one JSON value")
	}
	return plain(value)
}

// sortByKeys sorts a list by the keys of its items. Items with the same key stay in their
// order.
func sortByKeys(_ *meter, args []any) (any, error) {
	list, err := listOf(args[0])
	if err != nil {
		return nil, err
	}
	keys, err := listOf(args[1])
	if err != nil {
		return nil, err
	}
	less := runtime.Less
	if len(args) > 2 {
		switch args[2] {
		case "asc":
		case "desc":
			less = runtime.More
		default:
			return nil, fmt.Errorf("the order is asc or desc, not %v", args[2])
		}
	}
	places := make([]int, len(list))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int {
		switch {
		case less(keys[a], keys[b]):
			return -1
		case less(keys[b], keys[a]):
			return 1
		}
		return 0
	})
	sorted := make([]any, len(list))
	for i, at := range places {
		sorted[i] = list[at]
	}
	return sorted, nil
}
