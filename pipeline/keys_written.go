package pipeline

import (
	"slices"
	"strconv"
)

// keysWritten finds access keys of the cloud in the texts of a file.
func keysWritten(file string, root *node) []Problem {
	var problems []Problem
	found := func(line, column int, text string, path []string) {
		if accessKey.MatchString(text) {
			problems = append(problems, Problem{File: file, Line: line, Column: column, Path: pathText(path),
				Message: "an access key of the cloud stands here, which everybody could read: take it away, and make it invalid; the worker has a credential of its own"})
		}
	}
	var look func(n *node, path []string)
	look = func(n *node, path []string) {
		found(n.line, n.column, n.literal, path)
		for _, each := range n.entries() {
			within := append(slices.Clone(path), each.name)
			found(each.line, each.column, each.name, within)
			look(each.value, within)
		}
		for i, item := range n.list() {
			look(item, append(slices.Clone(path), strconv.Itoa(i)))
		}
	}
	look(root, nil)
	return problems
}
