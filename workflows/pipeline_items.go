package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/pipeline"
)

// ItemsStatus is how the items of a foreach stand. Steps are the items, in the order of
// the list and by their numbers, from 1; they may be a part of all.
type ItemsStatus struct {
	PipelineStatus
	Items map[StepState]int `json:"items"` // how many are in each state
}

// ItemsRequest asks for a part of the items: From a place, from 0, and how many. 0 items
// are StatusItems.
type ItemsRequest struct {
	From  int `json:"from"`
	Items int `json:"items"`
}

// StatusItems is how many items a status holds at the most, unless it is asked for more.
const StatusItems = 500

// ItemsResult is what became of the items. What each did is in the result of its own run.
type ItemsResult struct {
	Verdict   Verdict              `json:"verdict,omitempty"` // Succeeded, Failed or Canceled
	Reason    string               `json:"reason,omitempty"`
	Items     map[StepState]int    `json:"items,omitempty"`
	NodeCount int                  `json:"nodeCount,omitempty"`
	States    map[NodeState]int    `json:"states,omitempty"`
	MayRun    bool                 `json:"mayRun,omitempty"`
	Values    []pipeline.StepValue `json:"values,omitempty"`
	Lacks     string               `json:"lacks,omitempty"` // what Values do not hold, and why

	// Within is what was done, of a run that did not succeed and after which another attempt
	// may follow: items by their numbers, without their values, and what was done within
	// the others. NotAgain is as that of a PipelineResult.
	Within   map[string]StepResult `json:"within,omitempty"`
	NotAgain string                `json:"notAgain,omitempty"`
}

// itemsRun is the state of a run of items.
type itemsRun struct {
	in      ItemsInput
	items   []StepResult
	started time.Time
	ended   time.Time
	phase   Phase
	verdict Verdict
	reason  string
	family  family
	entry   entry

	load    freight
	running int
	changes int
	failed  string // the first item that failed
	kept    int
	spare   int // bytes of JSON that the run may go on from beside its list
	lacks   string
}

// RunItems runs a step for each item of a list, so many at a time, each by a run of its
// own, a child. It completes however they end; cancelled, it cancels them, waits for that,
// and tells in the details of the CanceledError what is known. It answers PipelineQuery with
// an ItemsStatus.
func RunItems(ctx workflow.Context, in ItemsInput) (*ItemsResult, error) {
	r := &itemsRun{in: in, phase: Watching, started: workflow.Now(ctx), entry: openEntry(ctx), items: make([]StepResult, len(in.Items))}
	r.family = family{
		runID: workflow.GetInfo(ctx).WorkflowExecution.ID, parent: in.Run, entry: &r.entry, clusters: in.Clusters, depth: in.Depth, check: checkRun,
		retried: in.Retried, within: doneWithin(in.Done), room: r.room, changed: func() { r.changes++ }, mostOfReason: mostOfItem,
	}
	r.spare = in.room(r.family.runID)
	for i := range r.items {
		r.items[i] = StepResult{Name: strconv.Itoa(i + 1), Kind: in.Step.Kind, State: StepWaiting}
	}
	if in.Resumed != nil {
		r.started, r.items = in.Resumed.StartedAt, in.Resumed.Items
	} else {
		r.takeDone()
	}
	for i := range r.items {
		r.note(i)
	}
	if err := workflow.SetQueryHandler(ctx, PipelineQuery, r.page); err != nil {
		return nil, err
	}
	lasting, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	if err := r.advance(ctx, lasting); err != nil {
		return nil, err
	}
	return r.finish(lasting)
}

func (r *itemsRun) advance(ctx, lasting workflow.Context) error {
	most := cmp.Or(r.in.Step.Foreach.Concurrency, pipeline.DefaultConcurrency)
	if heavy(r.in.Step.Kind) {
		most = min(most, pipeline.MaxCommands)
	}
	waits, at := ctx, 0
	for i := range r.items {
		if r.items[i].State == StepRunning { // it was between two attempts when the run went on as this one
			r.begin(ctx, i)
		}
	}
	active := func() bool { return r.running > r.family.pausing }
	for {
		seen := r.changes
		for at < len(r.items) && !r.over(ctx) && r.running < most && !r.load.full() && mayGrow(ctx, active(), 0) {
			if r.items[at].State == StepWaiting {
				r.begin(ctx, at)
			}
			at++
		}
		if ctx.Err() != nil && r.running > 0 {
			r.phase = Stopping
			r.entry.enterPhase(lasting, Stopping)
		}
		r.show(ctx)
		if r.running == 0 && (at == len(r.items) || r.over(ctx)) {
			return nil
		}
		if ctx.Err() == nil && growsLong(ctx) && !active() { // cancelled, those between two attempts end now
			in := r.in
			r.family.goesOn = true
			in.Done, in.Resumed = r.family.within.carried(), &ItemsResumption{StartedAt: r.started, Items: r.items}
			return workflow.NewContinueAsNewError(lasting, RunItems, in)
		}
		full := r.load.full()
		if workflow.Await(waits, func() bool { return r.changes != seen || full && !r.load.full() }) != nil {
			waits = lasting
		}
	}
}

// over says whether no further item is started.
func (r *itemsRun) over(ctx workflow.Context) bool {
	stops := r.in.Step.OnFailure.Do == "" || r.in.Step.OnFailure.Do == pipeline.Stop
	return ctx.Err() != nil || stops && r.failed != ""
}

// begin starts an item and follows it beside the others.
func (r *itemsRun) begin(ctx workflow.Context, at int) {
	item := &r.items[at]
	l, err := r.prepare(at)
	if err != nil {
		item.State, item.EndedAt, item.Reason = StepFailed, workflow.Now(ctx), shortenTo("not started: "+err.Error(), mostOfItem)
		r.note(at)
		return
	}
	if item.State != StepRunning {
		item.State, item.StartedAt = StepRunning, workflow.Now(ctx)
	}
	r.running++
	workflow.Go(ctx, func(ctx workflow.Context) {
		o := r.family.attempts(ctx, r.in.Step, l, &r.load, item)
		r.close(at, o, workflow.Now(ctx), ctx.Err() != nil)
		r.running--
		r.changes++
	})
}

// close keeps what became of an item. Stopping says that the run was cancelled.
func (r *itemsRun) close(at int, o outcome, now time.Time, stopping bool) {
	item := &r.items[at]
	item.end(o, now, stopping)
	item.shorten(mostOfItem)
	item.Job = nil // its run has it
	r.keep(at, o)
	r.note(at)
}

// mostOfItem is how much is kept of an item's reason, and of its error's message, in bytes
// of JSON.
const mostOfItem = 180

func (r *itemsRun) prepare(at int) (launch, error) {
	action, err := r.in.Step.Action(pipeline.Scope{
		Inputs: r.in.Inputs, Clusters: r.in.Clusters, Steps: r.in.Steps, Run: pipeline.RunValue{ID: r.in.Run, Verdict: r.in.Verdict},
		Item: r.in.Items[at], Index: at, Each: true,
	})
	if err != nil {
		return launch{}, err
	}
	l, problems := r.family.launch(r.in.Step, action)
	if len(problems) > 0 {
		return launch{}, errors.New(strings.Join(problems, "; "))
	}
	return l, nil
}

// note takes an item into account that has ended.
func (r *itemsRun) note(at int) {
	item := &r.items[at]
	if item.State == StepFailed && r.failed == "" {
		r.failed = item.Name
	}
	if item.Value != nil {
		r.kept += weighValue(*item.Value)
	}
	r.lacks = cmp.Or(r.lacks, item.Lacks)
}

// keep keeps of an item what later steps refer to.
func (r *itemsRun) keep(at int, o outcome) {
	item := &r.items[at]
	if r.in.Step.Output == pipeline.AsJSON && item.State == StepSucceeded {
		value, err := o.json()
		if err != nil {
			item.State, item.Reason = StepFailed, shortenTo(err.Error(), mostOfItem)
		}
		o.value.JSON = value
	}
	if len(r.in.Keep) == 0 || r.lacks != "" {
		return
	}
	o.value.Item = r.in.Items[at]
	value, lacks := o.left(item, r.in.Keep)
	switch {
	case lacks != "":
		item.Lacks = fmt.Sprintf("item %d: %s", at+1, lacks)
	case weighValue(value) > r.room():
		item.Lacks = fmt.Sprintf("what its items leave to later steps takes more than %d bytes in all: print less, or write it to files", r.mostKept())
	default:
		item.Value = &value
	}
}

// mostKeptItems is how much is kept of all items for later steps, in bytes, beside what is
// known of each.
const mostKeptItems = 1 << 20

// mostKept is that of so many items, with which the run can still go on as a new one.
func (r *itemsRun) mostKept() int {
	return max(0, min(mostKeptItems-400*len(r.items), r.spare))
}

// room is how many bytes may be kept still, of values and of what was done within items.
func (r *itemsRun) room() int { return r.mostKept() - r.kept - r.family.within.weight }

func (r *itemsRun) counts() map[StepState]int {
	counts := make(map[StepState]int)
	for i := range r.items {
		counts[r.items[i].State]++
	}
	return counts
}

func (r *itemsRun) finish(ctx workflow.Context) (*ItemsResult, error) {
	canceled := r.phase == Stopping
	why := fmt.Sprintf("not started after item %s failed", r.failed)
	for i := range r.items {
		if item := &r.items[i]; item.State == StepWaiting {
			if canceled = canceled || r.failed == ""; canceled {
				why = "cancelled before it was started"
			}
			item.State, item.Reason = StepSkipped, why
		}
	}
	result := &ItemsResult{Verdict: Succeeded, Items: r.counts(), States: make(map[NodeState]int), Lacks: r.lacks}
	var failed []string
	first := ""
	for _, item := range r.items {
		result.NodeCount += item.NodeCount
		result.MayRun = result.MayRun || item.MayRun
		addStates(result.States, item.States)
		if item.State == StepFailed {
			failed, first = append(failed, item.Name), cmp.Or(first, item.Reason)
		}
	}
	if len(failed) > 0 {
		result.Verdict, result.Reason = Failed, fmt.Sprintf("%d of %d items failed: %s; item %s: %s", len(failed), len(r.items), firstFew(failed), failed[0], first)
	}
	if canceled {
		result.Verdict, result.Reason = Canceled, strings.Join(nonEmpty([]string{"cancelled; items: " + StatesText(result.Items), result.Reason}), "; ")
	}
	result.Values = r.values()
	r.tellDone(result)
	r.phase, r.ended, r.verdict, r.reason = Ended, workflow.Now(ctx), result.Verdict, result.Reason
	r.entry.close(ctx, Outcome(r.verdict), failedNodes(result.States), AttributeNodes.ValueSet(int64(result.NodeCount)))
	r.show(ctx)
	if canceled {
		return nil, temporal.NewCanceledError(*result)
	}
	return result, nil
}

// values are what later steps see of the items, where all of it was kept.
func (r *itemsRun) values() []pipeline.StepValue {
	if len(r.in.Keep) == 0 || r.lacks != "" {
		return nil
	}
	values := make([]pipeline.StepValue, len(r.items))
	for i := range r.items {
		value := r.items[i].seen()
		value.Item = r.in.Items[i]
		values[i] = r.in.Keep.Keep(value)
	}
	return values
}

// page answers a query with a part of the items.
func (r *itemsRun) page(asked ItemsRequest) (ItemsStatus, error) {
	from := min(max(asked.From, 0), len(r.items))
	to := min(from+cmp.Or(max(asked.Items, 0), StatusItems), len(r.items))
	return ItemsStatus{
		PipelineStatus: PipelineStatus{Phase: r.phase, PipelineResult: PipelineResult{
			Pipeline: r.in.Step.Name, Verdict: r.verdict, Reason: r.reason, StartedAt: r.started, EndedAt: r.ended, Steps: r.items[from:to],
		}},
		Items: r.counts(),
	}, nil
}

func itemsOutcome(r ItemsResult, items []any) outcome {
	return outcome{
		verdict: r.Verdict, reason: r.Reason, items: r.Items, nodes: r.NodeCount, states: r.States, mayRun: r.MayRun || r.Verdict == "",
		value: pipeline.StepValue{Items: r.Values}, lacks: r.Lacks, done: r.done(items), notAgain: r.NotAgain,
	}
}
