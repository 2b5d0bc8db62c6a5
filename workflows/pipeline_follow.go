package workflows

import (
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
	"ehpcflow/workflows/policy"
)

// freight counts the bytes of inputs that wait to be sent with the next step of the
// workflow, of which Temporal takes 4 MB in one piece.
type freight struct{ waiting int }

// mostFreight is how much of it may wait before the next run is started.
const mostFreight = 1 << 20

func (f *freight) full() bool { return f.waiting >= mostFreight }

const (
	// mostEvents and mostGrown are how long a history may grow, in events and bytes, before
	// nothing more is started until what runs has ended. Temporal takes 51,200 events and
	// 50 MiB; the heavy ones that run, MaxCommands at the most, may leave 2 MiB each.
	mostEvents = 20_000
	mostGrown  = 8 << 20

	// mostOfJob is about how much a job that runs may leave, in bytes: its log, and what else
	// its result says.
	mostOfJob = activities.MaxJobLog + 4<<10
)

// growsLong says whether a run had better go on as a new one, once nothing runs.
func growsLong(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() || info.GetCurrentHistoryLength() > mostEvents || info.GetCurrentHistorySize() > mostGrown
}

// mayGrow says whether something more may be started now, beside what runs: so many jobs
// among it as run beside heavy ones.
func mayGrow(ctx workflow.Context, running bool, jobs int) bool {
	info := workflow.GetInfo(ctx)
	if !running {
		return !growsLong(ctx)
	}
	return info.GetCurrentHistoryLength() <= mostEvents && info.GetCurrentHistorySize()+jobs*mostOfJob <= mostGrown
}

// attempts follows a step, or an item, from its first attempt to its last, and keeps in
// the result how it stands meanwhile. Another attempt follows one that failed and is known
// to have ended, and does not run again what succeeded in those before.
func (f *family) attempts(ctx workflow.Context, step pipeline.Step, l launch, load *freight, result *StepResult) outcome {
	name, most := result.Name, 1
	var pauses policy.Retry
	if l.workflow != itemsType && triedAnew(step) {
		most, pauses.BackoffSeconds = step.Retry.Attempts, step.Retry.BackoffSeconds
	}
	for n := result.Attempts + 1; ; n++ {
		if n > 1 {
			before := strings.TrimSuffix(result.Reason, nextOne(result.NextAt))
			if f.pause(ctx, load, n, result) != nil {
				return outcome{canceled: true, verdict: Canceled, reason: fmt.Sprintf("cancelled before attempt %d; %s", n, before)}
			}
		}
		id := StepRunID(f.runID, name)
		if n > 1 {
			id = fmt.Sprintf("%s.%d", id, n)
		}
		result.RunID, result.Attempts, result.Reason = id, n, ""
		o := f.follow(ctx, id, l.withDone(f.within.of[name]), load)
		if o.verdict == Succeeded || n < most || f.retried {
			f.learn(name, id, &o)
		}
		if o.verdict == Succeeded || n == most || !o.again || ctx.Err() != nil {
			if n > 1 && o.verdict != Succeeded {
				o.reason = fmt.Sprintf("attempt %d of %d: %s", n, most, o.reason)
			}
			return o
		}
		result.NextAt = workflow.Now(ctx).Add(pauses.Backoff(n))
		result.Reason = shortenTo(fmt.Sprintf("attempt %d of %d failed: %s", n, most, o.reason), f.mostOfReason) + nextOne(result.NextAt)
	}
}

func nextOne(at time.Time) string { return "; the next one begins at " + clock(at) + " UTC" }

// pause waits until the next attempt at a step may begin, which is no sooner than anything
// else might be started. The run may go on as a new one meanwhile, in which the attempt is
// begun then.
func (f *family) pause(ctx workflow.Context, load *freight, attempt int, result *StepResult) error {
	f.pausing++
	f.changed()
	defer func() { f.pausing-- }()
	timer := workflow.NewTimerWithOptions(ctx, max(0, result.NextAt.Sub(workflow.Now(ctx))), workflow.TimerOptions{
		Summary: fmt.Sprintf("before attempt %d at %s", attempt, result.Name),
	})
	err := timer.Get(ctx, nil)
	if err == nil {
		if !mayGrow(ctx, true, 0) {
			f.changed() // the history grew long meanwhile: the run may go on as a new one now
		}
		err = workflow.Await(ctx, func() bool { return f.goesOn || !load.full() && mayGrow(ctx, true, 0) })
	}
	if err == nil && f.goesOn {
		err = workflow.ErrCanceled // it is the new run's to begin
	}
	result.NextAt = time.Time{}
	return err
}

// triedAnew says whether a step that fails may be run anew as a whole. A command's run
// tries its nodes itself.
func triedAnew(step pipeline.Step) bool {
	return (step.Kind == pipeline.RunsJob || step.Kind == pipeline.SubPipeline) && step.Retry != nil && step.Retry.Attempts > 1
}

// follow starts a run and waits for its end, also when it is cancelled.
func (f *family) follow(ctx workflow.Context, id string, l launch, load *freight) outcome {
	ctx, cancel := workflow.WithCancel(ctx)
	load.waiting += l.weight
	future := workflow.ExecuteChildWorkflow(f.options(ctx, id, l), l.workflow, l.input)
	err := future.GetChildWorkflowExecution().Get(ctx, nil)
	load.waiting -= l.weight
	if err != nil {
		return notStarted(id, err)
	}
	late, stopClock := false, func() {}
	if l.timeout > 0 {
		stopClock = clockOf(ctx, l.timeout, "timeout of "+id, func() {
			late = true
			cancel()
		})
	}
	result, tell := l.expect()
	err = future.Get(ctx, result)
	stopClock()
	if err == nil {
		return tell()
	}
	detailsOf(err, result)
	o := tell().failed(err)
	if late && o.canceled {
		o.canceled, o.verdict, o.again = false, Failed, !o.mayRun
		o.reason = fmt.Sprintf("it took longer than %s; %s", lengthText(l.timeout), o.reason)
	}
	return o
}

// clockOf does something after a time, unless it is stopped before.
func clockOf(ctx workflow.Context, after time.Duration, summary string, do func()) (stop func()) {
	ctx, stop = workflow.WithCancel(ctx)
	timer := workflow.NewTimerWithOptions(ctx, after, workflow.TimerOptions{Summary: summary})
	workflow.Go(ctx, func(ctx workflow.Context) {
		if timer.Get(ctx, nil) == nil {
			do()
		}
	})
	return stop
}

// options are those of the run of a step. It is stopped with the pipeline, however that
// ends, and waited for when it is cancelled.
func (f *family) options(ctx workflow.Context, id string, l launch) workflow.Context {
	options := workflow.ChildWorkflowOptions{
		WorkflowID:            id,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		StaticSummary:         shorten(l.summary, 100),
	}
	f.entry.ofStep(ctx, &options, f.parent, l)
	return workflow.WithChildOptions(ctx, options)
}

// end keeps what became of a step. Stopping says that its pipeline was cancelled.
func (s *StepResult) end(o outcome, now time.Time, stopping bool) {
	s.EndedAt, s.Verdict, s.Error, s.MayRun = now, o.verdict, o.why, o.mayRun
	s.Reason = shorten(o.reason, mostOfMessage)
	s.NodeCount, s.States, s.Items, s.Job, s.By = o.nodes, o.states, o.items, o.job, o.by
	switch {
	case o.verdict == Succeeded:
		s.State = StepSucceeded
	case o.canceled && stopping:
		s.State = StepCanceled
	case o.canceled:
		s.State, s.Reason = StepFailed, shorten("its run was cancelled: "+o.reason, mostOfMessage)
	default:
		s.State = StepFailed
	}
}

// shorten keeps of why it failed so many bytes of JSON at the most, twice where it could
// not be followed.
func (s *StepResult) shorten(most int) {
	s.Reason = shortenTo(s.Reason, most)
	if s.Error != nil {
		s.Error = &ClusterError{s.Error.Code, shortenTo(s.Error.Message, most)}
	}
}
