package workflows

import (
	"fmt"
	"path"
	"strings"

	"ehpcflow/activities"
)

// MaxWords is how many words of a kind a selector takes, instance ids apart.
const MaxWords = 1000

// MaxQueues is how many queues a selector takes: each is asked for by itself.
const MaxQueues = 20

// Target is every node of the cluster, a list of nodes, or those that a selector means.
type Target struct {
	All   bool     `json:"all,omitempty"`   // every node of the cluster
	Nodes []string `json:"nodes,omitempty"` // ECS instance ids, not looked up in the cluster

	// Select is by what to choose among the nodes of the cluster. It stands apart from
	// All and Nodes: a worker of before there were selectors refuses it.
	Select *Selector `json:"select,omitempty"`

	// SkipUnfit leaves out the selected nodes that cannot run a command, as skipped.
	// Without it, one of them refuses the run.
	SkipUnfit bool `json:"skipUnfit,omitempty"`
}

// Selector says which nodes of a cluster are meant.
type Selector = activities.Selector

func (t Target) validate(problem func(string, ...any)) {
	chosen := 0
	for _, given := range []bool{t.All, len(t.Nodes) > 0, t.Select != nil} {
		if given {
			chosen++
		}
	}
	switch {
	case t.All && len(t.Nodes) > 0:
		problem("both all nodes (--all) and single nodes (--node) are asked for: choose one")
	case chosen == 0:
		problem("no target: name nodes (--node), select them (--role, --queue, --host, --status), or ask for all of them (--all)")
	case chosen > 1:
		problem("the target has a selector beside all nodes or single nodes: put them into the selector")
	case t.SkipUnfit && t.Select == nil:
		problem("unfit nodes can be skipped where a selector has them looked up only: use one")
	}
	validateIDs(t.Nodes, problem)
	if t.Select != nil {
		validateSelector(*t.Select, problem)
	}
}

func validateIDs(ids []string, problem func(string, ...any)) {
	if len(ids) > MaxNodes {
		problem("%d nodes are named, a run takes %d: use several runs", len(ids), MaxNodes)
	}
	named := make(map[string]bool, len(ids))
	for _, id := range ids {
		switch {
		case strings.TrimSpace(id) == "":
			problem("a node id is empty")
		case strings.ContainsAny(id, " \t\n,"):
			problem("node id %q holds a space or a comma: name each node by itself", id)
		case named[id]:
			problem("node %s is named twice", id)
		}
		named[id] = true
	}
}

func validateSelector(s Selector, problem func(string, ...any)) {
	switch chooses := len(s.InstanceIDs)+len(s.Roles)+len(s.Queues)+len(s.HostNames)+len(s.Statuses) > 0; {
	case s.All && len(s.InstanceIDs) > 0:
		problem("both all nodes (--all) and single nodes (--node) are asked for: choose one")
	case !s.All && !chooses && len(s.Excludes) > 0:
		problem("no target: only nodes to leave out are named (--exclude); to run on all the others, say --all")
	case !s.All && !chooses:
		problem("no target: the selector selects nothing; name nodes (--node), select them (--role, --queue, --host, --status), or ask for all of them (--all)")
	}
	validateIDs(s.InstanceIDs, problem)
	for _, kind := range []struct {
		flag, name string
		words      []string
		pattern    bool
		most       int
		instead    string
	}{
		{"--role", "role", s.Roles, false, MaxWords, "a pattern"},
		{"--queue", "queue", s.Queues, false, MaxQueues, "several runs"},
		{"--host", "host name pattern", s.HostNames, true, MaxWords, "a pattern"},
		{"--status", "status", s.Statuses, false, MaxWords, "a pattern"},
		{"--exclude", "node to leave out", s.Excludes, true, MaxWords, "a pattern"},
	} {
		if len(kind.words) > kind.most {
			problem("%s is given %d times, a run takes %d: use %s", kind.flag, len(kind.words), kind.most, kind.instead)
		}
		for _, word := range kind.words {
			_, malformed := path.Match(word, "")
			switch {
			case strings.TrimSpace(word) == "":
				problem("a %s is empty (%s)", kind.name, kind.flag)
			case strings.ContainsAny(word, " \t\n,"):
				problem("%s %q holds a space or a comma: give each %s by itself", kind.flag, word, kind.name)
			case kind.pattern && malformed != nil:
				problem("%s %q is no pattern: * stands for any characters, ? for one, [0-3] for one of these", kind.flag, word)
			}
		}
	}
}

// String says in words which nodes are meant.
func (t Target) String() string {
	switch {
	case t.Select != nil:
		return selectorText(*t.Select)
	case t.All:
		return "all nodes"
	}
	return namedText(t.Nodes)
}

func selectorText(s Selector) string {
	var parts []string
	add := func(what string, words []string) {
		if len(words) > 0 {
			parts = append(parts, what+" "+firstFew(words))
		}
	}
	if s.All {
		parts = append(parts, "all nodes")
	}
	if len(s.InstanceIDs) > 0 {
		parts = append(parts, namedText(s.InstanceIDs))
	}
	add("role", s.Roles)
	add("queue", s.Queues)
	add("host name", s.HostNames)
	add("status", s.Statuses)
	add("but not", s.Excludes)
	return strings.Join(parts, "; ")
}

func namedText(ids []string) string {
	if len(ids) == 1 {
		return ids[0]
	}
	return Nodes(len(ids))
}

// clusterText reads "4 nodes (Compute 3, Login 1; running 3, stopped 1)", and where
// queues were asked for "4 nodes (Compute 3, Login 1; queue gpu 2; running 3, stopped 1)".
func clusterText(c activities.ClusterNodes) string {
	counts := func(of []activities.WordCount) string {
		var texts []string
		for _, count := range of {
			texts = append(texts, fmt.Sprintf("%s %d", count.Word, count.Nodes))
		}
		return firstFew(texts)
	}
	queues := ""
	if len(c.Queues) > 0 {
		queues = "queue " + counts(c.Queues) + "; "
	}
	return fmt.Sprintf("%s (%s; %s%s)", Nodes(c.Nodes), counts(c.Roles), queues, counts(c.Statuses))
}
