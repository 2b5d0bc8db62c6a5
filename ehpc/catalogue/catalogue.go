// Package catalogue says what every error code means: what a person should do, and
// whether and how soon a call may be made again. It is data, and knows neither the
// network nor credentials, so that any program may show it.
package catalogue

import (
	"slices"
	"strconv"
	"strings"
)

// Retry says whether, and how soon, the same call may be made again. What is not
// known to pass is Never.
type Retry int

// The answers; how long they are is in package activities.
const (
	Never     Retry = iota // it will fail again until somebody changes something
	Soon                   // a passing failure
	Throttled              // the account is over its request quota
	Later                  // another operation has to end first
	WhileNew               // the object may not be visible yet; soon, but only right after it was made
)

func (r Retry) String() string {
	return [...]string{"no", "soon", "when the quota allows", "later", "while it is new"}[r]
}

// Class groups the codes that are handled alike.
type Class struct {
	Name    string
	Meaning string

	// Read is what a call that changes nothing should do.
	Read Retry

	// Submit is what a call that starts something should do. It is Never
	// whenever MayHaveRun is set: the caller has to find out first.
	Submit Retry

	// MayHaveRun is set when a submit that failed so may have started its
	// command on some or all nodes.
	MayHaveRun bool
}

// Entry is what is known of a code.
type Entry struct {
	// Code of the service; of the gateway before it; or of this project, which
	// begin with "Client.", when no usable answer came. A code with a dotted
	// suffix that is not listed is handled as its listed beginning.
	Code string

	HTTP    int    // documented status; 0 when there was no answer
	Class   Class  // how it is handled
	Meaning string // in the documentation's words where it has any
	Chinese string // the documentation's own, where it has one
	Advice  string // one sentence for a person; <action> stands for the API action
}

// Entries lists every code, in the order of the table.
func Entries() []Entry { return slices.Clone(table) }

// Classes lists every class, in the order of the table.
func Classes() []Class { return slices.Clone(classes) }

// HTTPCode is the code of an error answer without one, from a gateway or a proxy.
func HTTPCode(status int) string { return httpPrefix + strconv.Itoa(status) }

const httpPrefix = "HTTP."

// Listed finds a code by itself or by its longest listed beginning:
// AgentError.Job.ListFailure is AgentError.
func Listed(code string) (Entry, bool) {
	for beginning := code; beginning != ""; {
		if i := slices.IndexFunc(table, func(e Entry) bool { return e.Code == beginning }); i >= 0 {
			return table[i], true
		}
		beginning = beginning[:max(strings.LastIndexByte(beginning, '.'), 0)]
	}
	return Entry{}, false
}

// Find says what a code means; one that is not listed is judged by the HTTP
// status that came with it.
func Find(code string, status int) Entry {
	if entry, ok := Listed(code); ok {
		return entry
	}
	if text, ok := strings.CutPrefix(code, httpPrefix); ok {
		if n, err := strconv.Atoi(text); err == nil {
			status = n
		}
	}
	entry := Entry{Code: code, HTTP: status, Meaning: "a code that is not in this catalogue"}
	switch {
	case status == 429 || strings.HasPrefix(code, "Throttling"):
		entry.Class, entry.Advice = throttling, adviceWait
	case strings.HasPrefix(code, "Missing"):
		entry.Class, entry.Advice = request, "give the parameter that the message names"
	case status == 406 || status == 408 || status == 409 || status >= 500:
		entry.Class, entry.Advice = backend, adviceBackend
	case status >= 300 && strings.HasPrefix(code, httpPrefix):
		entry.Class, entry.Advice = request, adviceNetwork
	case status >= 300:
		entry.Class, entry.Advice = request, "look this code up in the vendor's error centre"
	default:
		entry.Class, entry.Advice = unanswered, adviceNetwork
	}
	return entry
}
