package workflows

import (
	"fmt"
	"strings"
)

// Lineage says of which run a run is a rerun: it has that one's command and options,
// on some of its nodes.
type Lineage struct {
	// Run that it was made from, and First of the chain of reruns: the same, unless
	// Run is a rerun itself.
	Run   string `json:"run"`
	First string `json:"first"`

	// Sets of Run's nodes that were chosen, such as "failed" and "lost".
	Sets []string `json:"sets"`
}

func (l Lineage) String() string {
	text := fmt.Sprintf("rerun of %s (%s)", l.Run, strings.Join(l.Sets, ", "))
	if l.First != l.Run {
		text += ", first run " + l.First
	}
	return text
}

// Origin says where a run comes from: of which run it is a rerun, or from which past
// runs it has its nodes. "" is from none.
func (r RunCommandResult) Origin() string {
	switch {
	case r.Lineage != nil:
		return r.Lineage.String()
	case len(r.From) > 0:
		return "nodes from " + strings.Join(r.From, " and ")
	}
	return ""
}
