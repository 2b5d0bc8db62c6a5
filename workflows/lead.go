package workflows

import (
	"cmp"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// errHalted ends a submit because nothing more is to be started.
var errHalted = errors.New("nothing more is started")

// errSuspended ends following commands that a new run goes on to follow.
var errSuspended = errors.New("it goes on in a new run")

// lead is what a run that is a part of a rollout hears from it, and tells it. A run by
// itself has none: every method does for nil what such a run does.
type lead struct {
	rollout *rollout

	// label says in the Web UI which part it is.
	label string

	// attempts name the nodes, each with the number of the attempt on it.
	attempts []string

	// recalled says that no further part is submitted.
	recalled bool

	// starting ends the tries to submit, and looking ends the look that is under way.
	starting []workflow.CancelFunc
	looking  workflow.CancelFunc
}

// changed tells the rollout that something is known that was not.
func (l *lead) changed() {
	if l != nil {
		l.rollout.changes++
	}
}

func (l *lead) halted() bool { return l != nil && l.rollout.report().Halt != nil }

func (l *lead) suspends() bool { return l != nil && l.rollout.suspending }

// isPrompt says whether the rollout decides by each node that ends.
func (l *lead) isPrompt() bool { return l != nil && l.rollout.prompt() }

func (l *lead) lookSeconds() int {
	if l == nil {
		return 0
	}
	return l.rollout.lookSeconds
}

// share is between how many nodes the place for outputs in a result is shared. That of a
// large rollout holds more beside them.
func (l *lead) share(own int) int {
	switch {
	case l == nil:
		return own
	case len(l.rollout.status.Nodes) > mostReferenced:
		return 4 * len(l.rollout.status.Nodes)
	}
	return len(l.rollout.status.Nodes)
}

func (l *lead) says(summary string) string {
	if l == nil {
		return summary
	}
	return l.label + summary
}

// mayStart returns the context of a submit, which ends when nothing more is to be
// started. One that was in doubt has to keep its token: it waits for the end of a pause,
// and is not recalled.
func (l *lead) mayStart(ctx workflow.Context, doubted bool) (workflow.Context, error) {
	if l == nil {
		return ctx, nil
	}
	if doubted {
		err := workflow.Await(ctx, func() bool { return !l.rollout.report().Paused || l.halted() })
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
	}
	if l.halted() || l.recalled && !doubted {
		return nil, errHalted
	}
	ctx, cancel := workflow.WithCancel(ctx)
	l.starting = append(l.starting, cancel)
	return ctx, nil
}

// halting tells a submit that was ended by the rollout from one that failed.
func (l *lead) halting(ctx workflow.Context, err error) error {
	if l != nil && temporal.IsCanceledError(err) && ctx.Err() == nil {
		return errHalted
	}
	return err
}

// recall has what was not sent yet come back to the rollout, which decides anew.
func (l *lead) recall() {
	l.recalled = true
	l.stopStarting()
}

// pauses says whether a try to submit was ended only because it was recalled.
func (l *lead) pauses(ctx workflow.Context, err error) bool {
	return l != nil && temporal.IsCanceledError(err) && ctx.Err() == nil && !l.halted()
}

// stopStarting ends the tries to submit. One that was sent is waited for.
func (l *lead) stopStarting() {
	for _, cancel := range l.starting {
		cancel()
	}
	l.starting = nil
}

// watching returns the context of a watch that the rollout may interrupt.
func (l *lead) watching(ctx workflow.Context) workflow.Context {
	if l == nil {
		return ctx
	}
	ctx, l.looking = workflow.WithCancel(ctx)
	return ctx
}

// interrupt has a watch begin anew, by what the rollout is told now.
func (l *lead) interrupt() {
	if l.looking != nil {
		l.looking()
	}
}

// interrupted says whether a watch ended because the rollout interrupted it.
func (l *lead) interrupted(ctx workflow.Context, err error) bool {
	return l != nil && temporal.IsCanceledError(err) && ctx.Err() == nil
}

// postponed says whether a deadline that a watch reached was moved meanwhile.
func (l *lead) postponed(r *runCommand, deadline time.Time) bool {
	return l != nil && r.watchInput().Deadline.After(deadline)
}

// origin is the run that submits belong to: the original of a reset run, also for the runs
// in which a rollout goes on after that, which cannot know either what was started before.
func (l *lead) origin(ctx workflow.Context) string {
	if l != nil && l.rollout.in.Resumed != nil && l.rollout.in.Resumed.ResetFrom != "" {
		return l.rollout.in.Resumed.ResetFrom
	}
	return workflow.GetInfo(ctx).OriginalRunID
}

// wasReset says whether a submit is in doubt because the rollout was reset in Temporal to
// before it. What it started together then may differ, so that what a person does not
// know of is not submitted again.
func (l *lead) wasReset(err error) bool {
	return l != nil && isReset(err)
}

// isReset says whether it is the error of a submit that a run was reset to before.
func isReset(err error) bool {
	var application *temporal.ApplicationError
	return errors.As(err, &application) && application.Type() == activities.ErrResetRun
}
