package runs

import (
	"context"
	"errors"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// ListingError says why there is no listing, and of what.
type ListingError struct{ What, Message string }

func (e *ListingError) Error() string { return "no list of " + e.What + ": " + e.Message }

// Clusters has a worker list the clusters of the account in its region.
func Clusters(ctx context.Context, c client.Client, place Place) (workflows.ShowClustersResult, error) {
	var listed workflows.ShowClustersResult
	err := Ask(ctx, c, place, Question{Kind: "clusters", Summary: "list the clusters", Workflow: workflows.ShowClusters}, &listed, nil)
	return listed, listingError("the clusters", err)
}

// Nodes has a worker list nodes of a cluster.
func Nodes(ctx context.Context, c client.Client, place Place, in workflows.ShowNodesInput) (workflows.ShowNodesResult, error) {
	var listed workflows.ShowNodesResult
	summary := "list all nodes of " + in.ClusterID
	if in.Select != nil {
		summary = "list nodes of " + in.ClusterID + ": " + beginning(workflows.Target{Select: in.Select}.String())
	}
	err := Ask(ctx, c, place, Question{Kind: "nodes", Summary: summary, Workflow: workflows.ShowNodes, Input: []any{in}}, &listed, nil)
	return listed, listingError("the nodes", err)
}

// Commands has a worker list commands of a cluster, whoever submitted them.
func Commands(ctx context.Context, c client.Client, place Place, in workflows.ShowCommandsInput) (workflows.ShowCommandsResult, error) {
	var listed workflows.ShowCommandsResult
	question := Question{Kind: "commands", Summary: "list commands of " + in.ClusterID, Workflow: workflows.ShowCommands, Input: []any{in}}
	err := Ask(ctx, c, place, question, &listed, nil)
	return listed, listingError("the commands", err)
}

func listingError(what string, err error) error {
	var unanswered *UnansweredError
	if errors.As(err, &unanswered) {
		return &ListingError{what, unanswered.Message}
	}
	return err
}
