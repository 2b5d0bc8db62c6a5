package runs

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// Launch is what a run is started with, whatever its name and whoever starts it: a
// person at once, or a schedule again and again.
type Launch struct {
	Workflow string // its type
	Input    any    // of it

	// Options hold what Temporal keeps beside the input: what the Web UI shows, and
	// what the run is found by.
	Options client.StartWorkflowOptions
}

// LaunchOf is the launch of a run on one cluster, a rollout unless the input is plain.
func LaunchOf(in workflows.RolloutInput) Launch {
	kind, told := rolloutType, any(in)
	if in.Plain() {
		kind, told = runCommandType, in.RunCommandInput
	}
	return Launch{kind, told, client.StartWorkflowOptions{
		StaticSummary: summary(in), StaticDetails: details(in), Memo: memo(in), TypedSearchAttributes: searchAttributes(in),
	}}
}

// memo is what Temporal lists beside a run.
func memo(in workflows.RolloutInput) map[string]any {
	fields := map[string]any{workflows.MemoCommand: in.Command}
	if in.Lineage != nil {
		fields[firstRunMemo] = in.Lineage.First
	}
	return fields
}

// ClustersLaunchOf is the launch of a run on several clusters.
func ClustersLaunchOf(in workflows.ClustersInput) Launch {
	counted, named := in.Run, in.Run
	var ids []string
	for _, cluster := range in.Clusters {
		ids = append(ids, cluster.ClusterID)
	}
	counted.ClusterID, named.ClusterID = fmt.Sprintf("%d clusters", len(ids)), strings.Join(ids, "`, `")
	return Launch{clustersType, in, client.StartWorkflowOptions{
		StaticSummary: summary(counted), StaticDetails: details(named), Memo: memo(in.Run),
		TypedSearchAttributes: workflows.StartAttributes(workflows.Watching, ids, User(), ""),
	}}
}

// IsRun says whether a type of workflow is a run of ours that is started by itself.
func IsRun(workflow string) bool {
	return slices.Contains([]string{runCommandType, rolloutType, clustersType, pipelineType}, workflow)
}
