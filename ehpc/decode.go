package ehpc

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The API's answers do not keep to one shape: documentation, SDK generations and
// proxies show lists as {"Name":[…]}, as bare arrays, as one object, as arrays in
// arrays and as JSON inside a string; numbers as strings and strings as numbers.
// The types below read all of them, and never fail a whole answer, which may say
// that a command was started, over the shape of one field.

// unwrapped returns the inside of {"<Action>Response": {…}}, which old pages of
// the documentation show, or the body as it is.
func unwrapped(body []byte) []byte {
	if !wrapper.Match(body) {
		return body
	}
	var outer map[string]json.RawMessage
	if json.Unmarshal(body, &outer) != nil || len(outer) != 1 {
		return body
	}
	for key, inner := range outer {
		if strings.HasSuffix(key, "Response") {
			return inner
		}
	}
	return body
}

var wrapper = regexp.MustCompile(`^\s*\{\s*"\w+Response"\s*:`)

// scalar is a JSON string, number or bool as text; anything else is "".
type scalar string

func (s *scalar) UnmarshalJSON(data []byte) error {
	*s = ""
	switch data[0] {
	case '{', '[', 'n':
	case '"':
		if plain := data[1 : len(data)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
			*s = scalar(plain)
			return nil
		}
		return json.Unmarshal(data, (*string)(s))
	default:
		*s = scalar(data)
	}
	return nil
}

// number reads a whole number; nil when the field was absent, null or no number,
// which must stay apart from 0: a missing exit code is not a success.
func (s scalar) number() *int {
	n, err := strconv.Atoi(strings.TrimSpace(string(s)))
	if err != nil {
		return nil
	}
	return &n
}

// truth reads a bool; nil when the field was absent, null or no bool.
func (s scalar) truth() *bool {
	b, err := strconv.ParseBool(strings.TrimSpace(string(s)))
	if err != nil {
		return nil
	}
	return &b
}

// list is a JSON list of objects in any of the shapes above.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(data []byte) error {
	*l = nil
	for _, element := range elements(data) {
		var item T
		if json.Unmarshal(element, &item) == nil {
			*l = append(*l, item)
		}
	}
	return nil
}

// elements finds the leaves of a list of any shape: it opens arrays, objects
// that only hold one list ({"InvokeInstance": […]}) and strings that hold JSON.
func elements(data []byte) []json.RawMessage {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || bytes.Equal(data, []byte("null")) {
		return nil
	}
	switch data[0] {
	case '[':
		var array []json.RawMessage
		if json.Unmarshal(data, &array) != nil {
			return nil
		}
		var all []json.RawMessage
		for _, element := range array {
			all = append(all, elements(element)...)
		}
		return all
	case '{':
		if inner, ok := onlyMember(data); ok {
			return elements(inner)
		}
	case '"':
		if text, ok := unquote(data); ok && strings.HasPrefix(strings.TrimSpace(text), "[") && json.Valid([]byte(text)) {
			return elements([]byte(text))
		}
	}
	return []json.RawMessage{data}
}

// onlyMember opens an object whose one member is a list (be it inside a string),
// an object or null.
func onlyMember(data []byte) (json.RawMessage, bool) {
	var members map[string]json.RawMessage
	if !holder.Match(data) || json.Unmarshal(data, &members) != nil || len(members) != 1 {
		return nil, false
	}
	for _, inner := range members {
		return inner, true
	}
	return nil, false
}

var holder = regexp.MustCompile(`^\{\s*"[^"]*"\s*:\s*(\[|\{|null|"\[)`)
