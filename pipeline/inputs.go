package pipeline

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Inputs are the values that a run of a pipeline goes by: those that are given, and the
// defaults of others. A text that is given for an input of another type is read as that
// type, a list as JSON or with commas between its items. The problems are all that there
// are, each naming its input; with one there are no values.
func Inputs(p Pipeline, given map[string]any) (map[string]any, []string) {
	values := make(map[string]any, len(p.Inputs))
	var problems, names []string
	for _, input := range p.Inputs {
		names = append(names, input.Name)
		value, is := given[input.Name]
		if !is {
			if value = input.Default; value == nil {
				problems = append(problems, fmt.Sprintf("input %s is not given, and has no default: give it %s", input.Name, input.Type.words()))
				continue
			}
		}
		fitting, wrong := input.fit(read(value, input.Type))
		if wrong != "" {
			problems = append(problems, fmt.Sprintf("input %s: %s", input.Name, wrong))
		}
		values[input.Name] = fitting
	}
	for _, name := range keys(given) {
		if !slices.Contains(names, name) {
			problems = append(problems, fmt.Sprintf("there is no input %s: %s", shortened(name), instead(name, names)))
		}
	}
	if weight := Weight(values); weight > MaxInputs && len(problems) == 0 {
		problems = append(problems, fmt.Sprintf("the inputs take %d bytes as JSON, where <, >, & and control characters take six each, and %d are the most: give less, or the name of a file on the cluster", weight, MaxInputs))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return values, nil
}

// words name the type for people.
func (t InputType) words() string {
	switch t {
	case Integer:
		return "a whole number"
	case Number:
		return "a number"
	case Boolean:
		return "true or false"
	case List:
		return "a list"
	default:
		return "a text"
	}
}

// read reads a text as another type. What is no such value is left as it is. JSON is read
// the same each time.
//
//workflowcheck:ignore
func read(value any, as InputType) any {
	text, is := value.(string)
	if !is {
		return value
	}
	switch as {
	case Integer, Number:
		var number json.Number
		if json.Unmarshal([]byte(text), &number) == nil && !strings.HasPrefix(text, `"`) && Inexact(text) == "" {
			if whole, err := strconv.Atoi(text); err == nil {
				return whole
			}
			if parsed, err := number.Float64(); err == nil {
				return parsed
			}
		}
	case Boolean:
		if text == "true" || text == "false" {
			return text == "true"
		}
	case List:
		if text = strings.TrimSpace(text); strings.HasPrefix(text, "[") {
			var list []any
			if json.Unmarshal([]byte(text), &list) == nil && list != nil && Inexact(text) == "" {
				return list
			}
			return value
		}
		list := []any{}
		for item := range strings.SplitSeq(text, ",") {
			if text != "" {
				list = append(list, strings.TrimSpace(item))
			}
		}
		return list
	case String:
	}
	return value
}

// fit is a value as the input has it, or what is wrong with it.
func (i Input) fit(value any) (fitting any, wrong string) {
	fitting = plainNumber(value)
	unfit := fmt.Sprintf("it is %s: give it %s", described(fitting), i.Type.words())
	items := []any{fitting}
	switch value := fitting.(type) {
	case string:
		if number := Inexact(value); number != "" && (i.Type.isNumber() || i.Type == List) {
			return nil, fmt.Sprintf("%s has more digits than can be kept: give a number of at most 15 digits, or a text, which stands in quotes in a list", shortened(number))
		}
		if i.Type == List && strings.HasPrefix(strings.TrimSpace(value), "[") {
			return nil, fmt.Sprintf("%s is no JSON list: write it such as [\"a\", 2], or a,b", cited(value))
		}
		if i.Type != String {
			return nil, unfit
		}
		if len(value) > MaxText {
			return nil, fmt.Sprintf("it has %d bytes: %d are the most", len(value), MaxText)
		}
	case bool:
		if i.Type != Boolean {
			return nil, unfit
		}
	case int:
		if i.Type != Integer && i.Type != Number {
			return nil, unfit
		}
		if value >= exact || value <= -exact {
			return nil, fmt.Sprintf("it is the number %d: give it one of at most 15 digits", value)
		}
	case float64:
		if i.Type != Number {
			return nil, unfit
		}
	case []any:
		if i.Type != List {
			return nil, unfit
		}
		list := make([]any, len(value))
		for at, item := range value {
			list[at] = plainNumber(item)
		}
		if wrong := unfitList(list); wrong != "" {
			return nil, wrong
		}
		fitting, items = list, list
	default:
		return nil, unfit
	}
	for _, item := range items {
		text, _ := item.(string)
		switch secret, remedy := secretIn(text); {
		case secret != "":
			return nil, fmt.Sprintf("it holds %s, which everybody could read: take it away, and %s", secret, remedy)
		case len(i.Enum) > 0 && !i.accepts(item):
			words := make([]string, len(i.Enum))
			for at, each := range i.Enum {
				words[at] = shortened(fmt.Sprint(each))
			}
			return nil, fmt.Sprintf("%s is not accepted: %s", cited(item), instead(fmt.Sprint(item), words))
		}
	}
	return fitting, ""
}

func unfitList(list []any) string {
	size := 0
	for _, item := range list {
		switch item := item.(type) {
		case string:
			size += len(item)
		case int, float64, bool:
		default:
			return "an item of the list is " + described(item) + ": use texts, numbers, true and false"
		}
	}
	switch {
	case len(list) > MaxItems:
		return fmt.Sprintf("the list has %d items: %d are the most", len(list), MaxItems)
	case size > MaxText:
		return fmt.Sprintf("the list has %d bytes: %d are the most", size, MaxText)
	}
	return ""
}

func (i Input) accepts(value any) bool {
	return slices.ContainsFunc(i.Enum, func(each any) bool { return plainNumber(each) == value })
}

// exact is below which JSON keeps every whole number as it is.
const exact = 1 << 53

// Inexact is the first whole number in a text of JSON that does not stay as it is where
// JSON is read, because it is beyond 2^53; "" where there is none.
//
//workflowcheck:ignore
func Inexact(text string) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}
		number, is := token.(json.Number)
		if !is || strings.ContainsAny(number.String(), ".eE") {
			continue
		}
		if whole, err := number.Int64(); err != nil || whole > exact || whole < -exact {
			return number.String()
		}
	}
}

// plainNumber makes an int of a number that is whole, however JSON had it.
func plainNumber(value any) any {
	if number, is := value.(float64); is && number == math.Trunc(number) && math.Abs(number) < exact {
		return int(number)
	}
	return value
}

// described says what a value is, for a message.
func described(value any) string {
	switch value := value.(type) {
	case nil:
		return "empty"
	case string:
		return "the text " + cited(value)
	case bool:
		return fmt.Sprint(value)
	case []any, []*node:
		return "a list"
	case map[string]any, []entry:
		return "a mapping"
	default:
		return "the number " + cited(value)
	}
}
