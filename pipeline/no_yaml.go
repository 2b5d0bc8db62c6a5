package pipeline

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// noYAML says where a text is no YAML, and what to do. The line that the library names is
// that of the mapping or list around; here it is the first line with which the text
// becomes wrong.
func noYAML(file string, text []byte, err error) Problem {
	lines := bytes.SplitAfter(text, []byte("\n"))
	wrong := withoutLine(err)
	at := sort.Search(len(lines)-1, func(i int) bool {
		err := yamlError(bytes.Join(lines[:i+1], nil))
		return err != nil && withoutLine(err) == wrong
	})
	line := strings.TrimRight(string(lines[at]), "\r\n")
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	problem := Problem{File: file, Line: at + 1, Column: 1 + utf8.RuneCountInString(indent), Message: "it is no YAML: " + shortened(anchorName.ReplaceAllString(wrong, "unknown anchor"))}
	if strings.Contains(indent, "\t") {
		problem.Message = "it is indented with a tab: use spaces"
		return problem
	}
	for _, each := range yamlRemedies {
		if strings.Contains(wrong, each.holds) {
			problem.Message += ": " + each.remedy
			break
		}
	}
	return problem
}

// yamlRemedies are for the mistakes that are made most, by what the library says of them.
var yamlRemedies = []struct{ holds, remedy string }{
	{"',' or", "between { and } write values with ? : , { } [ ] # in quotes, or write the mapping on lines of its own"},
	{"mapping values are not allowed", "put a text in quotes that holds a colon with a space behind, and see that the line begins in the right column"},
	{"expected key", "see that the line begins in the same column as the keys beside it, and ends its quotes"},
	{"'-' indicator", "see that the line begins in the same column as the items beside it"},
	{"cannot start any token", "put a text in quotes that begins with @, ` or %; between { and } a text of several lines (|) is not possible: write the mapping on lines of its own"},
	{"unexpected end of stream", "a quote is not closed"},
	{"unknown anchor", "put a text in quotes that begins with *, or mark with & what an alias stands for, before it"},
}

// anchorName is the only part of a file that the library cites, and may be one of a secret.
var anchorName = regexp.MustCompile(`unknown anchor '.*'`)

// yamlError reads all documents of a text, and tells why that is not possible.
func yamlError(text []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

var lineOfYAML = regexp.MustCompile(`^yaml: (line \d+: )?`)

func withoutLine(err error) string {
	return lineOfYAML.ReplaceAllString(strings.ReplaceAll(err.Error(), "\n", " "), "")
}
