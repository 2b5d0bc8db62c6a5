package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// The workflows of this file show what the account has. They start nothing, and end, as
// a plan, within a minute.

// ShowClustersResult holds the clusters of the account.
type ShowClustersResult = activities.ListClustersResult

// ShowCommandsResult holds commands of a cluster.
type ShowCommandsResult = activities.ListAllCommandsResult

// MaxListedCommands is how many commands ShowCommands lists at most.
const MaxListedCommands = activities.MaxListedCommands

// ShowNodesInput names a cluster and which of its nodes are meant.
type ShowNodesInput struct {
	ClusterID string `json:"clusterId"`

	// Select is by what to choose; nil is every node.
	Select *Selector `json:"select,omitempty"`
}

// ShowNodesResult holds the nodes that were meant.
type ShowNodesResult struct {
	ClusterID string           `json:"clusterId"`
	Nodes     activities.Nodes `json:"nodes"`

	// Cluster counts all its nodes.
	Cluster activities.ClusterNodes `json:"cluster"`

	// Unmatched are the words of the selector that fit no node at all.
	Unmatched []string `json:"unmatched,omitempty"`
}

// Validate returns everything that is wrong with the input.
func (in ShowNodesInput) Validate() error {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if strings.TrimSpace(in.ClusterID) == "" {
		problem("no cluster: name one (--cluster)")
	}
	if in.Select != nil {
		validateSelector(*in.Select, problem)
	}
	if len(problems) == 0 {
		return nil
	}
	return &InputError{problems}
}

// ShowCommandsInput names a cluster and how many of its commands are listed.
type ShowCommandsInput struct {
	ClusterID string `json:"clusterId"`
	Limit     int    `json:"limit"` // 1 to MaxListedCommands
}

// Validate returns everything that is wrong with the input.
func (in ShowCommandsInput) Validate() error {
	var problems []string
	if strings.TrimSpace(in.ClusterID) == "" {
		problems = append(problems, "no cluster: name one (--cluster)")
	}
	if in.Limit < 1 || in.Limit > MaxListedCommands {
		problems = append(problems, fmt.Sprintf("%d commands are asked for (--limit): use 1 to %d", in.Limit, MaxListedCommands))
	}
	if len(problems) == 0 {
		return nil
	}
	return &InputError{problems}
}

// ShowClusters lists the clusters of the account. Like the next two it fails, under the
// API's code, when they could not be listed within a minute.
func ShowClusters(ctx workflow.Context) (*ShowClustersResult, error) {
	var listed ShowClustersResult
	err := show(ctx, "clusters", activity.ListClusters).Get(ctx, &listed)
	if err != nil {
		return nil, planFailure(err)
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**clusters** · %d", len(listed.Clusters)))
	return &listed, nil
}

// ShowNodes lists nodes of a cluster.
func ShowNodes(ctx workflow.Context, in ShowNodesInput) (*ShowNodesResult, error) {
	if err := in.Validate(); err != nil {
		return nil, temporal.NewNonRetryableApplicationError(err.Error(), ErrInvalidInput, nil)
	}
	var listed activities.ListNodesResult
	err := show(ctx, "nodes of "+in.ClusterID, activity.ListNodes,
		activities.ListNodesInput{ClusterID: in.ClusterID, Select: in.Select, Whole: true}).Get(ctx, &listed)
	if err == nil && in.outdated(listed) {
		err = temporal.NewNonRetryableApplicationError(outdated(in.ClusterID, "cannot choose among them as asked").Message, ErrNoNodes, nil)
	}
	if err != nil {
		return nil, planFailure(err)
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**nodes** · %d of `%s`, which has %s", len(listed.Nodes), in.ClusterID, clusterText(*listed.Cluster)))
	return &ShowNodesResult{ClusterID: in.ClusterID, Nodes: listed.Nodes, Cluster: *listed.Cluster, Unmatched: listed.Unmatched}, nil
}

// outdated says that the worker which listed the nodes did not know how to choose.
func (in ShowNodesInput) outdated(listed activities.ListNodesResult) bool {
	return listed.Cluster == nil || in.Select != nil && len(in.Select.Queues) > 0 && len(listed.Cluster.Queues) == 0
}

// ShowCommands lists commands of a cluster, whoever submitted them.
func ShowCommands(ctx workflow.Context, in ShowCommandsInput) (*ShowCommandsResult, error) {
	if err := in.Validate(); err != nil {
		return nil, temporal.NewNonRetryableApplicationError(err.Error(), ErrInvalidInput, nil)
	}
	var listed ShowCommandsResult
	err := show(ctx, "commands of "+in.ClusterID, activity.ListAllCommands,
		activities.ListAllCommandsInput{ClusterID: in.ClusterID, Limit: in.Limit}).Get(ctx, &listed)
	if err != nil {
		return nil, planFailure(err)
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**commands** · %d of `%s`", len(listed.Commands), in.ClusterID))
	return &listed, nil
}

// show asks the account, for a person who waits.
func show(ctx workflow.Context, what string, activity any, in ...any) workflow.Future {
	return workflow.ExecuteActivity(beforeSubmit(ctx, patiencePlan, what), activity, in...)
}

// Headline says in a line what was listed, and what fitted nothing.
func (r ShowNodesResult) Headline() string {
	text := fmt.Sprintf("%d of cluster %s, which has %s", len(r.Nodes), r.ClusterID, clusterText(r.Cluster))
	if len(r.Unmatched) > 0 {
		text += "; nothing in it matches " + firstFew(r.Unmatched)
	}
	return text
}
