package workflows

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"ehpcflow/pipeline"
)

// The names of the workflows that the steps of a pipeline are. A step is started by its
// name: a pipeline may hold one that runs itself.
const (
	commandType  = "RunCommand"
	clustersType = "RunOnClusters"
	jobType      = "RunJob"
	approvalType = "AwaitApproval"
	waitType     = "AwaitTime"
	pipelineType = "RunPipeline"
	itemsType    = "RunItems"
)

// launch is a run that a step is, before it is started.
type launch struct {
	workflow string
	input    any
	summary  string // for the Web UI
	timeout  time.Duration

	phase    Phase    // that it is listed under
	clusters []string // that it is listed under; none are the pipeline's
	command  string   // for its memo

	// weight is about how many bytes of its input a step of the workflow has to send.
	weight int

	// expect returns what takes its result, and reads from that what became of it.
	expect func() (result any, tell func() outcome)
}

// expecting is the expect of a workflow with that result.
func expecting[T any](tell func(T) outcome) func() (any, func() outcome) {
	return func() (any, func() outcome) {
		result := new(T)
		return result, func() outcome { return tell(*result) }
	}
}

// family is what the runs of a pipeline's steps, or of a step's items, have in common.
type family struct {
	runID    string // of the run that starts them
	entry    *entry
	clusters clusterNames
	depth    int    // of the pipeline
	parent   string // the pipeline's run, under which they are listed
	check    check

	// retried says that another attempt may follow at what they are a part of, within what
	// was done within their runs, room how many bytes of that may be kept still, and
	// notAgain that some was too much.
	retried  bool
	within   doneRuns
	room     func() int
	notAgain string

	// Pausing is how many steps are between two attempts, of which changed tells, and goesOn
	// says that the run goes on as a new one, so that nothing more is begun. MostOfReason is
	// how much is kept meanwhile of why an attempt failed, in bytes of JSON.
	pausing      int
	changed      func()
	goesOn       bool
	mostOfReason int
}

// launch is the run that a step is, or everything that is wrong with what it says.
func (f *family) launch(step pipeline.Step, action pipeline.Action) (launch, []string) {
	l, problems := kinds[step.Kind](f, step, action)
	l.timeout = seconds(step.TimeoutSeconds)
	return l, problems
}

// kinds are how each kind of a step is launched.
var kinds = map[pipeline.Kind]func(*family, pipeline.Step, pipeline.Action) (launch, []string){
	pipeline.RunsCommand: (*family).launchCommand,
	pipeline.RunsJob:     (*family).launchJob,
	pipeline.Approves:    (*family).launchApproval,
	pipeline.Waits:       (*family).launchWait,
	pipeline.SubPipeline: (*family).launchPipeline,
}

// heavy says whether a run of that kind may leave a large result in the history of the
// run that started it.
func heavy(kind pipeline.Kind) bool {
	return kind == pipeline.RunsCommand || kind == pipeline.SubPipeline
}

// shownShell is the beginning of a shell text for a summary, marked as code: the Web UI
// would take what stands between two dollar signs for a formula, and bend the quotes.
func shownShell(text string, most int) string {
	shown := shorten(strings.Join(strings.Fields(strings.ReplaceAll(strings.TrimSpace(text), "\n", " ⏎ ")), " "), most)
	if strings.Contains(shown, "`") {
		return shown
	}
	return "`" + shown + "`"
}

// lightInput is more than what an input has beside its texts, in bytes.
const lightInput = 2 << 10

func (f *family) launchCommand(step pipeline.Step, action pipeline.Action) (launch, []string) {
	if action.Command == nil {
		return launch{}, []string{"it has no command"}
	}
	c := *action.Command
	what, problems := f.clusters.command(c, step.Retry, f.check)
	if len(problems) > 0 {
		return launch{}, problems
	}
	l := launch{phase: Resolving, command: c.Run, weight: lightInput + pipeline.WeightOfText(c.Run) + 64*len(c.Nodes)}
	text := shownShell(c.Run, 40)
	if several := what.clusters; several != nil {
		for _, cluster := range several.Clusters {
			l.clusters = append(l.clusters, cluster.ClusterID)
		}
		l.workflow, l.input, l.phase = clustersType, *several, Watching
		l.summary = fmt.Sprintf("%s: %s of %d clusters: %s", step.Name, shorten(several.Run.Target.String(), 40), len(several.Clusters), text)
		l.expect = expecting(clustersOutcome)
		return l, nil
	}
	l.clusters = []string{what.run.ClusterID}
	l.summary = fmt.Sprintf("%s: %s of %s: %s", step.Name, shorten(what.run.Target.String(), 40), what.run.ClusterID, text)
	l.expect = expecting(commandOutcome)
	if what.run.Policy.IsZero() {
		l.workflow, l.input = commandType, what.run.RunCommandInput
	} else {
		l.workflow, l.input = rolloutType, what.run
	}
	return l, nil
}

func (f *family) launchJob(step pipeline.Step, action pipeline.Action) (launch, []string) {
	if action.Job == nil {
		return launch{}, []string{"it has no job"}
	}
	job := *action.Job
	id, err := f.clusters.id(job.Cluster)
	if err != nil {
		return launch{}, []string{err.Error()}
	}
	job.Cluster = ""
	weight := lightInput + pipeline.WeightOfText(job.Run)
	for _, name := range sorted(job.Variables) {
		weight += pipeline.WeightOfText(name) + pipeline.WeightOfText(job.Variables[name])
	}
	return launch{
		workflow: jobType, input: JobInput{ClusterID: id, Job: job}, phase: Submitting, clusters: []string{id}, command: job.Run, weight: weight,
		summary: fmt.Sprintf("%s: job on %s: %s", step.Name, id, shownShell(job.Run, 60)),
		expect:  expecting(jobOutcome),
	}, nil
}

func (f *family) launchApproval(step pipeline.Step, action pipeline.Action) (launch, []string) {
	if action.Approval == nil {
		return launch{}, []string{"it has no approval"}
	}
	a := *action.Approval
	return launch{
		workflow: approvalType, input: ApprovalInput{Step: step.Name, Approval: a}, phase: Waiting,
		weight:  lightInput + pipeline.WeightOfText(a.Message) + 100*len(a.Approvers),
		summary: fmt.Sprintf("%s: approval: %s", step.Name, shorten(strings.Join(strings.Fields(a.Message), " "), 60)),
		expect:  expecting(approvalOutcome),
	}, approvalProblems(a)
}

// approvalProblems are what is wrong with an approval.
func approvalProblems(a pipeline.Approval) []string {
	var problems []string
	if a.Needed < 0 {
		problems = append(problems, fmt.Sprintf("%d approvals are needed: use 1 or more (needed)", a.Needed))
	}
	if n := len(a.Approvers); n > 0 && a.Needed > n {
		problems = append(problems, fmt.Sprintf("%d approvals are needed, and %d people may give one: name more of them (approvers), or need fewer (needed)", a.Needed, n))
	}
	if late := a.OnTimeout; late != "" && late != pipeline.RejectLate && late != pipeline.ApproveLate {
		problems = append(problems, fmt.Sprintf("%q is not what can become of an approval that nobody gave: use %s or %s (onTimeout)", late, pipeline.RejectLate, pipeline.ApproveLate))
	}
	if a.OnTimeout != "" && a.Within == 0 {
		problems = append(problems, "onTimeout says what becomes of it in the end, and it waits for as long as it takes: say how long (within)")
	}
	if length := time.Duration(a.Within); length > pipeline.MaxTimeout {
		problems = append(problems, fmt.Sprintf("it waits for %s, the most is %s (within)", lengthText(length), lengthText(pipeline.MaxTimeout)))
	}
	return problems
}

func (f *family) launchWait(step pipeline.Step, action pipeline.Action) (launch, []string) {
	if action.Wait == nil {
		return launch{}, []string{"it does not say for how long to wait"}
	}
	w := *action.Wait
	var problems []string
	until := "for " + lengthText(time.Duration(w.For))
	switch {
	case w.For > 0 && !w.Until.IsZero():
		problems = append(problems, "both a length of time (for) and a time (until) are given: use one of them")
	case w.For == 0 && w.Until.IsZero():
		problems = append(problems, "it does not say for how long to wait: use for, or until")
	case w.For > pipeline.Duration(pipeline.MaxTimeout):
		problems = append(problems, fmt.Sprintf("it waits for %s, the most is %s", lengthText(time.Duration(w.For)), lengthText(pipeline.MaxTimeout)))
	case !w.Until.IsZero():
		until = "until " + w.Until.UTC().Format("2006-01-02 15:04:05") + " UTC"
	}
	return launch{
		workflow: waitType, input: WaitInput{Step: step.Name, Wait: w}, phase: Watching, weight: lightInput,
		summary: fmt.Sprintf("%s: wait %s", step.Name, until), expect: expecting(func(WaitResult) outcome { return outcome{verdict: Succeeded} }),
	}, problems
}

func (f *family) launchPipeline(step pipeline.Step, action pipeline.Action) (launch, []string) {
	if action.Sub == nil || step.Pipeline == nil {
		return launch{}, []string{"the pipeline that it runs was not read"}
	}
	in := PipelineInput{Pipeline: *step.Pipeline, Inputs: action.Sub.Inputs, File: action.Sub.File, Depth: f.depth + 1, Retried: f.retried || triedAnew(step)}
	_, names, problems := in.values()
	return launch{
		workflow: pipelineType, input: in, phase: Watching, clusters: names.ids(), command: commandOfPipeline(in.Pipeline), weight: lightInput + in.Pipeline.Weight() + pipeline.Weight(in.Inputs),
		summary: fmt.Sprintf("%s: pipeline %s of %d steps", step.Name, cmp.Or(in.Pipeline.Name, in.File), len(in.Pipeline.Steps)),
		expect:  expecting(pipelineOutcome),
	}, problems
}

// commandOfPipeline is what a list of runs shows as the command of a pipeline.
func commandOfPipeline(p pipeline.Pipeline) string { return "pipeline " + p.Name }
