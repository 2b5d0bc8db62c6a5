package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// policyOptions are the flags that make a run a rollout. They are read after all of the
// command line, so that everything that is wrong can be said at once.
type policyOptions struct{ texts []*policyText }

// policyFlag is one of them: how it is shown in the help, and how its text becomes a
// part of a policy.
type policyFlag struct {
	name, word, usage string
	read              func(p *policy.Policy, text string) error
}

var policyFlags = []policyFlag{
	{"waves", "SIZES", "start the nodes in waves of these sizes, such as 1,10%,100%; the last repeats", func(p *policy.Policy, text string) error {
		return readInto(&p.Waves, text, policy.ParseSizes)
	}},
	{"concurrency", "SIZE", "run on so many nodes at a time, such as 20 or 20%; as one ends another is started", func(p *policy.Policy, text string) error {
		return readInto(&p.Concurrency, text, someNodes)
	}},
	{"soak", "duration", "wait so long between two waves", func(p *policy.Policy, text string) error {
		return readInto(&p.SoakSeconds, text, wholeSeconds)
	}},
	{"pause", "WHERE", "wait for an approval: start (before the first wave), first (after it), each, failed (after a wave in which a node failed)", func(p *policy.Policy, text string) error {
		return readInto(&p.Pause, text, words[policy.Pause])
	}},
	{"approvals", "int", "as many people have to approve (default 1)", func(p *policy.Policy, text string) error {
		return readInto(&p.Approvals, text, positive)
	}},
	{"approve-within", "duration", "end as parked when nobody approves, or resumes, within this time (default: wait)", func(p *policy.Policy, text string) error {
		return readInto(&p.ApproveWithinSeconds, text, wholeSeconds)
	}},
	{"max-failures", "SIZE", "so many nodes may fail, such as 0, 3 or 5%; one more, and nothing more is started", func(p *policy.Policy, text string) error {
		return readInto(&p.Budget.Whole, text, anySize)
	}},
	{"max-failures-per-wave", "SIZE", "so many nodes of a wave may fail", func(p *policy.Policy, text string) error {
		return readInto(&p.Budget.PerWave, text, anySize)
	}},
	{"count", "STATES", "count only nodes that end so as failed: nonzero, failed, timed_out, stopped, lost, unknown (default: all of them)", func(p *policy.Policy, text string) error {
		return readInto(&p.Budget.Counts, text, words[workflows.NodeState])
	}},
	{"on-breach", "WORD", "when too many failed: drain (wait for what runs) or stop it (default drain)", func(p *policy.Policy, text string) error {
		return readInto(&p.Budget.OnBreach, text, word[policy.InFlight])
	}},
	{"quorum", "SIZE", "end successfully as soon as so many nodes succeeded, such as 90%", func(p *policy.Policy, text string) error {
		return readInto(&p.Quorum.Nodes, text, someNodes)
	}},
	{"on-quorum", "WORD", "when enough succeeded: drain (wait for what runs) or stop it (default drain)", func(p *policy.Policy, text string) error {
		return readInto(&p.Quorum.OnDone, text, word[policy.InFlight])
	}},
	{"attempts", "int", "try a node at most so often", func(p *policy.Policy, text string) error {
		return readInto(&p.Retry.Attempts, text, positive)
	}},
	{"retry-on", "STATES", "try a node again after lost, failed, timed_out, nonzero; after lost the command may still be running there", func(p *policy.Policy, text string) error {
		return readInto(&p.Retry.On, text, words[workflows.NodeState])
	}},
	{"retry-exit-codes", "CODES", "try a node again after these exit codes, such as 75,111", func(p *policy.Policy, text string) error {
		return readInto(&p.Retry.ExitCodes, text, integers)
	}},
	{"retry-backoff", "duration", "wait so long before the second attempt, and twice as long before each that follows (default 30s)", func(p *policy.Policy, text string) error {
		return readInto(&p.Retry.BackoffSeconds, text, wholeSeconds)
	}},
	{"retry-elsewhere", "bool", "start only as many nodes as the quorum needs, and others in the place of those that fail", func(p *policy.Policy, text string) error {
		return readInto(&p.Retry.Elsewhere, text, strconv.ParseBool)
	}},
}

// register adds the flags. Adapt changes what the help says of one, up to its default;
// nil does not.
func (o *policyOptions) register(flags *pflag.FlagSet, adapt func(usage string) string) {
	o.texts = make([]*policyText, len(policyFlags))
	for i, flag := range policyFlags {
		o.texts[i] = &policyText{word: flag.word}
		usage := flag.usage
		if adapt != nil {
			usage, _, _ = strings.Cut(usage, " (default")
			usage = adapt(usage)
		}
		added := flags.VarPF(o.texts[i], flag.name, "", usage)
		if flag.word == "bool" {
			added.NoOptDefVal = "true"
		}
	}
}

// none takes away, in a rerun, what the policy of the past run says.
const none = "none"

// policy puts what the flags say in the place of what a policy says, and returns
// everything that is wrong with the flags. There are parts to take away from the policy
// of a past run only.
func (o *policyOptions) policy(p policy.Policy, past bool) (policy.Policy, []string) {
	var problems []string
	for i, flag := range policyFlags {
		switch text := o.texts[i]; {
		case !text.given:
		case past && text.text == none:
			_ = flag.read(&p, "") // what no text is, is nothing
		default:
			if err := flag.read(&p, text.text); err != nil {
				problems = append(problems, fmt.Sprintf("--%s: %v", flag.name, err))
			}
		}
	}
	return p, problems
}

// policyText is a flag as it was given.
type policyText struct {
	text, word string
	given      bool
}

func (t *policyText) String() string { return t.text }
func (t *policyText) Type() string   { return t.word }

func (t *policyText) Set(text string) error {
	t.text, t.given = text, true
	return nil
}

// readInto reads a text, and leaves the zero value for one that cannot be read.
func readInto[T any](into *T, text string, read func(string) (T, error)) error {
	value, err := read(text)
	if err != nil {
		var zero T
		*into = zero
		return err
	}
	*into = value
	return nil
}

func anySize(text string) (*policy.Size, error) {
	size, err := policy.ParseSize(text)
	if err != nil {
		return nil, err
	}
	return &size, nil
}

func someNodes(text string) (policy.Size, error) {
	size, err := policy.ParseSize(text)
	if err == nil && size.IsZero() {
		err = errors.New("it is 0: use 1 or more, or leave it out")
	}
	return size, err
}

// wholeSeconds reads a length of time.
func wholeSeconds(text string) (int, error) {
	length, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no length of time: use one such as 90s, 10m or 24h", text)
	case length%time.Second != 0:
		return 0, fmt.Errorf("it is %v: use whole seconds", length)
	case length <= 0:
		return 0, fmt.Errorf("it is %v: use 1s or more, or leave it out", length)
	}
	return int(length / time.Second), nil
}

func positive(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no number from 1 on", text)
	}
	return n, nil
}

func integers(text string) ([]int, error) {
	var numbers []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("%q is no number", part)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// words reads words with commas between them; the policy says which there are.
func words[T ~string](text string) ([]T, error) {
	var list []T
	for part := range strings.SplitSeq(text, ",") {
		w, err := word[T](part)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, nil
}

func word[T ~string](text string) (T, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", errors.New("a word is missing")
	}
	return T(text), nil
}
