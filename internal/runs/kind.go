package runs

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"
)

// Kind is what sort of run a run is.
type Kind string

// The kinds.
const (
	OnOne      Kind = "run"      // on one cluster, by Follow and Read
	OnClusters Kind = "clusters" // on several, by FollowClusters and ReadClusters
)

// KindOf says what sort of run there is under a name, and needs no worker for it.
func KindOf(ctx context.Context, c client.Client, id string) (Kind, error) {
	described, err := describe(ctx, c, id)
	if err != nil {
		return "", err
	}
	switch kind := described.GetWorkflowExecutionInfo().GetType().GetName(); kind {
	case runCommandType, rolloutType:
		return OnOne, nil
	case clustersType:
		return OnClusters, nil
	default:
		return "", &NotFoundError{fmt.Sprintf("%s is a workflow of type %s, not a run of ehpcflow", id, kind)}
	}
}
