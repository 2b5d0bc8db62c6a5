package workflows

import (
	"fmt"
	"slices"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"
)

// Limits of a run on several clusters.
const (
	MaxClusters = 100

	// MaxClustersAtOnce bounds what the results of clusters that end at the same time
	// add to the run's history, of which Temporal takes 50 MiB.
	MaxClustersAtOnce = 20

	// MaxClustersName is the longest name, in bytes, of a run on several clusters.
	MaxClustersName = 1000 - len("/") - maxClusterID // of what Temporal takes

	maxClusterID = 64 // bytes
)

// ClustersInput says what to run on several clusters.
type ClustersInput struct {
	// Run is what every cluster runs. Its cluster id is empty, and its target that of
	// the clusters that have none of their own.
	Run RolloutInput `json:"run"`

	Clusters []ClusterTarget `json:"clusters"`

	// AtOnce is how many clusters may run at a time. 0 is as many as can be, which is
	// MaxClustersAtOnce.
	AtOnce int `json:"atOnce,omitempty"`

	// OnFailure says what becomes of the clusters that wait after one that did not
	// succeed. "" is ContinueOthers.
	OnFailure OnFailure `json:"onFailure,omitempty"`

	// FailUnless says whether the run fails for Temporal when its verdict is another. The
	// runs of its clusters do not.
	FailUnless FailUnless `json:"failUnless,omitempty"`

	// Resumed is set by a run that goes on as a new one: how its clusters stand.
	Resumed *ClustersStatus `json:"resumed,omitempty"`
}

// ClusterTarget is a cluster, and the nodes of it that are meant.
type ClusterTarget struct {
	ClusterID string  `json:"clusterId"`
	Target    *Target `json:"target,omitempty"` // nil is the shared one
}

// OnFailure says what becomes of the other clusters when one did not succeed.
type OnFailure string

// What may become of them.
const (
	ContinueOthers OnFailure = "continue" // they run too
	HoldOthers     OnFailure = "hold"     // those that wait are skipped; those that run go on
)

// Validate returns everything that is wrong with the input, or nil.
func (in ClustersInput) Validate() error {
	return in.validate(func(run RolloutInput) []string { return problemsOf(run.Validate()) })
}

// problems are what a run refuses.
func (in ClustersInput) problems() []string {
	return problemsOf(in.validate(RolloutInput.problems))
}

// validate says what is wrong with the clusters, and once what is wrong with what all
// of them run.
func (in ClustersInput) validate(problemsWith func(RolloutInput) []string) error {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	switch n := len(in.Clusters); {
	case n == 0:
		problem("no cluster: name one (--cluster)")
	case n > MaxClusters:
		problem("%d clusters are named, a run takes %d: use several runs", n, MaxClusters)
	}
	if in.AtOnce < 0 || in.AtOnce > MaxClustersAtOnce {
		problem("%d clusters at once are asked for, it can be 1 to %d (--clusters-at-once)", in.AtOnce, MaxClustersAtOnce)
	}
	if !slices.Contains([]OnFailure{"", ContinueOthers, HoldOthers}, in.OnFailure) {
		problem("%q is no way to go on after a cluster that did not succeed: use %s or %s (--on-cluster-failure)",
			in.OnFailure, ContinueOthers, HoldOthers)
	}
	if in.Run.ClusterID != "" {
		problem("what all clusters run names cluster %s: name clusters in the list", in.Run.ClusterID)
	}
	if len(in.Run.From) > 0 || in.Run.Lineage != nil {
		problem("nodes of past runs are of one cluster: a run on several takes none (--from)")
	}
	if in.Run.FailUnless != "" {
		problem("what all clusters run is to fail unless it is %s: say that of the run on all of them", in.Run.FailUnless)
	}
	in.FailUnless.validate(problem)
	in.validateIDs(problem)

	shared, alone := in.Run, in.Run.Target
	shared.ClusterID = "each"
	if !in.sharesTarget() {
		alone, shared.Target = Target{}, Target{All: true}
	}
	problems = append(problems, problemsWith(shared)...)
	if named := len(alone.Nodes); len(in.Clusters) > 1 && (named > 0 || alone.Select != nil && len(alone.Select.InstanceIDs) > 0) {
		problem("nodes are named for several clusters, and a node is in one: choose them by --role, --queue, --host or --status, or name them in a run of their own")
	}
	in.validateTargets(shared, problemsWith, problem)
	if len(problems) == 0 {
		return nil
	}
	return &InputError{Problems: problems}
}

func (in ClustersInput) validateIDs(problem func(string, ...any)) {
	named := make(map[string]bool, len(in.Clusters))
	for _, cluster := range in.Clusters {
		switch id := cluster.ClusterID; {
		case strings.TrimSpace(id) == "":
			problem("a cluster id is empty (--cluster)")
		case strings.ContainsAny(id, " \t\n,/"):
			problem("cluster id %q holds a space, a comma or a slash: name each cluster by itself (--cluster)", id)
		case len(id) > maxClusterID:
			problem("cluster id %s is longer than %d bytes", shorten(id, maxClusterID), maxClusterID)
		case named[id]:
			problem("cluster %s is named twice", id)
		}
		named[cluster.ClusterID] = true
	}
}

// validateTargets says what is wrong with the targets of single clusters, beside what
// is wrong with all.
func (in ClustersInput) validateTargets(shared RolloutInput, problemsWith func(RolloutInput) []string, problem func(string, ...any)) {
	known := make(map[string]bool)
	for _, text := range problemsWith(shared) {
		known[text] = true
	}
	nodes := 0
	for _, cluster := range in.Clusters {
		if cluster.Target == nil {
			continue
		}
		own := shared
		own.Target = *cluster.Target
		nodes += len(own.Target.Nodes)
		for _, text := range problemsWith(own) {
			if !known[text] {
				problem("cluster %s: %s", cluster.ClusterID, text)
			}
		}
	}
	if nodes > maxNamed {
		problem("%d nodes are named over all clusters, a run takes %d: choose them by role or host name, or use several runs", nodes, maxNamed)
	}
}

// maxNamed keeps the input within what Temporal takes, 2 MiB.
const maxNamed = 5 * MaxNodes

func (in ClustersInput) sharesTarget() bool {
	return len(in.Clusters) == 0 || slices.ContainsFunc(in.Clusters, func(c ClusterTarget) bool { return c.Target == nil })
}

// RunOf is what a cluster runs.
func (in ClustersInput) RunOf(cluster ClusterTarget) RolloutInput {
	run := in.Run
	run.ClusterID = cluster.ClusterID
	if cluster.Target != nil {
		run.Target = *cluster.Target
	}
	return run
}

// atOnce is how many clusters may run at a time.
func (in ClustersInput) atOnce() int {
	if in.AtOnce == 0 {
		return MaxClustersAtOnce
	}
	return in.AtOnce
}

// ClusterRunID is the name of the run of a cluster in a run on several.
func ClusterRunID(runID, clusterID string) string { return runID + "/" + clusterID }

// childOptions are those of the run of a cluster. It is stopped with the run over all,
// however that ends, and waited for when it is cancelled.
func (r *runOnClusters) childOptions(ctx workflow.Context, run RolloutInput) workflow.Context {
	options := workflow.ChildWorkflowOptions{
		WorkflowID:            ClusterRunID(workflow.GetInfo(ctx).WorkflowExecution.ID, run.ClusterID),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		StaticSummary: fmt.Sprintf("%s of %s: %s", shorten(run.Target.String(), 40), run.ClusterID,
			shorten(strings.Join(strings.Fields(run.Command), " "), 40)), // Temporal takes 400 bytes
	}
	r.entry.ofChild(ctx, &options, run)
	return workflow.WithChildOptions(ctx, options)
}
