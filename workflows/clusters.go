package workflows

import (
	"cmp"
	"errors"
	"fmt"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// rolloutType is the name of the workflow that a cluster runs under a policy.
const rolloutType = "Rollout"

// runOnClusters is the state of a run on several clusters.
type runOnClusters struct {
	in      ClustersInput
	status  ClustersStatus
	runID   string
	running int    // clusters
	failed  string // the first cluster that did not succeed
	logger  log.Logger
	entry   entry
}

// RunOnClusters runs a command on several clusters, each by a run of its own, a child:
// a Rollout where there is a policy, a RunCommand otherwise. It waits for all of them,
// and sums them up in one verdict.
//
// What becomes of a cluster, be it refused or lost from sight, is an outcome and never
// an error of the run, unless FailUnless asks for a success. Cancelling it cancels the run of every cluster, which stops the
// command there, and waits for that; what is known then is in the details of the
// CanceledError. A run whose history grows long starts no further cluster until those
// that run have ended, and goes on as a new one under its name.
func RunOnClusters(ctx workflow.Context, in ClustersInput) (*ClustersResult, error) {
	countStarted(ctx, in.Resumed != nil)
	r, err := setupClusters(ctx, in)
	if err != nil {
		countEnded(ctx, "", nil, err)
		return nil, err
	}
	if err := r.run(ctx); err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

func setupClusters(ctx workflow.Context, in ClustersInput) (*runOnClusters, error) {
	r := &runOnClusters{in: in, runID: workflow.GetInfo(ctx).WorkflowExecution.ID, logger: workflow.GetLogger(ctx), entry: openEntry(ctx)}
	if in.Resumed != nil {
		r.status = *in.Resumed
	} else {
		r.status = ClustersStatus{Phase: Watching, ClustersResult: ClustersResult{
			Command: in.Run.Command, StartedAt: workflow.Now(ctx), Clusters: []ClusterResult{},
		}}
		for _, cluster := range in.Clusters {
			r.status.Clusters = append(r.status.Clusters, ClusterResult{
				ClusterID: cluster.ClusterID, RunID: ClusterRunID(r.runID, cluster.ClusterID), Phase: ClusterWaiting,
			})
		}
	}
	if err := workflow.SetQueryHandler(ctx, ClustersQuery, func() (ClustersStatus, error) { return r.status, nil }); err != nil {
		return nil, err
	}
	problems := in.problems()
	if len(r.runID) > MaxClustersName {
		problems = append(problems, fmt.Sprintf("the name of the run has %d bytes, with that of a cluster behind it Temporal takes %d: give it a shorter name",
			len(r.runID), MaxClustersName))
	}
	if len(problems) > 0 && in.Resumed == nil {
		return nil, temporal.NewNonRetryableApplicationError((&InputError{problems}).Error(), ErrInvalidInput, nil)
	}
	return r, nil
}

// run starts the clusters in their turns, and returns when all have ended.
func (r *runOnClusters) run(ctx workflow.Context) error {
	r.show(ctx)
	for i := range r.status.Clusters {
		if r.status.Clusters[i].Phase != ClusterWaiting {
			r.judge(r.status.Clusters[i])
			continue
		}
		_ = workflow.Await(ctx, func() bool { return r.running < r.in.atOnce() || r.held() })
		if r.over(ctx) {
			break
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			r.awaitRunning(ctx)
			if r.over(ctx) {
				break
			}
			in := r.in
			in.Resumed = &r.status
			return workflow.NewContinueAsNewError(ctx, RunOnClusters, in)
		}
		r.start(ctx, i)
	}
	r.awaitRunning(ctx)
	return nil
}

// over says whether no further cluster is started.
func (r *runOnClusters) over(ctx workflow.Context) bool { return ctx.Err() != nil || r.held() }

// held says whether one that did not succeed holds the others.
func (r *runOnClusters) held() bool { return r.in.OnFailure == HoldOthers && r.failed != "" }

// judge notes a cluster that did not succeed.
func (r *runOnClusters) judge(cluster ClusterResult) {
	if cluster.Verdict != Succeeded && r.failed == "" {
		r.failed = cluster.ClusterID
	}
}

// awaitRunning waits for the clusters that run, also when the run was cancelled.
func (r *runOnClusters) awaitRunning(ctx workflow.Context) {
	ended := func() bool { return r.running == 0 }
	if workflow.Await(ctx, ended) == nil {
		return
	}
	r.status.Phase = Stopping
	r.entry.enterClusters(ctx, &r.status)
	r.show(ctx)
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	_ = workflow.Await(ctx, ended) // nothing cancels it
}

// start starts the run of a cluster and follows it beside the others.
func (r *runOnClusters) start(ctx workflow.Context, i int) {
	cluster := &r.status.Clusters[i]
	cluster.Phase, cluster.StartedAt = ClusterRunning, workflow.Now(ctx)
	r.running++
	r.show(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		r.follow(ctx, cluster, r.in.RunOf(r.in.Clusters[i]))
		cluster.EndedAt = workflow.Now(ctx)
		r.running--
		r.judge(*cluster)
		r.logger.Info("cluster ended", "cluster", cluster.ClusterID, "outcome", cluster.Outcome())
		r.show(ctx)
	})
}

// follow waits for the run of a cluster and keeps what became of it, but not its nodes.
func (r *runOnClusters) follow(ctx workflow.Context, cluster *ClusterResult, run RolloutInput) {
	child := r.childOptions(ctx, run)
	var future workflow.ChildWorkflowFuture
	if run.Policy.IsZero() {
		future = workflow.ExecuteChildWorkflow(child, RunCommand, run.RunCommandInput)
	} else {
		future = workflow.ExecuteChildWorkflow(child, rolloutType, run)
	}
	if err := future.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
		cluster.Phase = ClusterEnded
		cluster.notStarted(err)
		return
	}
	cluster.Phase = ClusterRunning
	var result RunCommandResult
	err := future.Get(ctx, &result)
	cluster.Phase = ClusterEnded
	if err != nil {
		result, cluster.Error = failureOf(err)
	}
	cluster.Verdict, cluster.Reason = result.Verdict, shorten(result.Reason, mostOfMessage)
	cluster.NodeCount, cluster.States = len(result.Nodes), result.Counts()
}

// mostOfMessage is how much of what a cluster's run says is kept of it, in characters.
const mostOfMessage = 1000

// notStarted says why the run of a cluster was not started.
func (c *ClusterResult) notStarted(err error) {
	switch {
	case temporal.IsCanceledError(err):
		c.Phase, c.Reason = ClusterSkipped, "cancelled before it was started"
	case temporal.IsWorkflowExecutionAlreadyStartedError(err):
		c.Error = &ClusterError{"AlreadyStarted", fmt.Sprintf(
			"there is a run %s already and no other was started: see starter status %s", c.RunID, c.RunID)}
	default:
		c.Error = &ClusterError{"NotStarted", shorten(err.Error(), mostOfMessage)}
	}
}

// failureOf takes the states known and the code and sentence of a run that did not
// complete. Only one that was cancelled has a verdict.
func failureOf(err error) (known RunCommandResult, why *ClusterError) {
	var child *temporal.ChildWorkflowExecutionError
	if errors.As(err, &child) {
		err = child.Unwrap()
	}
	var application *temporal.ApplicationError
	var canceled *temporal.CanceledError
	var terminated *temporal.TerminatedError
	switch {
	case errors.As(err, &application):
		why = &ClusterError{application.Type(), application.Message()}
		if application.HasDetails() {
			_ = application.Details(&known) // of another version: the sentence is what is known
		}
		known.Verdict = ""
	case errors.As(err, &canceled):
		if canceled.HasDetails() {
			_ = canceled.Details(&known) // as above
		}
		why = &ClusterError{"Canceled", cmp.Or(known.Reason, "cancelled")}
		known.Verdict = Canceled
	case errors.As(err, &terminated):
		why = &ClusterError{"terminated", "the workflow was ended from outside; the command was not stopped and may still be running"}
	default:
		why = &ClusterError{"Unknown", err.Error()}
	}
	known.Reason, why.Message = "", shorten(why.Message, mostOfMessage)
	return known, why
}

// finish sums the clusters up.
func (r *runOnClusters) finish(ctx workflow.Context) (*ClustersResult, error) {
	waiting := r.status.in(ClusterWaiting)
	canceled := r.status.Phase == Stopping || ctx.Err() != nil && len(waiting) > 0
	why := fmt.Sprintf("not started after %s did not succeed", r.failed)
	if canceled {
		why = "cancelled before it was started"
	}
	for i := range r.status.Clusters {
		if cluster := &r.status.Clusters[i]; cluster.Phase == ClusterWaiting {
			cluster.Phase, cluster.Reason = ClusterSkipped, why
		}
	}
	switch {
	case canceled:
		r.status.Verdict, r.status.Reason = Canceled, "cancelled; "+r.status.ClustersText()
	case len(waiting) > 0:
		r.status.Reason = fmt.Sprintf("%s did not succeed, so that these were skipped: %s", r.failed, firstFew(waiting))
	}
	if !canceled {
		r.status.Verdict = r.status.verdict()
	}
	r.status.Phase, r.status.EndedAt = Ended, workflow.Now(ctx)
	r.entry.endClusters(ctx, &r.status)
	r.show(ctx)
	countEnded(ctx, r.status.Verdict, nil, nil)
	if canceled {
		return nil, temporal.NewCanceledError(r.status.ClustersResult)
	}
	if err := r.in.FailUnless.judgeClusters(r.status.ClustersResult); err != nil {
		return nil, err
	}
	return &r.status.ClustersResult, nil
}

// show refreshes what the Web UI shows.
func (r *runOnClusters) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, r.status.details(r.runID))
}
