package workflows_test

import (
	"fmt"
	"slices"
	"time"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// claims watch what a rollout does on a fleet, and say what it must not have done. They
// know what was asked for, what was answered and what really runs, and nothing of how
// the rollout decides.
type claims struct {
	*fleet
	policy   policy.Policy // as orders have left it
	started  time.Time
	deadline time.Time
	broken   []string
	seen     map[string]int // how often what is of interest occurred

	target    []string // in its order, with what was added
	wave      map[string]int
	waves     int
	onTheWay  map[string]string // tokens of submits that went out, by node
	tokens    map[string][]string
	orders    []workflows.Order // that were accepted
	paused    time.Time
	over      time.Time // when an order or a cancel ended it
	waits     time.Time // when what it waits for began to be waited for, at the earliest
	breach    time.Time
	approvals map[int][]string
	retries   map[string]int
	skipped   map[string]bool
	ended     map[string]workflows.NodeState // for good, as was answered
	cancelled bool
	doubted   map[string]bool     // tokens of submits that may have arrived
	stops     map[string][]string // tokens that were sent a stop, by node
	refused   map[string]bool     // nodes that the service refused to start the command on
	givenUp   map[string]bool     // those that a person did not want to know of any more
}

func newClaims(f *fleet, in workflows.RolloutInput, started time.Time) *claims {
	c := &claims{
		fleet: f, policy: in.Policy, started: started, waits: started, seen: make(map[string]int), target: slices.Clone(f.ids),
		wave: make(map[string]int), onTheWay: make(map[string]string), tokens: make(map[string][]string),
		approvals: make(map[int][]string), retries: make(map[string]int), skipped: make(map[string]bool), doubted: make(map[string]bool), givenUp: make(map[string]bool), refused: make(map[string]bool), stops: make(map[string][]string), ended: make(map[string]workflows.NodeState),
	}
	if in.DeadlineSeconds > 0 {
		c.deadline = started.Add(time.Duration(in.DeadlineSeconds) * time.Second)
	}
	for node := 0; node < len(f.ids); c.waves++ { // sizes again, counted out
		size := len(f.ids)
		if n := len(in.Policy.Waves); n > 0 {
			size = sizeOf(in.Policy.Waves[min(c.waves, n-1)], len(f.ids))
		}
		for ; size > 0 && node < len(f.ids); size, node = size-1, node+1 {
			c.wave[f.ids[node]] = c.waves
		}
	}
	return c
}

func (c *claims) require(holds bool, format string, args ...any) {
	if !holds {
		c.broken = append(c.broken, fmt.Sprintf(format, args...))
	}
}

func (c *claims) count(what string, when bool) {
	if when {
		c.seen[what]++
	}
}

// submits checks a submit that goes out.
func (c *claims) submits(in activities.InvokeShellCommandInput, now time.Time) {
	if in.Stop != nil {
		c.seen["stop"]++
		for _, id := range in.InstanceIDs {
			c.stops[id] = append(c.stops[id], in.Token)
		}
		return
	}
	at := now.Sub(c.started)
	running := make(map[string]bool)
	for _, run := range c.runs {
		if run.runsAt(now) && !c.givenUp[run.token] {
			running[run.node] = true
		}
	}
	for id := range c.onTheWay {
		running[id] = true
	}
	wave := c.wave[in.InstanceIDs[0]]
	for _, id := range in.InstanceIDs {
		c.require(c.onTheWay[id] == "" || c.onTheWay[id] == in.Token, "%v: %s is submitted to while another submit is on its way", at, id)
		for _, run := range c.runsOn(id) {
			c.require(!run.runsAt(now) || run.token == in.Token, "%v: %s is submitted to while the command runs there", at, id)
		}
		running[id] = true
		c.onTheWay[id] = in.Token
		if !slices.Contains(c.tokens[id], in.Token) {
			c.tokens[id] = append(c.tokens[id], in.Token)
			c.count("retry", len(c.tokens[id]) > 1)
		}
		most := max(1, c.policy.Retry.Attempts) + c.retries[id]
		c.require(len(c.tokens[id]) <= most, "%v: attempt %d of %d on %s", at, len(c.tokens[id]), most, id)
		c.require(!c.refused[id], "%v: %s was refused, and is submitted to again", at, id)
		c.require(!c.skipped[id], "%v: %s was skipped by an order, and is submitted to", at, id)
		c.require(c.wave[id] == wave, "%v: %s is not of wave %d", at, id, wave+1)
		delete(c.ended, id)
	}
	if c.policy.Concurrency != (policy.Size{}) {
		limit := sizeOf(c.policy.Concurrency, len(c.target))
		c.require(len(running) <= limit, "%v: %d nodes run or are started, %d may", at, len(running), limit)
		c.count("concurrency reached", len(running) == limit)
	}
	if c.policy.Retry.Elsewhere {
		going := len(running)
		for _, state := range c.ended {
			if state == activities.Succeeded {
				going++
			}
		}
		needed := 0
		for !reaches(c.policy.Quorum.Nodes, needed, len(c.target)) {
			needed++
		}
		c.require(going <= needed, "%v: %d nodes were started or succeeded, the quorum needs %d", at, going, needed)
	}
	for id := range running {
		c.require(c.wave[id] >= wave, "%v: wave %d begins while %s of wave %d runs", at, wave+1, id, c.wave[id]+1)
	}
	c.require(c.over.IsZero() || !now.After(c.over), "%v: a submit after the rollout was ended at %v", at, c.over.Sub(c.started))
	c.require(c.breach.IsZero() || !now.After(c.breach), "%v: a submit after the budget was breached at %v", at, c.breach.Sub(c.started))
	c.require(c.paused.IsZero() || !now.After(c.paused), "%v: a submit while paused since %v", at, c.paused.Sub(c.started))
	c.require(c.deadline.IsZero() || now.Before(c.deadline), "%v: a submit after the deadline of %v", at, c.deadline.Sub(c.started))
	c.gate(wave, now)
}

// gate checks that a wave may begin.
func (c *claims) gate(wave int, now time.Time) {
	if !c.gateShut(wave) {
		return
	}
	pauses := func(p policy.Pause) bool { return slices.Contains(c.policy.Pause, p) }
	begun, last, later := 0, -1, false
	for w := range c.waves {
		switch {
		case c.gateShut(w):
		case w < wave:
			begun, last = begun+1, w
		default:
			later = true
		}
	}
	failed := false
	for id, state := range c.ended {
		failed = failed || c.wave[id] == last && c.counts(state)
	}
	if begun == 0 && !later && pauses(policy.PauseStart) || begun == 1 && pauses(policy.PauseFirst) || begun > 0 && pauses(policy.PauseEach) ||
		begun > 0 && failed && pauses(policy.PauseFailed) {
		needed := max(1, c.policy.Approvals)
		c.require(len(c.approvals[wave]) >= needed, "%v: wave %d begins with %d approvals of %d", now.Sub(c.started), wave+1, len(c.approvals[wave]), needed)
		c.seen["approved wave"]++
	}
	if begun == 0 || c.policy.SoakSeconds == 0 {
		return
	}
	for _, run := range c.runs {
		if c.wave[run.node] == last {
			c.require(!now.Before(run.until.Add(time.Duration(c.policy.SoakSeconds)*time.Second)), "%v: wave %d begins without its soak", now.Sub(c.started), wave+1)
		}
	}
	c.seen["soak"]++
}

// gateShut says whether nothing of a wave was started before.
func (c *claims) gateShut(wave int) bool {
	for _, run := range c.runs {
		if c.wave[run.node] == wave {
			return false
		}
	}
	return true
}

// through notes that a submit is no longer on its way. One that started nothing for
// certain was no attempt.
func (c *claims) through(in activities.InvokeShellCommandInput, mayHaveRun, refused bool) {
	c.doubted[in.Token] = c.doubted[in.Token] || mayHaveRun
	for _, id := range in.InstanceIDs {
		c.refused[id] = c.refused[id] || refused && in.Stop == nil && !c.doubted[in.Token]
		if !c.doubted[in.Token] && c.began[in.Token][id] == nil && in.Stop == nil {
			c.tokens[id] = slices.DeleteFunc(c.tokens[id], func(token string) bool { return token == in.Token })
		}
		if c.onTheWay[id] == in.Token {
			delete(c.onTheWay, id)
		}
	}
}

// results takes what the rollout is told, and from when on it knows that the budget is
// breached.
func (c *claims) results(in activities.ListInvocationResultsInput, records activities.ResultRecords, now time.Time) {
	for _, record := range records {
		if record.Refusal != guard.Second {
			c.end(record.InstanceID, c.command(in.CommandID).runs[record.InstanceID].ends(), record.ExitCode)
		}
	}
	c.judge(now)
}

func (c *claims) lost(ids []string, now time.Time) {
	for _, id := range ids {
		if len(c.runsOn(id)) > 0 && c.began[c.tokens[id][len(c.tokens[id])-1]][id] != nil {
			c.end(id, activities.Lost, nil)
		}
	}
	c.judge(now)
}

// end notes how a node ended, unless it is to be tried again.
func (c *claims) end(id string, state workflows.NodeState, code *int) {
	again := slices.Contains(c.policy.Retry.On, state) || state == activities.Nonzero && code != nil && slices.Contains(c.policy.Retry.ExitCodes, *code)
	if again && len(c.tokens[id]) < c.policy.Retry.Attempts+c.retries[id] { // perhaps
		return
	}
	c.ended[id] = state
}

func (c *claims) judge(now time.Time) {
	if c.breach.IsZero() && c.breached(c.ended) {
		c.breach = now
	}
}

// ends is the state that an execution ends in.
func (e *execution) ends() workflows.NodeState {
	switch {
	case e.stopped:
		return activities.Nonzero
	case e.fate.ending == exits && e.fate.code == 0:
		return activities.Succeeded
	case e.fate.ending == exits:
		return activities.Nonzero
	case e.fate.ending == times:
		return activities.TimedOut
	}
	return activities.Failed
}

// counts says whether a state counts as failed.
func (c *claims) counts(state workflows.NodeState) bool {
	switch state {
	case activities.Succeeded, activities.Skipped:
		return false
	case activities.Running, activities.Pending, activities.Finished:
		state = activities.Unknown
	default:
	}
	return len(c.policy.Budget.Counts) == 0 || slices.Contains(c.policy.Budget.Counts, state)
}

func (c *claims) breached(states map[string]workflows.NodeState) bool {
	sizes, failed := make([]int, c.waves), make([]int, c.waves)
	all := 0
	for _, id := range c.target {
		sizes[c.wave[id]]++
		if state, ended := states[id]; ended && c.counts(state) {
			failed[c.wave[id]]++
			all++
		}
	}
	if b := c.policy.Budget.Whole; b != nil && exceeds(*b, all, len(c.target)) {
		return true
	}
	for wave := range sizes {
		if b := c.policy.Budget.PerWave; b != nil && exceeds(*b, failed[wave], sizes[wave]) {
			return true
		}
	}
	return false
}
