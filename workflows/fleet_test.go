package workflows_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
)

// fleet is a cluster in virtual time: which command runs where, from when until when,
// and how it ends. The same dice give the same fleet. Package activities' functions are
// played on it by fleetAPI.
type fleet struct {
	dice  *rand.Rand
	ids   []string
	gone  map[string]bool // nodes that were released
	unfit map[string]bool // to run a command
	fates fates

	commands []*fleetCommand
	runs     []*execution
	began    map[string]map[string]*execution // the execution that counts, by token and node
	barred   map[string]map[string]bool       // by a stop that came first

	changes int // what a look may see has changed
}

// fleetCommand is what the service calls a command.
type fleetCommand struct {
	id, token   string
	nodes       []string
	submittedAt time.Time
	stop        bool
	runs        map[string]*execution
	found       map[string]guard.Stopping // of a stop
}

// execution is a command on a node. It really runs from one time until another.
type execution struct {
	node, token string
	from, until time.Time
	fate        fate
	refused     bool // another copy came first
	stopped     bool
}

// fate is what becomes of a command on a node.
type fate struct {
	ending ending
	code   int
	takes  time.Duration
}

type ending string

// How a command may end on a node.
const (
	exits    ending = "exits"     // with its code
	breaks   ending = "breaks"    // Failed, and no exit code
	times    ending = "times out" // Failed, at the timeout
	vanishes ending = "vanishes"  // never listed: the node is gone
	hides    ending = "hides"     // runs and is never listed, although the node is there
	silent   ending = "silent"    // Running for ever, as the service says
	traces   ending = "no record" // Finished, and without a result
)

// fates deals out what becomes of an attempt on a node.
type fates func(node string, attempt int) fate

func newFleet(dice *rand.Rand, n int, deal fates) *fleet {
	f := &fleet{
		dice: dice, gone: make(map[string]bool), fates: deal,
		began: make(map[string]map[string]*execution), barred: make(map[string]map[string]bool),
	}
	for i := range n {
		f.ids = append(f.ids, fmt.Sprintf("i-%02d", i))
	}
	return f
}

// deliver starts a command on nodes.
func (f *fleet) deliver(in activities.InvokeShellCommandInput, now time.Time) *fleetCommand {
	c := &fleetCommand{
		id: fmt.Sprintf("c-%d", len(f.commands)+1), token: in.Token, nodes: in.InstanceIDs, submittedAt: now,
		stop: in.Stop != nil, runs: make(map[string]*execution), found: make(map[string]guard.Stopping),
	}
	f.commands = append(f.commands, c)
	f.changes++
	if f.began[in.Token] == nil {
		f.began[in.Token], f.barred[in.Token] = make(map[string]*execution), make(map[string]bool)
	}
	timeout := time.Duration(in.Timeout) * time.Second
	for _, node := range in.InstanceIDs {
		if c.stop {
			c.runs[node] = f.end(c, node, now, timeout)
		} else {
			c.runs[node] = f.start(c, node, now, timeout)
		}
	}
	return c
}

func (f *fleet) start(c *fleetCommand, node string, now time.Time, timeout time.Duration) *execution {
	if f.began[c.token][node] != nil || f.barred[c.token][node] {
		return &execution{node: node, token: c.token, from: now, until: now.Add(time.Second), refused: true, fate: fate{ending: exits, code: 113}}
	}
	attempt := 1
	for _, run := range f.runs {
		if run.node == node {
			attempt++
		}
	}
	fate := f.fates(node, attempt)
	if f.gone[node] {
		fate.ending = vanishes
	}
	run := &execution{node: node, token: c.token, from: now, until: now.Add(min(fate.takes, timeout)), fate: fate}
	switch fate.ending {
	case vanishes:
		f.gone[node], run.until = true, now
	case times, silent, hides:
		run.until = now.Add(timeout)
	case breaks: // not so near the timeout that it could be taken for one
		run.until = now.Add(min(fate.takes, timeout-50*time.Second))
	case exits, traces:
	}
	f.runs = append(f.runs, run)
	f.began[c.token][node] = run
	return run
}

// end stops what runs on a node under a token. The execution it returns is the stop's own.
func (f *fleet) end(c *fleetCommand, node string, now time.Time, timeout time.Duration) *execution {
	grace := time.Duration(f.dice.IntN(10)) * time.Second
	stop := &execution{node: node, token: c.token, from: now, until: now.Add(grace + time.Second), fate: fate{ending: exits}}
	run := f.began[c.token][node]
	switch {
	case f.gone[node]:
		stop.fate.ending = vanishes
	case run == nil:
		f.barred[c.token][node] = true
		c.found[node] = guard.Prevented
	case !run.runsAt(now):
		c.found[node] = guard.Finished
		if run.stopped {
			c.found[node] = guard.Stopped
		}
	case f.dice.IntN(30) == 0: // processes that not even KILL ends
		c.found[node], stop.until = guard.Left, now.Add(timeout)
	default:
		c.found[node] = guard.Stopped
		run.stopped = true
		if ends := now.Add(grace); ends.Before(run.until) {
			run.until = ends
		}
	}
	return stop
}

func (e *execution) runsAt(now time.Time) bool { return !e.refused && now.Before(e.until) }

// status is how the service lists the execution; false is not at all.
func (e *execution) status(now time.Time) (activities.NodeStatus, bool) {
	status := activities.NodeStatus{InstanceID: e.node, State: activities.Running}
	switch {
	case e.fate.ending == vanishes, e.fate.ending == hides:
		return status, false
	case e.fate.ending == silent && !e.stopped, now.Before(e.until):
	case e.stopped:
		status.State = activities.Finished
	case e.fate.ending == breaks, e.fate.ending == times:
		status.State = activities.Failed
	default:
		status.State = activities.Finished
	}
	return status, true
}

// record is what the execution left; false is nothing.
func (e *execution) record(now time.Time) (activities.ResultRecord, bool) {
	status, listed := e.status(now)
	if !listed || !status.State.Ended() || e.fate.ending == traces && !e.stopped {
		return activities.ResultRecord{}, false
	}
	record := activities.ResultRecord{NodeStatus: status, Output: e.node + " was here", FinishedAt: e.until.Add(time.Second)}
	code := e.fate.code
	switch {
	case e.refused:
		record.Refusal = guard.Second
	case e.stopped:
		code = 143
	case status.State == activities.Failed:
		return record, true
	}
	record.ExitCode = &code
	return record, true
}

// running are the nodes on which a command really runs, or may.
func (f *fleet) running(now time.Time) map[string]bool {
	nodes := make(map[string]bool)
	for _, run := range f.runs {
		if run.runsAt(now) {
			nodes[run.node] = true
		}
	}
	return nodes
}

// runsOn are the executions on a node, in their order.
func (f *fleet) runsOn(node string) []*execution {
	var runs []*execution
	for _, run := range f.runs {
		if run.node == node {
			runs = append(runs, run)
		}
	}
	return runs
}

func (f *fleet) command(id string) *fleetCommand {
	for _, c := range f.commands {
		if c.id == id {
			return c
		}
	}
	return nil
}
