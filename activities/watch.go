package activities

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"ehpcflow/ehpc"
)

const (
	// looksAtOnce bounds the calls that a look at many commands makes at a time.
	looksAtOnce = 8

	// mostHeld changes are reported together, and ride in a heartbeat.
	mostHeld = 500
)

// watch is the state of one attempt to watch. It looks for itself alone.
type watch struct {
	timer      *time.Timer
	activities *Activities
	in         ListInvocationStatusInput
	commands   []*command
	resumed    map[string]NodeStatus // ended nodes that an earlier attempt saw
	progress   WatchProgress
	looked     time.Duration // how long the last look took

	mu            sync.Mutex // over what is below, and the commands, during a look
	changedInLook bool
}

// command is a command under watch. The states are nil until they have ids.
type command struct {
	WatchedCommand
	reported  []NodeStatus
	now       []NodeStatus // in the same order, followed by nodes that nobody asked for
	unmatched bool
	gone      bool
}

func (a *Activities) newWatch(in ListInvocationStatusInput) *watch {
	if len(in.Commands) == 0 {
		in.Commands = []WatchedCommand{{CommandID: in.CommandID, SubmittedAt: in.SubmittedAt, Nodes: in.Nodes}}
	}
	w := &watch{activities: a, in: in}
	w.in.Commands, w.in.Nodes = nil, nil // they are in the commands below
	for _, c := range in.Commands {
		watched := &command{WatchedCommand: c}
		if c.Packed == nil {
			watched.setKnown(c.Nodes)
		}
		w.commands = append(w.commands, watched)
	}
	w.progress.Nodes = w.counts()
	return w
}

// resume goes on from what an earlier attempt left. A node that it saw end has
// ended, even if no listing shows it any more.
func (w *watch) resume(ctx context.Context) bool {
	var left WatchProgress
	if !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &left) != nil {
		return false
	}
	left.Nodes = w.progress.Nodes
	w.progress = left
	w.resumed = make(map[string]NodeStatus)
	for _, node := range left.Changed {
		if node.State.Ended() {
			w.resumed[node.InstanceID] = node
		}
	}
	for _, c := range w.commands {
		c.adopt(w.resumed)
	}
	return true
}

// lookAfter looks after a wait.
func (w *watch) lookAfter(h *heldWatch, wait time.Duration) {
	if w.timer == nil {
		w.timer = time.AfterFunc(wait, func() { w.lookFor(h) })
		return
	}
	w.timer.Reset(wait)
}

func (w *watch) leave(*heldWatch) { w.timer.Stop() }

// lookFor looks once, and reports or waits for the next look.
func (w *watch) lookFor(h *heldWatch) {
	failed, err := w.look(h.ctx)
	if h.ctx.Err() != nil {
		return
	}
	if err != nil {
		h.show(w.progress)
		since := w.progress.Refused[failed.CommandID]
		go h.complete(nil, w.activities.attendedFailure(err, failed.SubmittedAt, since, h.attempt))
		return
	}
	if report := w.report(time.Now()); report != nil {
		go h.complete(report, nil) // on a small stack, for it may wait
		return
	}
	wait, changed := w.untilLook(time.Now()), w.changedInLook
	h.show(w.progress)
	h.again(wait)
	if changed {
		h.beatNow()
	}
}

// look asks for the state of every command that still runs. After an error it says
// at which command; the answers for the others count.
func (w *watch) look(ctx context.Context) (failed WatchedCommand, failure error) {
	began := time.Now()
	slack := w.untilNext(began)
	w.changedInLook = false
	look := func(c *command) {
		answer, err := w.activities.EHPC.ListInvocationStatus(ctx, ehpc.ListInvocationStatusRequest{
			ClusterID: w.in.ClusterID,
			CommandID: c.CommandID,
			Slack:     slack,
		})
		w.mu.Lock()
		defer w.mu.Unlock()
		if err == nil {
			w.take(c, answer.Instances)
		}
		if err = w.believe(c, err); err != nil && failure == nil {
			failed, failure = c.WatchedCommand, err
		}
	}
	var open []*command
	for _, c := range w.commands {
		if !c.ended() {
			open = append(open, c)
		}
	}
	if len(open) == 1 {
		look(open[0])
	} else {
		var group errgroup.Group
		group.SetLimit(looksAtOnce)
		for _, c := range open {
			group.Go(func() error { look(c); return nil })
		}
		_ = group.Wait() // it has none
	}
	w.progress.Looks++
	w.progress.LastLook = time.Now().UTC()
	w.looked = time.Since(began)
	w.sum()
	return failed, failure
}

// believe keeps account of refusals. That a command is gone is no error of the look
// once it is believed.
func (w *watch) believe(c *command, err error) error {
	since, again := w.progress.Refused[c.CommandID]
	switch {
	case err == nil && again:
		w.progress.Refused = maps.Clone(w.progress.Refused) // a heartbeat may be reading it
		delete(w.progress.Refused, c.CommandID)
		return nil
	case err == nil, !refuses(err):
		return err
	case !again:
		since = time.Now().UTC()
		refused := map[string]time.Time{c.CommandID: since}
		maps.Copy(refused, w.progress.Refused)
		w.progress.Refused = refused
	}
	young := time.Since(c.SubmittedAt) < w.activities.Pace.NewFor
	if ehpc.Judge(err).Code == codeGone && !young && w.activities.believed(since) {
		c.gone = true
		return nil
	}
	return err
}

// take compares a listing with what is known.
func (w *watch) take(c *command, listed []ehpc.InvokeInstance) {
	if c.now == nil {
		known, ok := c.known(listed)
		if !ok {
			// The service may show the nodes of a new command one by one.
			c.unmatched = time.Since(c.SubmittedAt) > w.activities.Pace.NewFor
			return
		}
		c.setKnown(known)
		c.adopt(w.resumed)
	}
	if c.Only {
		listed = slices.DeleteFunc(listed, func(node ehpc.InvokeInstance) bool {
			return !slices.ContainsFunc(c.now, func(known NodeStatus) bool { return known.InstanceID == node.InstanceID })
		})
	}
	for _, node := range changes(c.now, listed) {
		c.set(node)
		w.changedInLook = true
	}
}

// sum brings the progress up to date.
func (w *watch) sum() {
	w.progress.Nodes = w.counts()
	w.progress.Changed = nil
	for _, c := range w.commands {
		w.progress.Changed = append(w.progress.Changed, c.changed()...)
	}
	switch {
	case len(w.progress.Changed) == 0:
		w.progress.ChangedSince = time.Time{}
	case w.progress.ChangedSince.IsZero():
		w.progress.ChangedSince = w.progress.LastLook
	}
}

// report is what to return after a look; nil is nothing yet.
func (w *watch) report(now time.Time) *ListInvocationStatusResult {
	result := &ListInvocationStatusResult{Changed: w.progress.Changed, DeadlinePassed: now.After(w.in.Deadline)}
	ended := true
	for _, c := range w.commands {
		ended = ended && c.ended()
		if c.unmatched {
			result.Unmatched = append(result.Unmatched, c.CommandID)
		}
		if c.gone {
			result.Gone = append(result.Gone, c.CommandID)
		}
	}
	switch {
	case ended, result.DeadlinePassed, len(result.Unmatched)+len(result.Gone) > 0, len(result.Changed) >= mostHeld:
		return result
	case len(result.Changed) > 0 && !now.Before(w.heldUntil()):
		return result
	}
	return nil
}

// heldUntil is when changes are reported that nothing else brings out.
func (w *watch) heldUntil() time.Time {
	if w.in.TellAtOnce {
		return w.progress.ChangedSince
	}
	return w.activities.Pace.holdUntil(w.in.Milestones, w.progress.ChangedSince)
}

// untilLook says how long to wait for the next look. It is stretched when looks
// take long, because then many want the requests that are to be had.
func (w *watch) untilLook(now time.Time) time.Duration {
	wait := max(w.untilNext(now), w.looked)
	ends := []time.Time{w.in.Deadline.Add(w.activities.Pace.Look.Min)}
	if len(w.progress.Changed) > 0 {
		ends = append(ends, w.heldUntil())
	}
	for _, end := range ends {
		if left := end.Sub(now); left > 0 {
			wait = min(wait, left)
		}
	}
	w.progress.NextLook = now.Add(wait).UTC()
	return wait
}

// untilNext is how long to wait for the next look by the pace alone.
func (w *watch) untilNext(now time.Time) time.Duration {
	if w.in.LookSeconds > 0 {
		return jittered(time.Duration(w.in.LookSeconds) * time.Second)
	}
	return w.activities.Pace.UntilLook(w.in.Milestones, now)
}

func (w *watch) counts() map[NodeState]int {
	counts := make(map[NodeState]int)
	for _, c := range w.commands {
		for _, node := range c.now {
			counts[node.State]++
		}
		if c.now == nil && c.Packed != nil {
			for state, n := range c.Packed.counts() {
				counts[state] += n
			}
		}
	}
	return counts
}

// setKnown sets out from states that were reported before.
func (c *command) setKnown(nodes []NodeStatus) {
	c.reported, c.Nodes, c.Packed = nodes, nil, nil
	c.now = append([]NodeStatus{}, nodes...)
}

// adopt takes over what an earlier attempt saw.
func (c *command) adopt(ended map[string]NodeStatus) {
	for i, node := range c.now {
		if seen, found := ended[node.InstanceID]; found {
			c.now[i] = seen
		}
	}
}

func (c *command) set(node NodeStatus) {
	for i := range c.now {
		if c.now[i].InstanceID == node.InstanceID {
			c.now[i] = node
			return
		}
	}
	c.now = append(c.now, node)
}

// changed are the nodes that are not as they were reported.
func (c *command) changed() []NodeStatus {
	var changed []NodeStatus
	for i, node := range c.now {
		switch {
		case i >= len(c.reported):
			node.CommandID = c.CommandID
			changed = append(changed, node)
		case node != c.reported[i]:
			changed = append(changed, node)
		}
	}
	return changed
}

func (c *command) ended() bool { return c.gone || c.now != nil && NodeStatuses(c.now).Ended() }
