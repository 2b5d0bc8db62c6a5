package pipeline

import "slices"

// leaveWellShaped takes away from a file what is misshapen at some paths, so that the rest
// can be checked all the same. Of a misshapen step, input, cluster or output the name
// stays, and of a step its needs and the steps of its onFailure, so that nothing is told of
// others that only follows from it. It returns false where too little is left.
func leaveWellShaped(root *node, misshapen [][]string) bool {
	for _, path := range misshapen {
		if len(path) == 1 && (slices.Contains(namesBelow, path[0]) || meantFor(root, path[0])) {
			return false
		}
	}
	if len(root.get("steps").entries()) == 0 {
		return false
	}
	for _, path := range misshapen {
		if len(path) > 1 && slices.Contains(namesBelow, path[0]) {
			takeAway(root.get(path[0]).entry(path[1]), path[0], path[2:])
		}
	}
	return true
}

// namesBelow are the keys of a file under which there are names.
var namesBelow = []string{"inputs", "clusters", "steps", "finally", "outputs"}

// meantFor tells whether an unknown key may be meant for one that is missing, under which
// there would be names that others refer to.
func meantFor(root *node, key string) bool {
	near := nearest(key, namesBelow)
	return near != "" && root.get(near) == nil
}

// takeAway leaves the name of what is misshapen at a path within.
func takeAway(at *entry, under string, path []string) {
	for len(path) > 2 && path[0] == "onFailure" && path[1] == "run" {
		at, path = at.value.get("onFailure").get("run").entry(path[2]), path[3:]
	}
	left := &node{line: at.value.line, column: at.value.column, broken: true}
	switch under {
	case "steps", "finally":
		left.value, left.astray = stepLeft(at.value, path)
	case "clusters", "outputs":
		left.value = "${{ 1 }}" // which may be any
	default:
		left.value = []entry{} // an input of any type
	}
	at.value = left
}

// stepLeft is what stays of a misshapen step, and whether what it needs is not known.
func stepLeft(step *node, path []string) (left []entry, astray bool) {
	left, astray = []entry{}, step.astray
	needs, failure := step.entry("needs"), step.entry("onFailure")
	if len(path) > 0 {
		near := nearest(path[0], theGrammar().at("#/$defs/step").properties())
		astray = astray || path[0] == "needs" || needs == nil && (near == "" || near == "needs")
	}
	if needs != nil && !astray {
		left = append(left, *needs)
	}
	if failure != nil && len(failure.value.get("run").entries()) > 0 {
		run := *failure.value.entry("run")
		left = append(left, entry{failure.name, failure.line, failure.column,
			&node{line: failure.value.line, column: failure.value.column, value: []entry{run}}})
	}
	return left, astray
}
