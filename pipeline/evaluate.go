package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr"
)

// Eval evaluates the expression.
func (e Expression) Eval(scope Scope) (any, error) {
	program, err := expr.Compile(string(e), expr.Env(Scope{}))
	if err != nil {
		return nil, err
	}
	return expr.Run(program, scope)
}

// True evaluates a condition. "" is true.
func (e Expression) True(scope Scope) (bool, error) {
	if e == "" {
		return true, nil
	}
	value, err := e.Eval(scope)
	if err != nil {
		return false, err
	}
	yes, is := value.(bool)
	if !is {
		return false, fmt.Errorf("%q comes to %v, which is neither true nor false", e, value)
	}
	return yes, nil
}

var template = regexp.MustCompile(`\$\{\{(.*?)\}\}`)

// Eval puts the values of its expressions into a text. A text that is one expression
// keeps the type of its value.
func (t Text) Eval(scope Scope) (any, error) {
	if whole := template.FindStringSubmatch(string(t)); whole != nil && whole[0] == string(t) {
		return Expression(strings.TrimSpace(whole[1])).Eval(scope)
	}
	var failure error
	text := template.ReplaceAllStringFunc(string(t), func(found string) string {
		value, err := Expression(strings.TrimSpace(template.FindStringSubmatch(found)[1])).Eval(scope)
		if err != nil {
			failure = err
		}
		return fmt.Sprint(value)
	})
	return text, failure
}

// List is what a foreach runs over.
func (f Foreach) List(scope Scope) ([]any, error) {
	if f.In == "" {
		return f.Items, nil
	}
	value, err := f.In.Eval(scope)
	if err != nil {
		return nil, err
	}
	list, is := value.([]any)
	if !is {
		return nil, fmt.Errorf("%q comes to %v, which is no list", f.In, value)
	}
	return list, nil
}

// Action evaluates the expressions of a step's body.
func (s Step) Action(scope Scope) (Action, error) {
	evaluated, err := evaluated(s.With, scope)
	if err != nil {
		return Action{}, err
	}
	text, err := json.Marshal(map[string]any{string(s.Kind): evaluated})
	if err != nil {
		return Action{}, err
	}
	var action Action
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return action, decoder.Decode(&action)
}

func evaluated(value any, scope Scope) (any, error) {
	switch value := value.(type) {
	case string:
		return Text(value).Eval(scope)
	case []any:
		all := make([]any, len(value))
		for i := range value {
			var err error
			if all[i], err = evaluated(value[i], scope); err != nil {
				return nil, err
			}
		}
		return all, nil
	case map[string]any:
		all := make(map[string]any, len(value))
		for key, each := range value {
			var err error
			if all[key], err = evaluated(each, scope); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return value, nil
}
