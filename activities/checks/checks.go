// Package checks is what a set-up is examined for: the names of the checks, what each
// means, and what to do when it fails. It is data; those that examine are Examine, on
// the worker's side, and package doctor, on the starter's.
package checks

import (
	"slices"
	"strings"
)

// State is what became of a check.
type State string

// The states.
const (
	Passed  State = "passed"
	Warned  State = "warning" // it works, but not as one would want
	Failed  State = "failed"
	Skipped State = "skipped" // not looked at; Finding says why
)

// Worse says whether a state outweighs another one of the same check.
func (s State) Worse(than State) bool { return severity(s) > severity(than) }

func severity(s State) int { return slices.Index([]State{Skipped, Passed, Warned, Failed}, s) }

// Check is one that was made, or skipped.
type Check struct {
	Name    string `json:"name"`             // of the check
	State   State  `json:"state"`            // how it came out
	Finding string `json:"finding"`          // what was found
	Remedy  string `json:"remedy,omitempty"` // of one that failed or warns
}

// Pass is a check that found what it should.
func Pass(name, finding string) Check { return Check{name, Passed, finding, ""} }

// Skip is a check that was not made, for a reason.
func Skip(name, why string) Check { return Check{name, Skipped, "not checked: " + why, ""} }

// Fail is a check that failed. Without a remedy of its own it has that of the table.
func Fail(name, finding, remedy string) Check {
	return Check{name, Failed, finding, remedyOf(name, remedy)}
}

// Warn is a check that found something to be mended at leisure.
func Warn(name, finding, remedy string) Check {
	return Check{name, Warned, finding, remedyOf(name, remedy)}
}

func remedyOf(name, remedy string) string {
	if remedy != "" {
		return remedy
	}
	return Of(name).Remedy
}

// permission begins the name of a check whether an action is allowed.
const permission = "permission "

// Permission names the check whether the API's action is allowed.
func Permission(action string) string { return permission + action }

// Of finds the entry of a check by its name.
func Of(name string) Entry {
	if i := slices.IndexFunc(Table, func(e Entry) bool { return e.Name == name }); i >= 0 {
		return Table[i]
	}
	if action, found := strings.CutPrefix(name, permission); found && action != "" {
		entry := Of(permission)
		entry.Name, entry.Remedy = name, strings.ReplaceAll(entry.Remedy, "ACTION", action)
		return entry
	}
	return Entry{Name: name}
}

// InOrder gives the checks in the order of the names, with those skipped, for that
// reason, that are missing.
func InOrder(names []string, made []Check, why string) []Check {
	var all []Check
	for _, name := range names {
		i := slices.IndexFunc(made, func(c Check) bool { return c.Name == name })
		if i < 0 {
			all = append(all, Skip(name, why))
		} else {
			all = append(all, made[i])
		}
	}
	return all
}
