// Package workflows holds the decisions: what a run does next, and what its
// verdict is. It performs no I/O, reads no clock and rolls no dice; activities
// do, and workflow.Now tells the time. Its code is a contract with every history
// that was ever recorded, see testdata/histories.
package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// Types of the errors that end a run, beside the API's codes.
const (
	ErrInvalidInput  = "InvalidInput"  // the input is refused; nothing was started
	ErrNoNodes       = "NoNodes"       // the target's selector means no node, or has a word that fits none; nothing was started
	ErrUnfitNodes    = "UnfitNodes"    // a node of the target cannot run a command; nothing was started
	ErrSubmitInDoubt = "SubmitInDoubt" // the worker was lost during the submit; the command may be running
)

// activity names the activities by their methods. No method of it is called.
var activity *activities.Activities

// runCommand is the state of one run.
type runCommand struct {
	in     RunCommandInput
	status RunCommandStatus
	logger log.Logger

	// asked is how many of the nodes are to be submitted to; they come first.
	asked int

	// unpacked are the commands whose nodes have to be named to their watch.
	unpacked map[string]bool

	// inDoubt are the submits of which it is not known whether they started a command.
	inDoubt []Command

	// desk takes questions to people.
	desk *desk

	// notStarted says why the command was not started on every node.
	notStarted string

	// search is when missing nodes are looked for.
	search search

	// stopBy is when a cancelled run ends, whatever could be confirmed by then.
	stopBy time.Time

	// collected are the commands whose results were read, and judged the nodes.
	collected map[string]bool
	judged    map[string]bool

	// late says that the results show nodes that go on, and that no listing showed before.
	late bool

	// entry is how a run by itself is found in the list of runs.
	entry entry

	// lead is the rollout that this is a part of; nil of a run by itself.
	lead *lead
}

// RunCommand runs a command on nodes of a cluster: it freezes the target to a
// list of nodes, submits once, watches until every node has ended, collects the
// results and judges them. A long list of nodes is submitted in parts, each a
// command of its own; they are watched together.
//
// It returns a result whenever the command could be followed to its end, be that
// a success or not, unless FailUnless asks for a success. It fails, under the API's code, when it could not be started
// or followed; the states known by then are in the error's details, and in those
// of the CanceledError when it was cancelled. Cancelling stops the command on every
// node where it was not seen to end, unless it was sent raw or elsewhere, see Attachment.
// A run whose history grows
// long goes on as a new one under its name. AnswerUpdate answers its questions.
func RunCommand(ctx workflow.Context, in RunCommandInput) (*RunCommandResult, error) {
	countStarted(ctx, in.Continued != nil)
	r, err := setup(ctx, in)
	if err != nil {
		countEnded(ctx, "", nil, err)
		return nil, err
	}
	err = r.run(ctx)
	if temporal.IsCanceledError(err) && r.stoppable(ctx) {
		r.stop(ctx)
	}
	return r.finish(ctx, err)
}

func setup(ctx workflow.Context, in RunCommandInput) (*runCommand, error) {
	r := &runCommand{
		in: in,
		status: RunCommandStatus{
			Phase: Resolving,
			RunCommandResult: RunCommandResult{
				ClusterID: in.ClusterID,
				Command:   in.Command,
				StartedAt: workflow.Now(ctx),
				From:      in.From,
				Lineage:   in.Lineage,
			},
		},
		logger:    workflow.GetLogger(ctx),
		unpacked:  make(map[string]bool),
		collected: make(map[string]bool),
		judged:    make(map[string]bool),
	}
	r.desk, r.entry = newDesk(&r.status), openEntry(ctx)
	if in.Continued != nil {
		r.resume(*in.Continued)
	}
	r.status.runID = workflow.GetInfo(ctx).WorkflowExecution.ID
	r.status.attached, r.status.raw = in.Attach != nil, in.Raw
	if err := workflow.SetQueryHandler(ctx, StatusQuery, r.status.page); err != nil {
		return nil, err
	}
	if err := r.desk.open(ctx); err != nil {
		return nil, err
	}
	if in.Continued != nil {
		return r, nil
	}
	if problems := in.problems(); len(problems) > 0 {
		return nil, temporal.NewNonRetryableApplicationError((&InputError{problems}).Error(), ErrInvalidInput, nil)
	}
	return r, nil
}

func (r *runCommand) run(ctx workflow.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	return r.follow(ctx)
}

// begin gets the command going, unless it does.
func (r *runCommand) begin(ctx workflow.Context) error {
	switch {
	case r.in.Continued != nil:
		return nil
	case r.in.Attach != nil:
		return r.attach(ctx)
	}
	if err := r.resolve(ctx); err != nil {
		return err
	}
	return r.submit(ctx)
}

// follow watches what was submitted until every node has ended, and reads what they left.
func (r *runCommand) follow(ctx workflow.Context) error {
	for {
		if err := r.watch(ctx); err != nil {
			return err
		}
		if err := r.collect(ctx); err != nil {
			return err
		}
		if more, err := r.pursue(ctx); err != nil || !more && !r.late {
			return err
		}
	}
}

// finish turns the end of the steps into the end of the run.
func (r *runCommand) finish(ctx workflow.Context, err error) (*RunCommandResult, error) {
	if workflow.IsContinueAsNewError(err) {
		return nil, err
	}
	if err != nil && r.status.Phase == Resolving {
		r.status.set(r.status.Nodes[:r.asked], activities.Skipped, "")
		if wasReset(ctx) {
			r.status.set(r.status.Nodes, activities.Unknown, "what was submitted before the reset may be running here")
		}
	}
	switch {
	case err == nil:
		r.status.Verdict = r.status.verdict()
	case temporal.IsCanceledError(err) && r.in.Attach != nil:
		r.status.addReason(r.status.attachedReason())
		err = temporal.NewCanceledError(r.status.RunCommandResult)
	case temporal.IsCanceledError(err):
		r.status.addReason(r.status.cancelReason(r.in.Raw, !r.stopBy.IsZero(), wasReset(ctx)))
		err = temporal.NewCanceledError(r.status.RunCommandResult)
	default:
		code, message := r.explain(ctx, err)
		r.status.Reason = message
		err = temporal.NewApplicationErrorWithOptions(message, code, temporal.ApplicationErrorOptions{
			NonRetryable: true,
			Cause:        err,
			Details:      []any{r.status.RunCommandResult},
		})
	}
	r.status.EndedAt = workflow.Now(ctx)
	r.status.outcome = outcomeOf(r.status.Verdict, err)
	r.entry.end(ctx, &r.status)
	r.enter(ctx, Ended)
	countEnded(ctx, r.status.Verdict, r.status.RunCommandResult.Counts(), err)
	if err == nil {
		err = r.in.FailUnless.judgeRun(r.status.RunCommandResult)
	}
	if err != nil {
		return nil, err
	}
	return &r.status.RunCommandResult, nil
}

// explain gives an error of a step the code and the sentence of its cause.
func (r *runCommand) explain(ctx workflow.Context, err error) (code, message string) {
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &timeout) && ofSubmit(err) && timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE:
		return ErrSubmitInDoubt, fmt.Sprintf(
			"the worker was lost while it submitted the command to cluster %s; the command may be running", r.in.ClusterID)
	case r.pastDeadline(ctx, err):
		message = r.deadlineText()
		if errors.As(err, &application) {
			message += "; the last try: " + application.Message()
		}
		return "Timeout", message
	case errors.As(err, &timeout) && errors.As(timeout.Unwrap(), &application):
		return application.Type(), "gave up after trying for too long: " + application.Message()
	case errors.As(err, &timeout) && ofSubmit(err):
		return "Timeout", "gave up: no worker took the submit; see that one serves the task queue, and start the run anew"
	case errors.As(err, &timeout):
		return "Timeout", fmt.Sprintf("gave up %s: no worker reported for too long", r.status.Phase)
	case errors.As(err, &application):
		return application.Type(), application.Message()
	}
	return "Unknown", err.Error()
}

// ofSubmit says whether it is a submit that failed.
func ofSubmit(err error) bool {
	var failed *temporal.ActivityError
	return errors.As(err, &failed) && failed.ActivityType().GetName() == "InvokeShellCommand"
}

// deadline of the whole run; zero when it has none.
func (r *runCommand) deadline() time.Time {
	if r.in.DeadlineSeconds == 0 {
		return time.Time{}
	}
	return r.status.StartedAt.Add(seconds(r.in.DeadlineSeconds))
}

func (r *runCommand) deadlineText() string {
	return fmt.Sprintf("the run's deadline of %v passed", seconds(r.in.DeadlineSeconds))
}

// patience is how long a step may take, within a limit and the run's deadline.
func (r *runCommand) patience(ctx workflow.Context, most time.Duration) time.Duration {
	if r.deadline().IsZero() {
		return most
	}
	return max(min(most, r.deadline().Sub(workflow.Now(ctx))), time.Second)
}

// pastDeadline says whether an error is that of a step that the run's deadline cut
// short: it came, or the next try of a failing step would be after it.
func (r *runCommand) pastDeadline(ctx workflow.Context, err error) bool {
	if err == nil || r.deadline().IsZero() {
		return false
	}
	left := r.deadline().Sub(workflow.Now(ctx))
	var timeout *temporal.TimeoutError
	var failed *temporal.ActivityError
	return errors.As(err, &timeout) && left <= 0 ||
		errors.As(err, &failed) && failed.RetryState() == enumspb.RETRY_STATE_TIMEOUT && left < longestBackoff
}

// enter moves the run to a phase and refreshes what the Web UI shows.
func (r *runCommand) enter(ctx workflow.Context, phase Phase) {
	r.status.Phase = phase
	if r.lead != nil {
		r.lead.changed()
		return
	}
	r.entry.enter(ctx, &r.status)
	details := r.status.details()
	if r.in.Continued != nil { // Temporal keeps the summary with the first run
		details += fmt.Sprintf("\nGoes on from an earlier run, of the command\n\n    %s\n", strings.ReplaceAll(r.in.Command, "\n", "\n    "))
	}
	workflow.SetCurrentDetails(ctx, details)
}

// firstFew keeps a list in a message short.
func firstFew(texts []string) string {
	const few = 10
	if len(texts) <= few {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:few], ", "), len(texts)-few)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
