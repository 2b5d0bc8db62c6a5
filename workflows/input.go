package workflows

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"ehpcflow/activities/guard"
)

// Limits of an input, with the API's reasons in package ehpc. The workflow does
// not import it; a test keeps the figures equal.
const (
	MinCommandLength = 2    // characters
	MaxCommandLength = 2048 // characters
	MinTimeout       = 60 * time.Second
	DefaultTimeout   = 60 * time.Second
	MaxTimeout       = 30 * 24 * time.Hour // of ours: no command is awaited for longer
	MaxNodes         = 10_000              // of one run
	MaxPerCommand    = 100                 // nodes of one command

	DefaultGrace      = 10 * time.Second
	MaxGrace          = time.Hour
	DefaultStopWithin = 5 * time.Minute
	MaxStopWithin     = 24 * time.Hour
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

	// ExpectedSeconds that the command should take, if that is known: looks at it
	// are close around then. 0 is not known.
	ExpectedSeconds int `json:"expectedSeconds,omitempty"`

	// DeadlineSeconds from the start of the run after which it ends with what is
	// known, whatever still runs. 0 is none: the run then ends some minutes after
	// the timeout.
	DeadlineSeconds int `json:"deadlineSeconds,omitempty"`

	// Raw sends the text of the command untouched, at the price of what makes it run
	// at most once on a node: an answer that leaves a doubt becomes a question, and
	// cancelling cannot stop it.
	Raw bool `json:"raw,omitempty"`

	// GraceSeconds from TERM to KILL when the run is cancelled. 0 is DefaultGrace.
	GraceSeconds int `json:"graceSeconds,omitempty"`

	// StopWithinSeconds is how long stopping may take before the run ends, with the
	// nodes where it could not be confirmed. 0 is DefaultStopWithin.
	StopWithinSeconds int `json:"stopWithinSeconds,omitempty"`

	// NodesPerCommand bounds the nodes that are submitted to in one call. 0 is
	// MaxPerCommand.
	NodesPerCommand int `json:"nodesPerCommand,omitempty"`

	// From are the sets of past runs that the target was made of, such as
	// "failed:run-1", and Lineage is that of a rerun. They are told, and change
	// nothing of what the run does.
	From    []string `json:"from,omitempty"`
	Lineage *Lineage `json:"lineage,omitempty"`

	// Attach names a command that was submitted elsewhere: the run follows it and submits
	// nothing. Target, Command and what else says how to run it are then empty.
	Attach *Attachment `json:"attach,omitempty"`

	// FailUnless says whether the run fails for Temporal when its verdict is another.
	FailUnless FailUnless `json:"failUnless,omitempty"`

	// Continued is set by a run that goes on as a new one. The rest of the input
	// was validated at its start, and the target is in its status.
	Continued *Continuation `json:"continued,omitempty"`
}

// Validate returns everything that is wrong with the input, or nil.
func (in RunCommandInput) Validate() error {
	problems := in.problems()
	length := utf8.RuneCountInString(in.Command)
	if cost := guard.Cost(in.Command); !in.Raw && length <= MaxCommandLength && length+cost > MaxCommandLength {
		problems = append(problems, fmt.Sprintf(
			"the command has %d characters, and %d more make it run at most once, the API takes %d in all: put a longer script on shared storage and call it, or send it --raw",
			length, cost, MaxCommandLength))
	}
	if len(problems) == 0 {
		return nil
	}
	return &InputError{Problems: problems}
}

// problems are what a run refuses. They are part of the contract with histories: what
// was accepted once has to be accepted again.
func (in RunCommandInput) problems() []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	if strings.TrimSpace(in.ClusterID) == "" {
		problem("no cluster: name one (--cluster)")
	}
	if in.Attach != nil {
		in.FailUnless.validate(problem)
		return append(problems, in.attachProblems()...)
	}
	in.Target.validate(problem)
	switch length := utf8.RuneCountInString(in.Command); {
	case !utf8.ValidString(in.Command):
		problem("the command is not valid UTF-8 text and would be changed on its way")
	case length == 0:
		problem("the command is empty")
	case length < MinCommandLength:
		problem("the command has 1 character, the API takes %d to %d", MinCommandLength, MaxCommandLength)
	case length > MaxCommandLength:
		problem("the command has %d characters, the API takes %d to %d: put a longer script on shared storage and call it",
			length, MinCommandLength, MaxCommandLength)
	case strings.TrimSpace(in.Command) == "":
		problem("the command is blank")
	}
	switch longest := int(MaxTimeout.Seconds()); {
	case in.TimeoutSeconds > longest:
		problem("the timeout is longer than %v, the most that is awaited", MaxTimeout)
	case in.timeout() < MinTimeout:
		problem("the timeout is %v, the least that the service is sure to keep is %v", in.timeout(), MinTimeout)
	case in.ExpectedSeconds < 0 || in.ExpectedSeconds > in.TimeoutSeconds:
		problem("the command is expected to take %v, which is not within its timeout of %v", seconds(in.ExpectedSeconds), in.timeout())
	case in.DeadlineSeconds != 0 && (seconds(in.DeadlineSeconds) < MinTimeout || in.DeadlineSeconds > 2*longest):
		problem("the deadline is %d s, it can be %v to %v", in.DeadlineSeconds, MinTimeout, 2*MaxTimeout)
	}
	if in.NodesPerCommand < 0 || in.NodesPerCommand > MaxPerCommand {
		problem("%d nodes a command are asked for, the API takes 1 to %d", in.NodesPerCommand, MaxPerCommand)
	}
	if in.grace() < 0 || in.grace() > MaxGrace {
		problem("the grace period is %v, it can be 1s to %v", in.grace(), MaxGrace)
	}
	if in.stopWithin() < MinTimeout || in.stopWithin() > MaxStopWithin || in.stopWithin() < in.grace()+stopSlack {
		problem("stopping may take %v, it can be %v to %v and %v more than the grace period of %v",
			in.stopWithin(), MinTimeout, MaxStopWithin, stopSlack, in.grace())
	}
	in.FailUnless.validate(problem)
	return problems
}

func (in RunCommandInput) nodesPerCommand() int { return cmp.Or(in.NodesPerCommand, MaxPerCommand) }

func (in RunCommandInput) grace() time.Duration {
	return cmp.Or(seconds(in.GraceSeconds), DefaultGrace)
}

func (in RunCommandInput) stopWithin() time.Duration {
	return cmp.Or(seconds(in.StopWithinSeconds), DefaultStopWithin)
}

func (in RunCommandInput) timeout() time.Duration { return seconds(in.TimeoutSeconds) }

// InputError lists everything that is wrong with an input.
type InputError struct{ Problems []string }

func (e *InputError) Error() string { return strings.Join(e.Problems, "; ") }
