package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// entry is how a run is found in the list of runs. A run that was started without search
// attributes, by an older starter or in a namespace that has none, goes on without: what
// it was started with is in its history, so that a replay decides the same.
type entry struct {
	kept     bool
	phase    Phase // that is listed
	commands int   // that are
}

func openEntry(ctx workflow.Context) entry {
	listed := workflow.GetTypedSearchAttributes(ctx)
	phase, kept := listed.GetKeyword(AttributePhase)
	if !kept {
		return entry{}
	}
	commands, _ := listed.GetKeywordList(AttributeCommandID)
	return entry{kept: true, phase: Phase(phase), commands: len(commands)}
}

// enter lists a phase that somebody may look for, with what is known by then. Most phases
// pass too soon for that, and each change is an event of the history.
func (e *entry) enter(ctx workflow.Context, s *RunCommandStatus) {
	phase := s.Phase
	switch phase {
	case Watching, Parked, Stopping, Draining:
	case Rolling:
		if len(s.Commands) == 0 {
			return
		}
	case Waiting:
		if s.Rollout.Wait.For == ForSoak {
			return
		}
	case Resolving, Submitting, Seeking, Collecting, Ended:
		return
	}
	if !e.kept || phase == e.phase {
		return
	}
	e.upsert(ctx, append(e.progress(s), AttributePhase.ValueSet(string(phase))))
	e.phase = phase
}

// end lists what became of the run.
func (e *entry) end(ctx workflow.Context, s *RunCommandStatus) {
	e.close(ctx, s.outcome, failedNodes(s.Counts()), e.progress(s)...)
}

// outcomeOf is what a run is listed under that has ended.
func outcomeOf(verdict Verdict, err error) Outcome {
	switch {
	case verdict != "":
		return Outcome(verdict)
	case temporal.IsCanceledError(err):
		return Outcome(Canceled)
	}
	return OutcomeError
}

func (e *entry) close(ctx workflow.Context, outcome Outcome, failed int, more ...temporal.SearchAttributeUpdate) {
	if !e.kept {
		return
	}
	e.upsert(ctx, append(more,
		AttributePhase.ValueSet(string(Ended)),
		AttributeVerdict.ValueSet(string(outcome)),
		AttributeFailedNodes.ValueSet(int64(failed))))
}

// progress is what a change of phase is listed with.
func (e *entry) progress(s *RunCommandStatus) []temporal.SearchAttributeUpdate {
	updates := []temporal.SearchAttributeUpdate{AttributeNodes.ValueSet(int64(len(s.Nodes)))}
	var ids []string
	for _, command := range s.Commands[:min(len(s.Commands), mostIndexed)] {
		ids = append(ids, command.CommandID)
	}
	if len(ids) > e.commands {
		e.commands = len(ids)
		updates = append(updates, AttributeCommandID.ValueSet(fitting(ids)))
	}
	return updates
}

func (e *entry) upsert(ctx workflow.Context, updates []temporal.SearchAttributeUpdate) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		workflow.GetLogger(ctx).Error("the run is listed as it was before", "Error", err)
	}
}

// enterClusters and endClusters do so for a run on several clusters.
func (e *entry) enterClusters(ctx workflow.Context, s *ClustersStatus) {
	e.enterPhase(ctx, s.Phase)
}

func (e *entry) endClusters(ctx workflow.Context, s *ClustersStatus) {
	nodes, failed := 0, 0
	for _, cluster := range s.Clusters {
		nodes += cluster.NodeCount
		failed += failedNodes(cluster.States)
	}
	e.close(ctx, Outcome(s.Verdict), failed, AttributeNodes.ValueSet(int64(nodes)))
}

// enterJob and endJob do so for a run of a job, whose nodes are those that the scheduler
// gave it.
func (e *entry) enterJob(ctx workflow.Context, s *JobStatus) {
	switch s.Phase {
	case Watching, Parked, Stopping:
	case Resolving, Submitting, Seeking, Collecting, Rolling, Waiting, Draining, Ended:
		return
	}
	if e.kept && s.Phase != e.phase {
		e.upsert(ctx, []temporal.SearchAttributeUpdate{AttributePhase.ValueSet(string(s.Phase))})
		e.phase = s.Phase
	}
}

func (e *entry) endJob(ctx workflow.Context, s *JobStatus, outcome Outcome) {
	failed := 0
	if outcome != Outcome(Succeeded) {
		failed = len(s.Nodes)
	}
	e.close(ctx, outcome, failed, AttributeNodes.ValueSet(int64(len(s.Nodes))))
}

func (e *entry) endPipeline(ctx workflow.Context, s *PipelineStatus) {
	nodes, failed := s.nodes()
	e.close(ctx, Outcome(s.Verdict), failed, AttributeNodes.ValueSet(int64(nodes)))
}

// ofChild is how the run of a cluster of this run is found: by what this one was started
// with, and as a part of it.
func (e *entry) ofChild(ctx workflow.Context, options *workflow.ChildWorkflowOptions, run RolloutInput) {
	if !e.kept {
		return
	}
	user, _ := workflow.GetTypedSearchAttributes(ctx).GetKeyword(AttributeUser)
	options.TypedSearchAttributes = StartAttributes(Resolving, []string{run.ClusterID}, user, workflow.GetInfo(ctx).WorkflowExecution.ID)
	options.Memo = map[string]any{MemoCommand: run.Command}
}

// ofStep is how the run of a step is found, likewise. One on no cluster is listed under
// those of its pipeline.
func (e *entry) ofStep(ctx workflow.Context, options *workflow.ChildWorkflowOptions, pipelineRun string, l launch) {
	if !e.kept {
		return
	}
	listed := workflow.GetTypedSearchAttributes(ctx)
	user, _ := listed.GetKeyword(AttributeUser)
	clusters := l.clusters
	if len(clusters) == 0 {
		clusters, _ = listed.GetKeywordList(AttributeCluster)
	}
	options.TypedSearchAttributes = StartAttributes(l.phase, clusters, user, pipelineRun)
	if l.command != "" {
		options.Memo = map[string]any{MemoCommand: l.command}
	}
}

// enterPhase lists a phase of a pipeline.
func (e *entry) enterPhase(ctx workflow.Context, phase Phase) {
	if e.kept && phase != e.phase && phase != Ended {
		e.upsert(ctx, []temporal.SearchAttributeUpdate{AttributePhase.ValueSet(string(phase))})
		e.phase = phase
	}
}

// FailedStates are those of the nodes that are counted as failed.
var FailedStates = []NodeState{activities.Nonzero, activities.Failed, activities.TimedOut, activities.Stopped}

func failedNodes(counts map[NodeState]int) int {
	failed := 0
	for _, state := range FailedStates {
		failed += counts[state]
	}
	return failed
}
