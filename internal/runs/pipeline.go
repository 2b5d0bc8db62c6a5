package runs

import (
	"context"
	"fmt"
	"sync"

	"go.temporal.io/sdk/client"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// PipelineReport is how a run of a pipeline stands.
type PipelineReport struct {
	RunID string `json:"run"`
	State State  `json:"state"`

	// The steps that run are as their own runs say.
	workflows.PipelineStatus

	// Error of a run that did not complete.
	Error *Failure `json:"error,omitempty"`

	// Trouble of a run that goes on, as that of a Report, and Troubles of its steps, by
	// their names.
	Trouble  string            `json:"trouble,omitempty"`
	Troubles map[string]string `json:"troubles,omitempty"`

	// Foreach says that the steps are the items of a foreach, by their numbers.
	Foreach bool `json:"-"`

	// Own says how the runs of steps stand that run, by the names of the steps, as far as
	// they were asked.
	Own map[string]StepReport `json:"-"`
}

// StepReport is how the run of a step stands. One of its fields is set.
type StepReport struct {
	Run      *Report
	Clusters *ClustersReport
	Job      *JobReport
	Pipeline *PipelineReport
	Approval *workflows.ApprovalStatus
}

// mostAsked is how many steps are asked at a time how they stand.
const mostAsked = 30

// All are the steps of a pipeline, those of finally last.
func (r PipelineReport) All() []workflows.StepResult {
	return append(r.Steps[:len(r.Steps):len(r.Steps)], r.Finally...)
}

// Stopped says that no step is known that may be running.
func (r PipelineReport) Stopped() bool {
	for _, step := range r.All() {
		if step.State == workflows.StepRunning || step.Job != nil && mayRun(*step.Job) || !statesStopped(step.States) {
			return false
		}
	}
	return r.State != Running
}

// StartPipeline starts a run of a pipeline, as Start does one of a command.
func StartPipeline(ctx context.Context, c client.Client, place Place, id string, in workflows.PipelineInput) error {
	return PipelineLaunchOf(in).start(ctx, c, place, id)
}

// ReadPipeline reports how a run of a pipeline stands, or one of a foreach, of which the
// items are the steps.
func ReadPipeline(ctx context.Context, c client.Client, id string) (PipelineReport, error) {
	report := PipelineReport{RunID: id}
	described, kind, err := describeRun(ctx, c, id)
	switch {
	case err != nil:
		return report, err
	case kind == OfItems:
		return readItems(ctx, c, id, StateOf(described.GetWorkflowExecutionInfo().GetStatus()))
	case kind != OnPipeline:
		return report, &RefusedError{fmt.Sprintf("run %s is not one of a pipeline: see starter status %s", id, id)}
	}
	report.State = StateOf(described.GetWorkflowExecutionInfo().GetStatus())
	if report.State == Terminated && terminationReason(ctx, c, id) == takenBack {
		report.Phase, report.Error = workflows.Ended, &Failure{Code: string(Terminated), Message: takenBack}
		return report, nil
	}
	switch report.State {
	case Completed, Failed, Canceled:
		return report, report.readEnd(ctx, c)
	case Running, Terminated, TimedOut:
		if !ask(ctx, c, id, workflows.PipelineQuery, &report.PipelineStatus) {
			report.Trouble = unanswering
		}
		report.readSteps(ctx, c)
	}
	if report.State != Running {
		report.Trouble = ""
		report.Error = &Failure{Code: string(report.State), Message: "the workflow was ended from outside; the runs of its steps are cancelled by that, see starter status " + workflows.StepRunID(id, "STEP")}
	}
	return report, nil
}

// unanswering is the trouble of a run that goes on and that nobody can tell of.
const unanswering = "no worker answers for the run; it goes on when one does"

// ask asks a run by a query how it stands, and says whether it answered.
func ask(ctx context.Context, c client.Client, id, query string, into any, args ...any) bool {
	ctx, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	answer, err := c.QueryWorkflow(ctx, id, "", query, args...)
	return err == nil && answer.Get(into) == nil
}

func (r *PipelineReport) readEnd(ctx context.Context, c client.Client) (err error) {
	r.Phase = workflows.Ended
	r.Error, err = readEnd(ctx, c, r.RunID, &r.PipelineResult, &r.Reason)
	r.State, r.Error = judged(r.State, r.Error)
	return err
}

// readSteps asks the steps that run themselves, all at the same time. What one does not
// answer is left as it was.
func (r *PipelineReport) readSteps(ctx context.Context, c client.Client) {
	var all sync.WaitGroup
	var mu sync.Mutex
	asked := 0
	for _, steps := range [][]workflows.StepResult{r.Steps, r.Finally} {
		for i := range steps {
			step := &steps[i]
			if step.State != workflows.StepRunning || step.RunID == "" || asked == mostAsked {
				continue
			}
			asked++
			all.Go(func() {
				own, trouble, err := readStep(ctx, c, step)
				if err != nil {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if r.Own == nil {
					r.Own, r.Troubles = make(map[string]StepReport), make(map[string]string)
				}
				r.Own[step.Name] = own
				if trouble != "" {
					r.Troubles[step.Name] = trouble
				}
			})
		}
	}
	all.Wait()
}

// readStep asks the run of a step, and puts into the step what a list of steps shows.
func readStep(ctx context.Context, c client.Client, step *workflows.StepResult) (own StepReport, trouble string, err error) {
	kind, err := KindOf(ctx, c, step.RunID)
	if err != nil {
		return own, "", err
	}
	switch kind { // one that has ended meanwhile is told of by the pipeline in a moment
	case OnOne:
		report, err := read(ctx, c, step.RunID, onePage)
		if err == nil && report.State == Running {
			step.NodeCount, step.States = max(report.NodeCount, len(report.Nodes)), report.Counts()
			own.Run, trouble = &report, report.Trouble
		}
		return own, trouble, err
	case OnClusters:
		report, err := ReadClusters(ctx, c, step.RunID)
		if err == nil && report.State == Running {
			step.NodeCount, step.States = report.Nodes()
			own.Clusters, trouble = &report, report.Trouble
		}
		return own, trouble, err
	case OnPipeline:
		report, err := ReadPipeline(ctx, c, step.RunID)
		if err == nil && report.State == Running && report.Phase != "" {
			own.Pipeline, trouble = &report, report.Trouble
		}
		return own, trouble, err
	case OfJob:
		report, err := ReadJob(ctx, c, step.RunID)
		if err == nil && report.State == Running && report.Phase != "" {
			step.Job, own.Job, trouble = &report.Job, &report, report.Trouble
		}
		return own, trouble, err
	case OfItems:
		var status workflows.ItemsStatus
		if ask(ctx, c, step.RunID, workflows.PipelineQuery, &status, workflows.ItemsRequest{Items: 1}) {
			step.Items = status.Items
		}
	case OfApproval:
		var status workflows.ApprovalStatus
		if ask(ctx, c, step.RunID, workflows.ApprovalQuery, &status) {
			own.Approval = &status
		}
	case OfWait:
	}
	return own, "", nil
}

// Nodes says how many nodes all clusters have, and how many are in each state.
func (r ClustersReport) Nodes() (n int, states map[workflows.NodeState]int) {
	states = make(map[workflows.NodeState]int)
	for _, cluster := range r.Clusters {
		n += cluster.NodeCount
		for state, of := range cluster.States {
			states[state] += of
		}
	}
	return n, states
}

// FollowPipeline reads a run of a pipeline again and again, as Follow does one of a
// command.
func FollowPipeline(ctx context.Context, c client.Client, id string, show func(PipelineReport)) (PipelineReport, error) {
	return follow(ctx, follower[PipelineReport]{
		read:  func() (PipelineReport, error) { return ReadPipeline(ctx, c, id) },
		stand: func(r *PipelineReport) (*State, *string) { return &r.State, &r.Trouble },
		complete: func(report *PipelineReport, last PipelineReport) {
			if report.Phase == "" { // nobody could say how the run itself stands
				report.PipelineStatus = last.PipelineStatus
			}
		},
		show: show,
	})
}

// waitingSteps says which of a pipeline's steps wait for an order where the run of one is
// needed.
func waitingSteps(ctx context.Context, c client.Client, id, order string) error {
	report, err := ReadPipeline(ctx, c, id)
	if err != nil {
		return err
	}
	for _, step := range report.All() {
		if step.Kind == pipeline.Approves && step.State == workflows.StepRunning {
			return &RefusedError{fmt.Sprintf("run %s is one of a pipeline, whose steps have runs of their own, and %s waits for an approval: starter %s %s --why TEXT",
				id, step.Name, order, step.RunID)}
		}
	}
	return &OtherKindError{id, OnPipeline}
}
