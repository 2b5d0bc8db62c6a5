package runs

import (
	"context"
	"fmt"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// Kind is what sort of run a run is.
type Kind string

// The kinds.
const (
	OnOne      Kind = "run"      // on one cluster, by Follow and Read
	OnClusters Kind = "clusters" // on several, by FollowClusters and ReadClusters
	OnPipeline Kind = "pipeline" // of a pipeline, by FollowPipeline and ReadPipeline
	OfItems    Kind = "items"    // of a foreach of one, by the same
	OfJob      Kind = "job"      // of a scheduler, by FollowJob and ReadJob
	OfApproval Kind = "approval" // of a pipeline, by FollowApproval and ReadApproval
	OfWait     Kind = "wait"     // of a pipeline, by FollowWait and ReadWait
)

// The types of the workflows.
const (
	runCommandType = "RunCommand"
	rolloutType    = "Rollout"
	clustersType   = "RunOnClusters"
	pipelineType   = "RunPipeline"
	itemsType      = "RunItems"
	jobType        = "RunJob"
	approvalType   = "AwaitApproval"
	waitType       = "AwaitTime"
)

// kinds are those of runs, by their types.
var kinds = map[string]Kind{
	runCommandType: OnOne, rolloutType: OnOne, clustersType: OnClusters, pipelineType: OnPipeline,
	itemsType: OfItems, jobType: OfJob, approvalType: OfApproval, waitType: OfWait,
}

// KindOf says what sort of run there is under a name, and needs no worker for it.
func KindOf(ctx context.Context, c client.Client, id string) (Kind, error) {
	_, kind, err := describeRun(ctx, c, id)
	return kind, err
}

// describeRun is what Temporal says of a run, and what sort of run that is.
func describeRun(ctx context.Context, c client.Client, id string) (*workflowservice.DescribeWorkflowExecutionResponse, Kind, error) {
	described, err := describe(ctx, c, id)
	if err != nil {
		return nil, "", err
	}
	kind, err := kindOf(id, described.GetWorkflowExecutionInfo().GetType().GetName())
	return described, kind, err
}

func kindOf(id, workflow string) (Kind, error) {
	kind, known := kinds[workflow]
	if !known {
		return "", &NotFoundError{fmt.Sprintf("%s is a workflow of type %s, not a run of ehpcflow", id, workflow)}
	}
	return kind, nil
}

// OtherKindError says that a run is of a kind that cannot be read, or told, what a run of
// a command can.
type OtherKindError struct {
	ID   string
	Kind Kind
}

// otherKinds say what a run of the kind is, and what to do instead.
var otherKinds = map[Kind]string{
	OnPipeline: "is one of a pipeline, whose steps have runs of their own: name one, as starter status %[1]s shows them; starter pipeline rerun %[1]s --from-failed runs it again",
	OfItems:    "is that of a foreach, whose items have runs of their own: name one, as starter status %[1]s shows them",
	OfJob:      "is that of a job, which runs on nodes that the scheduler chooses: starter status %[1]s shows how it stands and what it printed, starter cancel %[1]s stops it",
	OfApproval: "is an approval of a pipeline, and has no nodes: starter status %[1]s shows how it stands; give it with starter approve %[1]s --why TEXT, or refuse it with starter reject %[1]s --why TEXT",
	OfWait:     "is a wait of a pipeline: it has no nodes; starter status %[1]s shows until when it waits, starter cancel %[1]s ends it",
}

func (e *OtherKindError) Error() string {
	return fmt.Sprintf("run %s "+otherKinds[e.Kind], e.ID)
}

// Unwrap makes it a refusal.
func (e *OtherKindError) Unwrap() error { return &RefusedError{e.Error()} }

// partsOfPipelines are kinds of runs that a rerun of their pipeline begins anew, or takes
// over, and that have no reruns of their own.
var partsOfPipelines = map[Kind]string{
	OnPipeline: "a pipeline", OfItems: "a foreach", OfJob: "a job", OfApproval: "an approval", OfWait: "a wait",
}

// ofPipeline refuses the history of a run that is run again with its pipeline only.
func ofPipeline(ctx context.Context, c client.Client, id string, kind Kind) error {
	top, found := PipelineOver(ctx, c, id)
	if !found { // it is no longer kept
		top, _, _ = stepRun(id)
	}
	return &RefusedError{fmt.Sprintf("run %s is %s of run %s, and is run again with that only: starter history %s shows what became of it; to run again what is left, starter pipeline rerun %s --from-failed",
		id, partsOfPipelines[kind], top, top, top)}
}
