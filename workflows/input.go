package workflows

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of an input, with the API's reasons in package ehpc. The workflow does
// not import it; a test keeps the figures equal.
const (
	MinCommandLength = 2    // characters
	MaxCommandLength = 2048 // characters
	MinTimeout       = 60 * time.Second
	DefaultTimeout   = 60 * time.Second
	MaxNodes         = 100 // of one run
)

// RunCommandInput says what to run, and where.
type RunCommandInput struct {
	ClusterID string `json:"clusterId"`
	Target    Target `json:"target"`

	// Command is shell text, run as root on every node of the target.
	Command string `json:"command"`

	// WorkingDir on the node; "" leaves it to the service (documented: /root).
	WorkingDir string `json:"workingDir,omitempty"`

	// TimeoutSeconds after which the service kills the command on a node. At
	// least 60.
	TimeoutSeconds int `json:"timeoutSeconds"`
}

// Target is either every node of the cluster or a list of nodes.
type Target struct {
	All   bool     `json:"all,omitempty"`
	Nodes []string `json:"nodes,omitempty"` // ECS instance ids
}

// Validate returns everything that is wrong with the input, or nil.
func (in RunCommandInput) Validate() error {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	if strings.TrimSpace(in.ClusterID) == "" {
		problem("no cluster: name one (--cluster)")
	}
	in.Target.validate(problem)
	switch length := utf8.RuneCountInString(in.Command); {
	case !utf8.ValidString(in.Command):
		problem("the command is not valid UTF-8 text and would be changed on its way")
	case length < MinCommandLength:
		problem("the command has %d characters, the API takes %d to %d", length, MinCommandLength, MaxCommandLength)
	case length > MaxCommandLength:
		problem("the command has %d characters, the API takes %d to %d: put a longer script on shared storage and call it",
			length, MinCommandLength, MaxCommandLength)
	case strings.TrimSpace(in.Command) == "":
		problem("the command is blank")
	}
	if in.timeout() < MinTimeout {
		problem("the timeout is %v, the least that the service is sure to keep is %v", in.timeout(), MinTimeout)
	}
	if len(problems) == 0 {
		return nil
	}
	return &InputError{Problems: problems}
}

func (t Target) validate(problem func(string, ...any)) {
	switch {
	case t.All && len(t.Nodes) > 0:
		problem("both all nodes (--all) and single nodes (--node) are asked for: choose one")
	case !t.All && len(t.Nodes) == 0:
		problem("no target: name nodes (--node), or ask for all of them (--all)")
	case len(t.Nodes) > MaxNodes:
		problem("%d nodes are named, a run takes %d: use several runs", len(t.Nodes), MaxNodes)
	}
	named := make(map[string]bool, len(t.Nodes))
	for _, id := range t.Nodes {
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

func (in RunCommandInput) timeout() time.Duration { return seconds(in.TimeoutSeconds) }

// InputError lists everything that is wrong with an input.
type InputError struct{ Problems []string }

func (e *InputError) Error() string { return strings.Join(e.Problems, "; ") }
