package workflows

import (
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// Every timeout and retry policy of a run. How soon an attempt follows another is
// the activity's to say, by the API's code; what is here bounds it.
const (
	// oneCall bounds an attempt of an activity that calls the API a few times.
	oneCall = 2 * time.Minute

	// patienceBefore the command is submitted: nothing is lost by giving up.
	patienceBefore = time.Hour

	// patiencePlan is for a plan, which a person waits for.
	patiencePlan = time.Minute

	// patienceAfter it is submitted: an API that fails for a day must not lose a
	// running command.
	patienceAfter = 24 * time.Hour

	// deadlineSlack is granted to the service on top of the command's timeout,
	// for delivering the command, killing it and reporting so.
	deadlineSlack = 5 * time.Minute

	// patienceOverdue is granted to the results of a run that is past its deadline.
	patienceOverdue = time.Minute

	// longestBackoff is more than any wait between two tries of a step.
	longestBackoff = 2 * time.Minute

	// oneLook bounds an attempt to look for a command among all of a cluster.
	oneLook = 10 * time.Minute

	// missingFor is how long a node may be missing from the listing before it is
	// looked for in the cluster, and the least time between two such looks.
	missingFor = time.Minute

	// stopSlack is what a stop needs beside the grace period, for delivering it,
	// killing, and making sure that nothing is left.
	stopSlack = 30 * time.Second

	// settleFor is how long the service may take to report a command as ended that
	// was stopped.
	settleFor = time.Minute

	// stopJobAgainAfter is how long a job may go on after a stop that the scheduler took,
	// before it is told again. It is longer than settleFor, so that a look can tell meanwhile
	// that the job is missing.
	stopJobAgainAfter = 2 * time.Minute

	// watchJobFor is how long one watch of a job lasts; another one follows it.
	watchJobFor = 24 * time.Hour

	// workerLost is after how long of silence an activity is given to another worker.
	workerLost = 45 * time.Second
)

func beforeSubmit(ctx workflow.Context, patience time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    oneCall,
		ScheduleToCloseTimeout: patience,
		HeartbeatTimeout:       workerLost,
	})
}

// attaching looks twice for the nodes of a command, and again while they become more.
func attaching(ctx workflow.Context, patience time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    oneLook,
		ScheduleToCloseTimeout: patience,
		HeartbeatTimeout:       workerLost,
	})
}

// submitting never starts a second attempt after one that did not report: its
// worker may have died with the command already sent. An attempt under way is
// waited for even when the run is cancelled, for the command's id.
func submitting(ctx workflow.Context, patience time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    activities.SubmitAttempt,
		ScheduleToCloseTimeout: patience,
		WaitForCancellation:    true,
		RetryPolicy: &temporal.RetryPolicy{
			NonRetryableErrorTypes: []string{"TemporalTimeout:" + enumspb.TIMEOUT_TYPE_START_TO_CLOSE.String()},
		},
	})
}

// stopping may be repeated: a second stop does no harm.
func stopping(ctx workflow.Context, patience time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    activities.SubmitAttempt,
		ScheduleToCloseTimeout: max(patience, activities.SubmitAttempt+time.Second),
	})
}

func lookingFor(ctx workflow.Context, patience time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    oneLook,
		ScheduleToCloseTimeout: max(patience, oneCall),
		HeartbeatTimeout:       workerLost,
	})
}

func watching(ctx workflow.Context, timeout, patience time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    max(timeout, 0) + 2*deadlineSlack,
		ScheduleToCloseTimeout: patience,
		HeartbeatTimeout:       workerLost,
	})
}

func collecting(ctx workflow.Context, patience time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    oneCall,
		ScheduleToCloseTimeout: patience,
		HeartbeatTimeout:       workerLost,
	})
}
