package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ehpcflow/activities"
)

// Option is a part of a policy as users write it: a flag of the program, and a word of a
// pipeline's rollout.
type Option struct {
	Name  string // of the flag, such as max-failures
	Word  string // that stands for its value: bool, int, duration, SIZE and the like
	Usage string

	// Read puts what a text says into a policy. A text that cannot be read leaves that
	// part empty, and the error says what can.
	Read func(p *Policy, text string) error
}

// Key is the option's word in a file: maxFailures of max-failures.
func (o Option) Key() string {
	words := strings.Split(o.Name, "-")
	for i := 1; i < len(words); i++ {
		words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
	}
	return strings.Join(words, "")
}

// Keys are those of all options, in their order.
func Keys() []string {
	keys := make([]string, len(Options))
	for i, option := range Options {
		keys[i] = option.Key()
	}
	return keys
}

// Set puts the value of an option, by its key, into a policy. An error says what is wrong
// with the value, or which keys there are, and does not name the key that is known.
func Set(p *Policy, key, value string) error {
	for _, option := range Options {
		if option.Key() == key {
			return option.Read(p, value)
		}
	}
	return fmt.Errorf("a rollout has no %q: use %s", key, strings.Join(Keys(), ", "))
}

// Options are all of them.
var Options = []Option{
	{"waves", "SIZES", "start the nodes in waves of these sizes, such as 1,10%,100%; the last repeats", func(p *Policy, text string) error {
		return readInto(&p.Waves, text, ParseSizes)
	}},
	{"concurrency", "SIZE", "run on so many nodes at a time, such as 20 or 20%; as one ends another is started", func(p *Policy, text string) error {
		return readInto(&p.Concurrency, text, ParseNodes)
	}},
	{"soak", "duration", "wait so long between two waves", func(p *Policy, text string) error {
		return readInto(&p.SoakSeconds, text, ParseSeconds)
	}},
	{"pause", "WHERE", "wait for an approval: start (before the first wave), first (after it), each, failed (after a wave in which a node failed)", func(p *Policy, text string) error {
		return readInto(&p.Pause, text, words[Pause])
	}},
	{"approvals", "int", "as many people have to approve (default 1)", func(p *Policy, text string) error {
		return readInto(&p.Approvals, text, positive)
	}},
	{"approve-within", "duration", "end as parked when nobody approves, or resumes, within this time (default: wait)", func(p *Policy, text string) error {
		return readInto(&p.ApproveWithinSeconds, text, ParseSeconds)
	}},
	{"max-failures", "SIZE", "so many nodes may fail, such as 0, 3 or 5%; one more, and nothing more is started", func(p *Policy, text string) error {
		return readInto(&p.Budget.Whole, text, anySize)
	}},
	{"max-failures-per-wave", "SIZE", "so many nodes of a wave may fail", func(p *Policy, text string) error {
		return readInto(&p.Budget.PerWave, text, anySize)
	}},
	{"count", "STATES", "count only nodes that end so as failed: nonzero, failed, timed_out, stopped, lost, unknown (default: all of them)", func(p *Policy, text string) error {
		return readInto(&p.Budget.Counts, text, words[activities.NodeState])
	}},
	{"on-breach", "WORD", "when too many failed: drain (wait for what runs) or stop it (default drain)", func(p *Policy, text string) error {
		return readInto(&p.Budget.OnBreach, text, word[InFlight])
	}},
	{"quorum", "SIZE", "end successfully as soon as so many nodes succeeded, such as 90%", func(p *Policy, text string) error {
		return readInto(&p.Quorum.Nodes, text, ParseNodes)
	}},
	{"on-quorum", "WORD", "when enough succeeded: drain (wait for what runs) or stop it (default drain)", func(p *Policy, text string) error {
		return readInto(&p.Quorum.OnDone, text, word[InFlight])
	}},
	{"attempts", "int", "try a node at most so often", func(p *Policy, text string) error {
		return readInto(&p.Retry.Attempts, text, positive)
	}},
	{"retry-on", "STATES", "try a node again after lost, failed, timed_out, nonzero; after lost the command may still be running there", func(p *Policy, text string) error {
		return readInto(&p.Retry.On, text, words[activities.NodeState])
	}},
	{"retry-exit-codes", "CODES", "try a node again after these exit codes, such as 75,111", func(p *Policy, text string) error {
		return readInto(&p.Retry.ExitCodes, text, integers)
	}},
	{"retry-backoff", "duration", "wait so long before the second attempt, and twice as long before each that follows (default 30s)", func(p *Policy, text string) error {
		return readInto(&p.Retry.BackoffSeconds, text, ParseSeconds)
	}},
	{"retry-elsewhere", "bool", "start only as many nodes as the quorum needs, and others in the place of those that fail", func(p *Policy, text string) error {
		return readInto(&p.Retry.Elsewhere, text, strconv.ParseBool)
	}},
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

func anySize(text string) (*Size, error) {
	size, err := ParseSize(text)
	if err != nil {
		return nil, err
	}
	return &size, nil
}

// ParseNodes reads a size that is not zero.
func ParseNodes(text string) (Size, error) {
	size, err := ParseSize(text)
	if err == nil && size.IsZero() {
		err = errors.New("it is 0: use 1 or more, or leave it out")
	}
	return size, err
}

// ParseSeconds reads a length of time of whole seconds, 1s or more.
func ParseSeconds(text string) (int, error) {
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
