package pipeline

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/file"
)

// plainly is an error of expr as a sentence for people, without the excerpt that expr
// appends.
func plainly(err error) string {
	message := err.Error()
	var at *file.Error
	if errors.As(err, &at) {
		message = at.Message
	}
	message, _, _ = strings.Cut(message, "\n") // where expr gives up, a trace of its stack follows
	for _, known := range exprWords {
		message = known.said.ReplaceAllString(message, known.better)
	}
	return strings.TrimSpace(message)
}

// exprWords are what expr says, and how people are told it.
var exprWords = []struct {
	said   *regexp.Regexp
	better string
}{
	{regexp.MustCompile(`interface conversion: interface \{\} is (\S+), not (\S+)`), "a value of type $1 stands where one of type $2 is needed"},
	{regexp.MustCompile(`cannot fetch (\S+) from <nil>`), "there is no $1 in nothing (nil)"},
	{regexp.MustCompile(`cannot fetch (\S+) from (\S+)`), "there is no $1 in a value of type $2"},
	{regexp.MustCompile(`index out of range: (\S+) \(array length is (\d+)\)`), "there is no item $1: the list has $2"},
	{regexp.MustCompile(`memory budget exceeded`), errTooMuch.Error()},
	{regexp.MustCompile(`compilation failed: expression exceeds maximum allowed nodes`), "the expression is too long"},
	{regexp.MustCompile(`unexpected token (\w+)\("(.*)"\)`), `$2 is not expected here`},
	{regexp.MustCompile(`unexpected token EOF`), "the expression ends too early"},
	{regexp.MustCompile(`map\[string\]interface ?\{\}`), "map"},
	{regexp.MustCompile(`\[\]interface ?\{\}`), "list"},
	{regexp.MustCompile(`interface ?\{\}`), "any"},
	{regexp.MustCompile(`\bfloat64\b`), "number"},
	{regexp.MustCompile(`\bint\b`), "integer"},
	{regexp.MustCompile(`\bbool\b`), "boolean"},
}

var kindNames = map[reflect.Kind]string{
	reflect.String: "a text", reflect.Int: "an integer", reflect.Float64: "a number", reflect.Bool: "true or false",
	reflect.Slice: "a list", reflect.Array: "a list", reflect.Map: "a map",
}

func kindNamed(kind reflect.Kind) string {
	if name, is := kindNames[kind]; is {
		return name
	}
	return fmt.Sprintf("a value of type %s", kind)
}
