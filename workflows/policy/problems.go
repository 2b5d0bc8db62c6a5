package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ehpcflow/activities"
)

// Problems are what is wrong with a policy whatever the nodes are. Raw says that the
// command is sent raw, and cannot be stopped.
func (p Policy) Problems(raw bool) []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	if len(p.Waves) > MaxWaves {
		problem("%d sizes of waves are given, a rollout takes %d: the last one repeats by itself", len(p.Waves), MaxWaves)
	}
	for i, size := range p.Waves {
		if size.Of(whole) == 0 {
			problem("wave %d is %s and would be empty (--waves)", i+1, size)
		}
	}
	for _, length := range []struct {
		flag    string
		seconds int
		most    time.Duration
	}{
		{"soak", p.SoakSeconds, MaxSoak},
		{"approve-within", p.ApproveWithinSeconds, MaxWait},
		{"retry-backoff", p.Retry.BackoffSeconds, MaxBackoff},
	} {
		if length.seconds < 0 || length.seconds > int(length.most.Seconds()) {
			problem("--%s is %d s, it can be 0 to %v", length.flag, length.seconds, length.most)
		}
	}
	for _, pause := range p.Pause {
		if !slices.Contains(Pauses, pause) {
			problem("%q is no place to pause: use %s (--pause)", pause, texts(Pauses))
		}
	}
	switch {
	case p.Approvals < 0 || p.Approvals > 10:
		problem("%d approvals are asked for, it can be 1 to 10 (--approvals)", p.Approvals)
	case p.Approvals > 0 && len(p.Pause) == 0:
		problem("approvals are counted where the rollout pauses only: say where (--pause), or leave --approvals out")
	}
	p.Budget.validate(raw, problem)
	p.Quorum.validate(raw, problem)
	p.Retry.validate(p.Quorum, problem)
	return problems
}

// Pointless is what a policy asks for that would have no effect, and that whoever asked
// for it may count on.
func (p Policy) Pointless() []string {
	if len(p.Waves) > 0 {
		return nil
	}
	var problems []string
	if slices.ContainsFunc(p.Pause, func(at Pause) bool { return at != PauseStart }) {
		problems = append(problems, "a pause after a wave is asked for, and all nodes are in one wave, after which there is nothing to wait for: give sizes (--waves), or leave --pause out")
	}
	if p.SoakSeconds > 0 {
		problems = append(problems, "a soak between waves is asked for, and all nodes are in one wave: give sizes (--waves), or leave --soak out")
	}
	return problems
}

func (b Budget) validate(raw bool, problem func(string, ...any)) {
	if !b.Any() && (len(b.Counts) > 0 || b.OnBreach != "") {
		problem("what counts as failed and what happens on a breach are said without a budget: give one (--max-failures, --max-failures-per-wave)")
	}
	for _, state := range b.Counts {
		if !slices.Contains(FailureStates, state) {
			problem("%q cannot be counted as a failure: use %s (--count)", state, texts(FailureStates))
		}
	}
	b.OnBreach.validate("--on-breach", raw, problem)
	for _, of := range []struct {
		flag string
		size *Size
	}{{"--max-failures", b.Whole}, {"--max-failures-per-wave", b.PerWave}} {
		if of.size != nil && of.size.share == whole {
			problem("a budget of all nodes can never be breached: leave %s out, or lower it", of.flag)
		}
	}
	if b.Whole == nil || b.PerWave == nil {
		return
	}
	bothNumbers := b.Whole.share == 0 && b.PerWave.share == 0
	if bothNumbers && b.PerWave.number > b.Whole.number || b.Whole.IsZero() && !b.PerWave.IsZero() {
		problem("the budget of a wave (%s) is larger than that of the whole rollout (%s), which would always be breached first: lower --max-failures-per-wave, or raise --max-failures",
			b.PerWave, b.Whole)
	}
}

func (q Quorum) validate(raw bool, problem func(string, ...any)) {
	if q.Nodes.IsZero() && q.OnDone != "" {
		problem("what happens when the quorum is reached is said without a quorum: give one (--quorum)")
	}
	q.OnDone.validate("--on-quorum", raw, problem)
}

func (f InFlight) validate(flag string, raw bool, problem func(string, ...any)) {
	switch {
	case f != "" && f != Drain && f != Stop:
		problem("%s is %q: use %s or %s", flag, f, Drain, Stop)
	case f == Stop && raw:
		problem("%s is %s, and a command that is sent --raw cannot be stopped: use %s, or leave --raw out", flag, Stop, Drain)
	}
}

func (r Retry) validate(q Quorum, problem func(string, ...any)) {
	again := r.Attempts > 1
	named := len(r.On)+len(r.ExitCodes) > 0
	switch {
	case r.Attempts < 0 || r.Attempts > MaxAttempts:
		problem("%d attempts are asked for, it can be 1 to %d (--attempts)", r.Attempts, MaxAttempts)
	case again && !named:
		problem("%d attempts are asked for, and not after what: name states (--retry-on) or exit codes (--retry-exit-codes)", r.Attempts)
	case !again && (named || r.BackoffSeconds > 0):
		problem("it is said what is tried again, and not how often: give --attempts 2 or more")
	case r.Elsewhere && again:
		problem("either the nodes that failed are tried again (--attempts) or other ones in their place (--retry-elsewhere): choose one")
	case r.Elsewhere && q.Nodes.IsZero():
		problem("other nodes take the place of failed ones only where not all are needed: give a quorum (--quorum), or leave --retry-elsewhere out")
	}
	for _, state := range r.On {
		if !slices.Contains(RetryStates, state) {
			problem("a node is not tried again after %q: use %s (--retry-on)", state, texts(RetryStates))
		}
	}
	for _, code := range r.ExitCodes {
		if code < 1 || code > 255 {
			problem("%d is no exit code of a failure: they are 1 to 255 (--retry-exit-codes)", code)
		}
	}
	if len(r.ExitCodes) > 0 && slices.Contains(r.On, activities.Nonzero) {
		problem("nodes are tried again after any exit code (--retry-on nonzero) and after certain ones (--retry-exit-codes): choose one")
	}
}

// ProblemsOn are what is wrong with a policy on n nodes.
func (p Policy) ProblemsOn(n int) []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	started := 0
	for i, size := range p.Waves {
		if started >= n {
			break
		}
		if size.Of(n) == 0 {
			problem("wave %d is %s of %d nodes, which is less than one node, so that it would be empty: use a number, or a larger share (--waves)", i+1, size, n)
		}
		started += size.Of(n)
	}
	if len(problems) == 0 {
		if waves := len(p.Split(n)); waves > MaxWaves {
			problem("%d nodes would go in %d waves, a rollout takes %d: make the last size larger (--waves)", n, waves, MaxWaves)
		}
	}
	if !p.Concurrency.IsZero() && p.Concurrency.Of(n) == 0 {
		problem("a concurrency of %s of %d nodes is less than one node, so that nothing would be started: use a number, or a larger share (--concurrency)", p.Concurrency, n)
	}
	if p.Quorum.Nodes.number > n {
		problem("a quorum of %s is more than the %d nodes that there are: lower --quorum, or take more nodes", p.Quorum.Nodes, n)
	}
	if b := p.Budget.Whole; b != nil && b.number >= n {
		problem("a budget of %d of %d nodes can never be breached: leave --max-failures out, or lower it", b.number, n)
	}
	return problems
}

func texts[T ~string](words []T) string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = string(word)
	}
	return cmp.Or(strings.Join(list, ", "), "none")
}
