package activities

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// Selector says which nodes of a cluster are meant. A node has to fit every kind of
// word that is given, and of each kind one word; a kind without words fits every node.
type Selector struct {
	// All says that every node is meant which nothing else leaves out. Only a
	// selector that chooses by nothing but Excludes needs it.
	All bool `json:"all,omitempty"`

	InstanceIDs []string `json:"instanceIds,omitempty"` // ECS instance ids

	// Roles and Statuses are the vendor's words, such as Compute and running, in
	// upper or lower case. The role Manager stands for those of the managing nodes.
	Roles    []string `json:"roles,omitempty"`
	Statuses []string `json:"statuses,omitempty"`

	// Queues are names of the scheduler's queues, exactly as it writes them.
	Queues []string `json:"queues,omitempty"`

	// HostNames are patterns as path.Match takes them: compute0*.
	HostNames []string `json:"hostNames,omitempty"`

	// Excludes are instance ids and patterns of host names that are not meant,
	// whatever the others say.
	Excludes []string `json:"excludes,omitempty"`
}

// MarshalJSON writes what a selector with queues says beside them as "within". A worker
// that does not know queues passes over both: it finds a selector that selects nothing,
// and refuses the run instead of running on nodes of every queue.
func (s Selector) MarshalJSON() ([]byte, error) {
	if len(s.Queues) == 0 {
		return json.Marshal(selectorFields(s))
	}
	queues := s.Queues
	s.Queues = nil
	return json.Marshal(struct {
		Queues []string       `json:"queues"`
		Within selectorFields `json:"within"`
	}{queues, selectorFields(s)})
}

// UnmarshalJSON reads it, also with everything side by side.
func (s *Selector) UnmarshalJSON(text []byte) error {
	var apart struct {
		Within json.RawMessage `json:"within"`
	}
	fields := (*selectorFields)(s)
	if err := json.Unmarshal(text, &apart); err != nil {
		return err
	}
	if err := json.Unmarshal(text, fields); err != nil || apart.Within == nil {
		return err
	}
	return json.Unmarshal(apart.Within, fields)
}

// selectorFields is a selector that is written field by field.
type selectorFields Selector

// LeftOut is why a selector does not mean a node.
type LeftOut string

// The reasons, in the order in which they are looked for.
const (
	NotNamed      LeftOut = "not named"
	OtherRole     LeftOut = "of another role"
	OtherQueue    LeftOut = "of another queue"
	OtherHostName LeftOut = "of another host name"
	OtherStatus   LeftOut = "of another status"
	Excluded      LeftOut = "excluded"
)

// AllLeftOut lists every reason.
var AllLeftOut = []LeftOut{NotNamed, OtherRole, OtherQueue, OtherHostName, OtherStatus, Excluded}

// roleManager is the API's word for the nodes that play one of managing.
const roleManager = "Manager"

var managing = []string{"Scheduler", "SchedulerBackup", "Account", "AccountBackup"}

// Choose parts nodes into those that are meant and the others, in their order, each of
// these with the reason. Unmatched are the words that fit no node at all, which are
// likely misspelt. What status there is changes by itself: a status never is.
func (s Selector) Choose(nodes Nodes) (meant, others Nodes, unmatched []string) {
	filters := s.filters()
	for _, node := range nodes {
		for _, f := range filters {
			if fits := f.fits(node); len(f.words) > 0 && fits == f.excludes && node.LeftOut == "" {
				node.LeftOut = f.leftOut
			}
		}
		if node.LeftOut == "" {
			meant = append(meant, node)
		} else {
			others = append(others, node)
		}
	}
	for _, f := range filters {
		for _, word := range f.words {
			if !f.used[word] && f.leftOut != OtherStatus {
				unmatched = append(unmatched, f.name+" "+word)
			}
		}
	}
	return meant, others, unmatched
}

// filter is one kind of words of a selector.
type filter struct {
	name     string
	words    []string
	leftOut  LeftOut
	excludes bool // the nodes that fit are not meant

	// equal is what has to be a word, and match compares it with a word that is more.
	equal func(Node) string
	match func(word string, node Node) bool

	plain map[string]bool // the words
	used  map[string]bool // those that fitted a node
}

func (s Selector) filters() []filter {
	id := func(node Node) string { return node.InstanceID }
	filters := []filter{
		{name: "node", words: s.InstanceIDs, leftOut: NotNamed, equal: id},
		{name: "role", words: s.Roles, leftOut: OtherRole, match: playsRole},
		{name: "queue", words: s.Queues, leftOut: OtherQueue, match: servesQueue},
		{name: "host name", words: s.HostNames, leftOut: OtherHostName, match: hasHostName},
		{name: "status", words: s.Statuses, leftOut: OtherStatus, match: hasStatus},
		{name: "exclude", words: s.Excludes, leftOut: Excluded, excludes: true, equal: id, match: hasHostName},
	}
	for i := range filters {
		f := &filters[i]
		f.plain, f.used = make(map[string]bool, len(f.words)), make(map[string]bool, len(f.words))
		for _, word := range f.words {
			f.plain[word] = true
		}
	}
	return filters
}

// fits says whether a node fits a word, and notes which.
func (f *filter) fits(node Node) bool {
	fits := false
	if f.equal != nil && f.plain[f.equal(node)] {
		fits, f.used[f.equal(node)] = true, true
	}
	if f.match == nil {
		return fits
	}
	for _, word := range f.words {
		if f.match(word, node) {
			fits, f.used[word] = true, true
		}
	}
	return fits
}

func playsRole(word string, node Node) bool {
	return slices.ContainsFunc(node.Roles, func(role string) bool {
		return strings.EqualFold(word, role) || strings.EqualFold(word, roleManager) && slices.Contains(managing, role)
	})
}

func servesQueue(name string, node Node) bool { return slices.Contains(node.Queues, name) }

func hasHostName(pattern string, node Node) bool {
	match, err := path.Match(pattern, node.HostName)
	return err == nil && match && node.HostName != ""
}

func hasStatus(word string, node Node) bool { return strings.EqualFold(word, node.Status) }
