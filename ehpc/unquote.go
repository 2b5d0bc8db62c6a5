package ehpc

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// output is what a node printed: a string of JSON, kept byte for byte. A node may
// print what is not UTF-8, which encoding/json would replace.
type output string

func (o *output) UnmarshalJSON(data []byte) error {
	if text, ok := unquote(data); ok {
		*o = output(text)
		return nil
	}
	return json.Unmarshal(data, (*scalar)(o))
}

// escaped are the characters that stand for others after a backslash.
var escaped = map[byte]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// unquote reads a JSON string, and keeps bytes that are not UTF-8 as they are. It
// says whether it was one.
func unquote(quoted []byte) (string, bool) {
	if len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
		return "", false
	}
	rest := quoted[1 : len(quoted)-1]
	if plain(rest) {
		return string(rest), true
	}
	text := make([]byte, 0, len(rest))
	for len(rest) > 0 {
		special := bytes.IndexFunc(rest, func(r rune) bool { return r == '\\' || r == '"' || r < ' ' })
		if special < 0 {
			return string(append(text, rest...)), true
		}
		text = append(text, rest[:special]...)
		rest = rest[special:]
		if rest[0] != '\\' || len(rest) < 2 {
			return "", false
		}
		if char, ok := escaped[rest[1]]; ok {
			text, rest = append(text, char), rest[2:]
			continue
		}
		r, size := codePoint(rest)
		if size == 0 {
			return "", false
		}
		text, rest = utf8.AppendRune(text, r), rest[size:]
	}
	return string(text), true
}

// plain says whether a string of JSON holds what it reads.
func plain(text []byte) bool {
	for _, char := range text {
		if char == '\\' || char == '"' || char < ' ' {
			return false
		}
	}
	return true
}

// codePoint reads \uXXXX, or two of them that make a pair, and says how many bytes
// they are: 0 when there is none. Half a pair is U+FFFD.
func codePoint(text []byte) (r rune, size int) {
	r, size = codeUnit(text)
	if !utf16.IsSurrogate(r) {
		return r, size
	}
	second, more := codeUnit(text[size:])
	if pair := utf16.DecodeRune(r, second); more > 0 && pair != utf8.RuneError {
		return pair, size + more
	}
	return utf8.RuneError, size
}

const codeUnitSize = len(`\uXXXX`)

func codeUnit(text []byte) (r rune, size int) {
	if len(text) < codeUnitSize || text[0] != '\\' || text[1] != 'u' {
		return 0, 0
	}
	n, err := strconv.ParseUint(string(text[2:codeUnitSize]), 16, 16)
	if err != nil {
		return 0, 0
	}
	return rune(n), codeUnitSize
}
