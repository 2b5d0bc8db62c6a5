package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// Counts of runs, for the operator of the workers. They go through the SDK's handler,
// which is silent while a run is replayed: a restarted worker counts nothing again. A
// step that a worker could not report before it died is taken once more and counted once
// more, by another worker.
const (
	runsStarted        = "ehpcflow_runs_started"
	runsEnded          = "ehpcflow_runs_ended"            // by verdict
	nodesEnded         = "ehpcflow_nodes_ended"           // by state
	submitsInDoubt     = "ehpcflow_submits_in_doubt"      // whose command had to be looked for
	submitsLeftInDoubt = "ehpcflow_submits_left_in_doubt" // and of which it never came out whether it was started
	endLagSeconds      = "ehpcflow_node_end_lag"          // from the service's time of a node's end until its result was known

	verdictTag = "verdict"
	stateTag   = "state"
)

// noVerdict is counted for a run that failed: it could not be started, or not be followed
// to its end.
const noVerdict = "error"

// countStarted counts a run, unless it goes on from an earlier one. Doubts are told from
// 0 on: an alert would not see the first one of a counter that comes with it.
func countStarted(ctx workflow.Context, goesOn bool) {
	handler := workflow.GetMetricsHandler(ctx)
	if !goesOn {
		handler.Counter(runsStarted).Inc(1)
	}
	handler.Counter(submitsInDoubt).Inc(0)
	handler.Counter(submitsLeftInDoubt).Inc(0)
}

// countEnded counts the end of a run and of its nodes. One that goes on as a new one has
// not ended.
func countEnded(ctx workflow.Context, verdict Verdict, nodes map[NodeState]int, err error) {
	switch {
	case workflow.IsContinueAsNewError(err):
		return
	case temporal.IsCanceledError(err):
		verdict = Canceled
	case err != nil:
		verdict = noVerdict
	}
	handler := workflow.GetMetricsHandler(ctx)
	handler.WithTags(map[string]string{verdictTag: string(verdict)}).Counter(runsEnded).Inc(1)
	for _, state := range activities.NodeStates {
		if n := nodes[state]; n > 0 {
			handler.WithTags(map[string]string{stateTag: string(state)}).Counter(nodesEnded).Inc(int64(n))
		}
	}
}

// countDoubt counts a submit as one of two kinds of doubt.
func countDoubt(ctx workflow.Context, kind string) {
	workflow.GetMetricsHandler(ctx).Counter(kind).Inc(1)
}

// measureLag measures how late the results of nodes came that were not judged before.
// The service's clock and Temporal's may differ; what would be less than nothing is
// nothing.
func (r *runCommand) measureLag(ctx workflow.Context, records activities.ResultRecords) {
	timer, now := workflow.GetMetricsHandler(ctx).Timer(endLagSeconds), workflow.Now(ctx)
	for _, record := range records {
		if !record.FinishedAt.IsZero() && !r.judged[record.InstanceID] {
			timer.Record(max(now.Sub(record.FinishedAt), 0))
		}
	}
}
