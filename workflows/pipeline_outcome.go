package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
)

// outcome is what became of the run of a step.
type outcome struct {
	verdict Verdict // Succeeded is the only one by which the step succeeded
	reason  string
	why     *ClusterError // it could not be followed to its end

	canceled bool // the run was cancelled, by whomever

	// again says that it is known to have ended, so that another may be started in its
	// place, and mayRun that something of it may be running.
	again, mayRun bool

	nodes  int
	states map[NodeState]int
	items  map[StepState]int
	job    *JobResult
	by     []string
	value  pipeline.StepValue // what later steps may know, beside what a StepResult has

	// done is what was done within it, as Done of an input; nil is not told. NotAgain says
	// why it was not, so that no other attempt may follow.
	done     map[string]StepResult
	notAgain string

	// lacks says what value does not hold, and why; longOutput and longNode likewise of its
	// output and of that of a node.
	lacks, longOutput, longNode string
}

// maybeRunning are the states of nodes on which the command may be running still, where it
// was started.
var maybeRunning = []NodeState{activities.Pending, activities.Running, activities.Unknown, activities.Lost}

func mayRun(states map[NodeState]int) bool {
	return slices.ContainsFunc(maybeRunning, func(s NodeState) bool { return states[s] > 0 })
}

func commandOutcome(r RunCommandResult) outcome {
	o := outcome{verdict: r.Verdict, nodes: len(r.Nodes), states: r.Counts()}
	o.mayRun = r.Verdict == Gone || o.states[activities.Unknown] > 0 || len(r.Commands) > 0 && mayRun(o.states)
	if r.Verdict != Succeeded {
		halted := ""
		if r.Rollout != nil && r.Rollout.Halt != nil {
			halted = r.Rollout.Halt.Text
		}
		o.reason = reasonOf(r.Verdict, r.Reason, CountsText(o.states), halted)
	}
	first := true
	for _, node := range r.Nodes {
		o.value.Nodes = append(o.value.Nodes, pipeline.NodeValue{
			ID: node.InstanceID, Host: node.HostName, State: string(node.State), ExitCode: node.ExitCode, Output: substituted(node.Output),
		})
		long := ""
		if size := max(len(node.Output), node.OutputBytes); node.OutputCut || size > pipeline.MaxText {
			long = fmt.Sprintf("the output of %s has %d bytes, later steps can use at most %d of a node, uncut: print less, or write it to a file",
				node.InstanceID, size, pipeline.MaxText)
		}
		o.longNode = cmp.Or(o.longNode, long)
		if first && node.State == activities.Succeeded {
			o.value.Output, o.longOutput, first = substituted(node.Output), long, false
		}
	}
	return o
}

// substituted is an output as expressions have it: like that of a shell's $(…), without
// the line ends that it ends with.
func substituted(output string) string { return strings.TrimRight(output, "\n") }

// reasonOf says in a sentence why a run did not succeed. One that was cancelled, which may
// have no verdict then, says so itself.
func reasonOf(verdict Verdict, reason string, what ...string) string {
	if (verdict == Canceled || verdict == "") && reason != "" {
		return reason
	}
	return strings.Join(nonEmpty(slices.Concat([]string{string(verdict)}, what, []string{reason})), "; ")
}

func clustersOutcome(r ClustersResult) outcome {
	o := outcome{verdict: r.Verdict, states: make(map[NodeState]int), lacks: "a command on several clusters leaves no output: run it on each in a step of its own"}
	for _, cluster := range r.Clusters {
		o.nodes += cluster.NodeCount
		addStates(o.states, cluster.States)
		o.mayRun = o.mayRun || cluster.Verdict == Gone || cluster.Error != nil && cluster.Error.Code == terminatedCode
	}
	o.mayRun = o.mayRun || mayRun(o.states)
	if r.Verdict != Succeeded {
		o.reason = reasonOf(r.Verdict, r.Reason, fmt.Sprintf("%d clusters: %s", len(r.Clusters), r.ClustersText()))
	}
	return o
}

// mostHosts is how many nodes of a job a step shows. The run of the job has all of them.
const mostHosts = 10

func jobOutcome(r JobResult) outcome {
	o := outcome{verdict: r.Verdict, reason: r.Reason}
	switch r.State {
	case JobFinished, JobStopped:
		o.again = true
	case JobPending:
	case JobQueued, JobRunning, JobMissing, JobUnknown:
		o.mayRun = true
	default: // nothing is known of it
		o.mayRun = true
	}
	if len(r.Copies) > 0 {
		o.again, o.mayRun = false, true
	}
	if r.Verdict != Succeeded && o.reason == "" {
		o.reason = "the job is " + string(r.State)
	}
	o.value.Output = substituted(r.Log)
	o.value.Job = pipeline.JobValue{ID: r.JobID, Name: r.Name, State: cmp.Or(r.Word, string(r.State)), ExitStatus: r.ExitStatus}
	r.Log, r.Reason, r.Nodes = "", "", r.Nodes[:min(len(r.Nodes), mostHosts)]
	o.job = &r
	return o
}

func approvalOutcome(r ApprovalResult) outcome {
	return outcome{verdict: r.Verdict, reason: r.Reason, by: r.By}
}

func pipelineOutcome(r PipelineResult) outcome {
	o := outcome{verdict: r.Verdict, value: pipeline.StepValue{Outputs: r.Outputs}, done: r.done(), notAgain: r.NotAgain}
	if r.Verdict != Succeeded {
		o.reason = reasonOf(r.Verdict, r.Reason)
	}
	unsure := func(step StepResult) bool { return step.MayRun }
	o.mayRun = r.Verdict == "" || slices.ContainsFunc(r.Steps, unsure) || slices.ContainsFunc(r.Finally, unsure)
	o.again = !o.mayRun
	return o
}

func addStates(to, more map[NodeState]int) {
	for _, state := range sorted(more) {
		to[state] += more[state]
	}
}

// terminatedCode is that of a run that somebody ended without its doing.
const terminatedCode = "terminated"

// failed adds to what is known of a run why it did not complete.
func (o outcome) failed(err error) outcome {
	var child *temporal.ChildWorkflowExecutionError
	if errors.As(err, &child) {
		err = child.Unwrap()
	}
	var application *temporal.ApplicationError
	var canceled *temporal.CanceledError
	var terminated *temporal.TerminatedError
	o.again = false
	switch {
	case errors.As(err, &canceled):
		o.canceled, o.verdict, o.reason = true, Canceled, cmp.Or(o.reason, "cancelled")
		return o
	case errors.As(err, &application):
		o.why = &ClusterError{application.Type(), application.Message()}
		o.mayRun = o.mayRun && application.Type() != ErrInvalidInput
	case errors.As(err, &terminated):
		o.why, o.mayRun = &ClusterError{terminatedCode, "the workflow was ended from outside; what it started was not stopped and may still be running"}, true
	default:
		o.why, o.mayRun = &ClusterError{"Unknown", err.Error()}, true
	}
	o.verdict, o.why.Message = "", shorten(o.why.Message, mostOfMessage)
	o.reason = o.why.Code + ": " + o.why.Message
	return o
}

// detailsOf reads into a result what is known of a run that did not complete.
func detailsOf(err error, result any) {
	var application *temporal.ApplicationError
	var canceled *temporal.CanceledError
	switch { // one of another version says nothing: the sentence is what is known
	case errors.As(err, &application) && application.HasDetails():
		_ = application.Details(result)
	case errors.As(err, &canceled) && canceled.HasDetails():
		_ = canceled.Details(result)
	}
}

// notStarted is the outcome of a run that was not started.
func notStarted(id string, err error) outcome {
	switch {
	case temporal.IsCanceledError(err):
		return outcome{canceled: true, verdict: Canceled, reason: "cancelled before it was started"}
	case temporal.IsWorkflowExecutionAlreadyStartedError(err):
		why := &ClusterError{"AlreadyStarted", fmt.Sprintf("there is a run %s already and no other was started: see starter status %s", id, id)}
		return outcome{why: why, mayRun: true, reason: why.Code + ": " + why.Message}
	}
	why := &ClusterError{"NotStarted", shorten(err.Error(), mostOfMessage)}
	return outcome{why: why, reason: why.Code + ": " + why.Message}
}
