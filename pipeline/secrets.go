package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// secretTexts are what secrets look like that a text may hold.
var secretTexts = []struct {
	looks  *regexp.Regexp
	shown  string // in its place
	is     string
	remedy string
}{
	{
		regexp.MustCompile(`LTAI[A-Za-z0-9]{12,}`), "LTAI…",
		"an access key of the cloud", "make it invalid; the worker has a credential of its own",
	},
	{
		regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*`), "-----BEGIN PRIVATE KEY…",
		"a private key", "replace it; keep the new one in a file on the cluster that only its user can read",
	},
}

// secretIn says which secret a text holds, and what to do, or returns "".
func secretIn(text string) (is, remedy string) {
	for _, each := range secretTexts {
		if each.looks.MatchString(text) {
			return each.is, each.remedy
		}
	}
	return "", ""
}

// withoutSecrets is a text that can be shown.
func withoutSecrets(text string) string {
	for _, each := range secretTexts {
		text = each.looks.ReplaceAllString(text, each.shown)
	}
	return text
}

var (
	// camelCase is where a word begins without a sign before it.
	camelCase = regexp.MustCompile(`([a-z0-9])([A-Z])`)

	// secretName is by its last word that of a secret, a number behind it or not.
	secretName = regexp.MustCompile(`(?i)(?:PASS(?:WORD|WD|PHRASE)|(?:^|[_-])(?:SECRET|TOKEN|CREDENTIALS?|(?:ACCESS|API|SECRET|PRIVATE|ENCRYPTION|SIGNING)[_-]?KEY))[_-]?[0-9]*$`)
)

func isSecret(name string) bool {
	return secretName.MatchString(camelCase.ReplaceAllString(name, "${1}_${2}"))
}

// secretsWritten finds secrets in a file: what looks like one in any text, and variables of
// jobs and inputs that are secrets by their names. It returns the paths of these too.
func secretsWritten(file string, root *node) (problems []Problem, named []string) {
	say := func(line, column int, path []string, format string, args ...any) {
		problems = append(problems, Problem{File: file, Line: line, Column: column, Path: pathText(path), Message: fmt.Sprintf(format, args...)})
	}
	found := func(line, column int, text string, path []string) {
		if is, remedy := secretIn(text); is != "" {
			say(line, column, path, "%s stands here, which everybody could read: take it away, and %s", is, remedy)
		}
	}
	var look func(n *node, path []string)
	look = func(n *node, path []string) {
		found(n.line, n.column, n.literal, path)
		for _, each := range n.entries() {
			within := append(slices.Clone(path), each.name)
			found(each.line, each.column, each.name, within)
			if remedy := remedyOfNamed(within, each.value); remedy != "" {
				say(each.line, each.column, within, "its name says that it is a secret, and %s", remedy)
				named = append(named, pathText(within))
			}
			look(each.value, within)
		}
		for i, item := range n.list() {
			look(item, append(slices.Clone(path), strconv.Itoa(i)))
		}
	}
	look(root, nil)
	return problems, named
}

// remedyOfNamed says what to do about a variable of a job, or an input, that is a secret by
// its name. It is "" of others, and where the value is none that could be one.
func remedyOfNamed(path []string, value *node) string {
	last := len(path) - 1
	name := path[last]
	switch {
	case !isSecret(name):
	case len(path) == 2 && path[0] == "inputs" && value.get("type").text() != string(Boolean):
		return "the values of inputs are shown with a run and kept in Temporal's history: keep it in a file on the cluster that only its user can read, and let the input name that file, as " + name + "_file"
	case last > 1 && path[last-1] == "variables" && path[last-2] == string(RunsJob) && value.isLiteral():
		return "a job's variables are shown by the scheduler and kept in Temporal's history: keep it in a file on the cluster that only the job's user can read, and name that file to the job in " + name + "_FILE"
	}
	return ""
}

// isLiteral tells whether a value stands in the file itself, and may be a secret.
func (n *node) isLiteral() bool {
	switch value := n.value.(type) {
	case string:
		return value != "" && !Text(value).HasExpressions()
	case nil, bool:
		return false
	}
	return true
}

// untold leaves out problems at paths of secrets, or within: they might cite what has to go
// anyway.
func untold(problems []Problem, named []string) []Problem {
	return slices.DeleteFunc(problems, func(p Problem) bool {
		return slices.ContainsFunc(named, func(path string) bool { return p.Path == path || strings.HasPrefix(p.Path, path+".") })
	})
}
