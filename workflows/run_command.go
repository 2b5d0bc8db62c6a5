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

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// Types of the errors that end a run, beside the API's codes.
const (
	ErrInvalidInput  = "InvalidInput"  // the input is refused; nothing was started
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
}

// RunCommand runs a command on nodes of a cluster: it freezes the target to a
// list of nodes, submits once, watches until every node has ended, collects the
// results and judges them.
//
// It returns a result whenever the command could be followed to its end, be that
// a success or not. It fails, under the API's code, when it could not be started
// or followed; the states known by then are in the error's details, and in those
// of the CanceledError when it was cancelled. Cancelling ends the wait, not the
// command.
func RunCommand(ctx workflow.Context, in RunCommandInput) (*RunCommandResult, error) {
	r, err := setup(ctx, in)
	if err != nil {
		return nil, err
	}
	return r.finish(ctx, r.run(ctx))
}

func setup(ctx workflow.Context, in RunCommandInput) (*runCommand, error) {
	r := &runCommand{
		in: in,
		status: RunCommandStatus{
			Phase: Resolving,
			RunCommandResult: RunCommandResult{
				ClusterID: in.ClusterID,
				Command:   in.Command,
			},
		},
		logger: workflow.GetLogger(ctx),
	}
	if err := workflow.SetQueryHandler(ctx, StatusQuery, func() (RunCommandStatus, error) { return r.status, nil }); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, temporal.NewNonRetryableApplicationError(err.Error(), ErrInvalidInput, nil)
	}
	return r, nil
}

func (r *runCommand) run(ctx workflow.Context) error {
	if err := r.resolve(ctx); err != nil {
		return err
	}
	if err := r.submit(ctx); err != nil {
		return err
	}
	if err := r.watch(ctx); err != nil {
		return err
	}
	return r.collect(ctx)
}

// resolve freezes the target to the list of nodes that the run is about.
func (r *runCommand) resolve(ctx workflow.Context) error {
	r.enter(ctx, Resolving)
	if !r.in.Target.All {
		for _, id := range r.in.Target.Nodes {
			r.status.Nodes = append(r.status.Nodes, NodeResult{InstanceID: id, State: activities.Pending})
		}
		return ctx.Err()
	}
	var listed activities.ListNodesResult
	err := workflow.ExecuteActivity(beforeSubmit(ctx, "nodes of "+r.in.ClusterID), activity.ListNodes,
		activities.ListNodesInput{ClusterID: r.in.ClusterID}).Get(ctx, &listed)
	if err != nil {
		return err
	}
	var unfit []string
	for _, node := range listed.Nodes {
		r.status.Nodes = append(r.status.Nodes, NodeResult{
			InstanceID: node.InstanceID, HostName: node.HostName, State: activities.Pending,
		})
		if node.Unfit != "" {
			unfit = append(unfit, fmt.Sprintf("%s is %s", node.InstanceID, node.Unfit))
		}
	}
	switch {
	case len(unfit) > 0:
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
			"nothing was started: not every node of cluster %s can run a command (%s); name those that can, or bring the others up",
			r.in.ClusterID, firstFew(unfit)), ErrUnfitNodes, nil)
	case len(listed.Nodes) == 0:
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
			"nothing was started: cluster %s has no nodes", r.in.ClusterID), ErrUnfitNodes, nil)
	case len(listed.Nodes) > MaxNodes:
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
			"nothing was started: cluster %s has %d nodes, a run takes %d; name them in several runs",
			r.in.ClusterID, len(listed.Nodes), MaxNodes), ErrInvalidInput, nil)
	}
	return nil
}

// submit starts the command on the frozen nodes, once. After an error the nodes are
// skipped, or unknown when it leaves a doubt.
func (r *runCommand) submit(ctx workflow.Context) error {
	r.enter(ctx, Submitting)
	var submitted activities.InvokeShellCommandResult
	err := workflow.ExecuteActivity(submitting(ctx, "start on "+Nodes(len(r.status.Nodes))), activity.InvokeShellCommand,
		activities.InvokeShellCommandInput{
			ClusterID:   r.in.ClusterID,
			Command:     r.in.Command,
			InstanceIDs: r.status.instanceIDs(),
			WorkingDir:  r.in.WorkingDir,
			Timeout:     r.in.TimeoutSeconds,

			OriginalRunID: workflow.GetInfo(ctx).OriginalRunID,
		}).Get(ctx, &submitted)
	switch {
	case err != nil && mayHaveRun(err):
		r.status.setAll(activities.Unknown, "whether the command was started here is not known")
		return err
	case err != nil:
		r.status.setAll(activities.Skipped, "")
		return err
	}
	r.status.CommandID = submitted.CommandID
	r.status.SubmittedAt = submitted.SubmittedAt
	r.status.accept(submitted.InstanceIDs)
	return nil
}

// watch follows the command until every node has ended or the deadline is past.
func (r *runCommand) watch(ctx workflow.Context) error {
	deadline := r.status.SubmittedAt.Add(r.in.timeout() + deadlineSlack)
	for !r.status.allEnded() {
		r.enter(ctx, Watching)
		var seen activities.ListInvocationStatusResult
		err := workflow.ExecuteActivity(watching(ctx, r.in.timeout(), r.status.watchSummary()), activity.ListInvocationStatus,
			activities.ListInvocationStatusInput{
				ClusterID:   r.in.ClusterID,
				CommandID:   r.status.CommandID,
				Nodes:       r.status.nodeStatuses(),
				SubmittedAt: r.status.SubmittedAt,
				Deadline:    deadline,
			}).Get(ctx, &seen)
		if err != nil {
			return err
		}
		r.status.apply(seen.Changed)
		r.logger.Info("nodes changed", "CommandID", r.status.CommandID, "Changed", len(seen.Changed))
		if seen.DeadlinePassed && !r.status.allEnded() {
			r.status.overdue()
			return nil
		}
	}
	return nil
}

// collect reads what the nodes left, and judges each.
func (r *runCommand) collect(ctx workflow.Context) error {
	r.enter(ctx, Collecting)
	ended := r.status.collectable()
	if len(ended) == 0 {
		return nil
	}
	var results activities.ListInvocationResultsResult
	err := workflow.ExecuteActivity(collecting(ctx, "results of "+Nodes(len(ended))), activity.ListInvocationResults,
		activities.ListInvocationResultsInput{
			ClusterID:   r.in.ClusterID,
			CommandID:   r.status.CommandID,
			InstanceIDs: ended,
			SubmittedAt: r.status.SubmittedAt,
			OutputLimit: outputLimit(len(ended)),
		}).Get(ctx, &results)
	if err != nil {
		return err
	}
	r.status.judge(results.Records, r.in.timeout())
	return nil
}

// finish turns the end of the steps into the end of the run.
func (r *runCommand) finish(ctx workflow.Context, err error) (*RunCommandResult, error) {
	if err != nil && r.status.Phase == Resolving {
		r.status.setAll(activities.Skipped, "")
	}
	switch {
	case err == nil:
		r.status.Verdict = r.status.verdict()
	case temporal.IsCanceledError(err):
		r.status.Reason = r.status.cancelReason()
		err = temporal.NewCanceledError(r.status.RunCommandResult)
	default:
		err = r.failure(err)
	}
	r.status.EndedAt = workflow.Now(ctx)
	r.enter(ctx, Ended)
	if err != nil {
		return nil, err
	}
	return &r.status.RunCommandResult, nil
}

// failure gives the run's error the code and the sentence of its cause.
func (r *runCommand) failure(err error) error {
	code, message := "Unknown", err.Error()
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &timeout) && r.status.Phase == Submitting:
		code, message = ErrSubmitInDoubt, fmt.Sprintf(
			"the worker was lost while it submitted the command to cluster %s: the command may be running and was not sent again; "+
				"look for it in the cluster's command list before starting it anew", r.in.ClusterID)
	case errors.As(err, &timeout) && errors.As(timeout.Unwrap(), &application):
		code, message = application.Type(), "gave up after trying for too long: "+application.Message()
	case errors.As(err, &timeout):
		code, message = "Timeout", fmt.Sprintf("gave up %s: no worker reported for too long", r.status.Phase)
	case errors.As(err, &application):
		code, message = application.Type(), application.Message()
	}
	r.status.Reason = message
	return temporal.NewApplicationErrorWithOptions(message, code, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Cause:        err,
		Details:      []any{r.status.RunCommandResult},
	})
}

// enter moves the run to a phase and refreshes what the Web UI shows.
func (r *runCommand) enter(ctx workflow.Context, phase Phase) {
	r.status.Phase = phase
	workflow.SetCurrentDetails(ctx, r.status.details())
}

// mayHaveRun says whether a submit that ended with this error may have started
// its command: its worker was lost on the way, or the activity says so. A timeout
// wraps the error of the attempt before it, so it is looked for first.
func mayHaveRun(err error) bool {
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return true
	}
	var application *temporal.ApplicationError
	var detail activities.SubmitFailure
	return errors.As(err, &application) && application.HasDetails() &&
		application.Details(&detail) == nil && detail.MayHaveRun
}

// firstFew keeps a list in a message short.
func firstFew(texts []string) string {
	const few = 10
	if len(texts) <= few {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:few], ", "), len(texts)-few)
}

// outputLimit shares what a result may weigh among the nodes, in bytes each.
func outputLimit(nodes int) int {
	const whole, most = 512 << 10, 24 << 10
	return min(most, whole/nodes)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
