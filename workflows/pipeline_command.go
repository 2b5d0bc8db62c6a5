package workflows

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
	"ehpcflow/workflows/policy"
)

// clusterNames are the short names of a pipeline's clusters, with their ids.
type clusterNames map[string]string

// id is what a step means by a cluster: a short name, or an id; "" is the only cluster of
// the pipeline.
func (n clusterNames) id(name string) (string, error) {
	if id, known := n[name]; known {
		return id, nil
	}
	switch {
	case name != "":
		return name, nil
	case len(n) == 1:
		return n[n.names()[0]], nil
	case len(n) == 0:
		return "", fmt.Errorf("no cluster: name one (cluster), or one for all steps (clusters of the pipeline)")
	}
	return "", fmt.Errorf("no cluster, and the pipeline has %d: name one of %s (cluster)", len(n), firstFew(n.names()))
}

func (n clusterNames) names() []string { return sorted(n) }

// ids are those of all, each once, in the order of their names.
func (n clusterNames) ids() []string {
	var ids []string
	for _, name := range n.names() {
		if !slices.Contains(ids, n[name]) {
			ids = append(ids, n[name])
		}
	}
	return ids
}

// sorted are the keys of a map, in their order.
//
//workflowcheck:ignore
func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// commandRun is what a step's command runs: on one cluster, or on several.
type commandRun struct {
	run      RolloutInput
	clusters *ClustersInput
}

// check says what is wrong with what a command runs: all of it for whoever writes the
// pipeline; for its run what the run of the command refuses, which no newer version may
// refuse more of.
type check struct {
	run      func(RolloutInput) []string
	clusters func(ClustersInput) []string
}

var (
	checkWritten = check{
		func(in RolloutInput) []string { return problemsOf(in.Validate()) },
		func(in ClustersInput) []string { return problemsOf(in.Validate()) },
	}
	checkRun = check{RolloutInput.problems, ClustersInput.problems}
)

// command says what a step's command runs, or what is wrong with it.
func (n clusterNames) command(c pipeline.Command, retry *pipeline.Retry, check check) (commandRun, []string) {
	var problems []string
	problem := func(err error) { problems = append(problems, err.Error()) }
	run := RolloutInput{RunCommandInput: RunCommandInput{
		Target:            targetOf(c),
		Command:           c.Run,
		WorkingDir:        c.WorkingDir,
		TimeoutSeconds:    c.Timeout.Seconds(),
		ExpectedSeconds:   c.Expect.Seconds(),
		DeadlineSeconds:   c.Deadline.Seconds(),
		Raw:               c.Raw,
		GraceSeconds:      c.Grace.Seconds(),
		StopWithinSeconds: c.StopWithin.Seconds(),
		NodesPerCommand:   c.NodesPerCommand,
	}}
	if run.TimeoutSeconds == 0 {
		run.TimeoutSeconds = int(DefaultTimeout.Seconds())
	}
	for _, key := range sorted(c.Rollout) {
		if retry != nil && slices.Contains(retryKeys, key) {
			problem(fmt.Errorf("rollout.%s stands beside retry: use one of them", key))
			continue
		}
		if err := policy.Set(&run.Policy, key, c.Rollout[key]); err != nil {
			problem(fmt.Errorf("rollout.%s: %w", key, err))
		}
	}
	if retry != nil && retry.Attempts > 1 {
		run.Policy.Retry = policy.Retry{Attempts: retry.Attempts, BackoffSeconds: retry.BackoffSeconds, On: retriedStates}
	}
	if len(c.Clusters) == 0 {
		id, err := n.id(c.Cluster)
		if err != nil {
			problem(err)
			id = "unnamed" // what else is wrong is said too
		}
		run.ClusterID = id
		if c.ClustersAtOnce != 0 || c.OnClusterFailure != "" {
			problem(fmt.Errorf("clustersAtOnce and onClusterFailure are for several clusters: name them (clusters), or leave it out"))
		}
		return commandRun{run: run}, append(problems, plainly(check.run(run))...)
	}
	if c.Cluster != "" {
		problem(fmt.Errorf("both cluster and clusters are given: use one of them"))
	}
	several := &ClustersInput{Run: run, AtOnce: c.ClustersAtOnce, OnFailure: OnFailure(c.OnClusterFailure)}
	for _, name := range c.Clusters {
		id, err := n.id(name)
		if err != nil {
			problem(err)
		}
		several.Clusters = append(several.Clusters, ClusterTarget{ClusterID: id})
	}
	return commandRun{clusters: several}, append(problems, plainly(check.clusters(*several))...)
}

// retryKeys are the words of a rollout that say what a step's retry says.
var retryKeys = []string{"attempts", "retryOn", "retryExitCodes", "retryBackoff", "retryElsewhere"}

// retriedStates are those after which a step's retry tries a node again: of each it was
// seen that the command has ended there.
var retriedStates = []NodeState{activities.Nonzero, activities.Failed, activities.TimedOut}

// targetOf is what a command's words choose. Only what a selector says needs a look at the
// cluster: named nodes alone are taken as they are.
func targetOf(c pipeline.Command) Target {
	if len(c.Roles)+len(c.Queues)+len(c.Hosts)+len(c.Statuses)+len(c.Exclude) == 0 && !c.SkipUnfit {
		return Target{All: c.All, Nodes: c.Nodes}
	}
	return Target{
		Select: &Selector{
			All: c.All, InstanceIDs: c.Nodes, Roles: c.Roles, Queues: c.Queues, HostNames: c.Hosts, Statuses: c.Statuses, Excludes: c.Exclude,
		},
		SkipUnfit: c.SkipUnfit,
	}
}

// plainly is what is wrong with an input, in the words of a file and not of the flags of
// a program.
func plainly(problems []string) []string {
	for i := range problems {
		problems[i] = flag.ReplaceAllStringFunc(problems[i], func(flag string) string {
			name := strings.TrimPrefix(flag, "--")
			if word, differs := keysOf[name]; differs {
				return word
			}
			for _, option := range policy.Options {
				if option.Name == name {
					return "rollout." + option.Key()
				}
			}
			return policy.Option{Name: name}.Key()
		})
	}
	return problems
}

var flag = regexp.MustCompile(`--[a-z]+(-[a-z]+)*`)

// keysOf are the flags that a file has under another word.
var keysOf = map[string]string{
	"node": "nodes", "role": "roles", "queue": "queues", "host": "hosts", "status": "statuses", "workdir": "workingDir",
}
