package workflows

import (
	"time"

	"ehpcflow/pipeline"
)

// PipelineQuery is the query that a run of a pipeline answers with a PipelineStatus, also
// after its end.
const PipelineQuery = "pipeline"

// PipelineInput is what a run of a pipeline is started with.
type PipelineInput struct {
	Pipeline pipeline.Pipeline `json:"pipeline"`

	// Inputs are the values of the pipeline's inputs; those left out have their defaults.
	Inputs map[string]any `json:"inputs,omitempty"`

	// File that the pipeline was read from, as its user names it. It is told only.
	File string `json:"file,omitempty"`

	// FailUnless says whether the run fails for Temporal when its verdict is another.
	FailUnless FailUnless `json:"failUnless,omitempty"`

	// Lineage is that of a rerun, and Done the steps that are not run again, by their
	// names, as they ended in the runs before. What was done within the run of a step that
	// is run again stands under STEP/NAME, and an item of a foreach under STEP/NUMBER.
	Lineage *Lineage              `json:"lineage,omitempty"`
	Done    map[string]StepResult `json:"done,omitempty"`

	// Retried says that another attempt may follow at this run, or at one that it is a part
	// of: its result tells what was done within the runs of its steps.
	Retried bool `json:"retried,omitempty"`

	// Depth of a pipeline that is a step of another; 0 is that of none.
	Depth int `json:"depth,omitempty"`

	// Resumed is set by a run that goes on as a new one: how its steps stand.
	Resumed *PipelineStatus `json:"resumed,omitempty"`
}

// PipelineStatus is how a run of a pipeline stands.
type PipelineStatus struct {
	Phase Phase `json:"phase"` // Watching, Waiting (for people), Stopping or Ended
	PipelineResult
}

// PipelineResult is what became of a run of a pipeline.
type PipelineResult struct {
	Pipeline  string    `json:"pipeline"` // its name
	Verdict   Verdict   `json:"verdict,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	StartedAt time.Time `json:"startedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
	Lineage   *Lineage  `json:"lineage,omitempty"`

	// Steps are in the order of the file, those of an onFailure behind their step, and
	// Finally those that run last.
	Steps   []StepResult `json:"steps"`
	Finally []StepResult `json:"finally,omitempty"`

	Outputs map[string]any `json:"outputs,omitempty"`

	// Within is what was done within the runs of steps that did not succeed, by STEP/NAME,
	// of a run after which another attempt may follow. NotAgain says why none may: that
	// would be too much.
	Within   map[string]StepResult `json:"within,omitempty"`
	NotAgain string                `json:"notAgain,omitempty"`
}

// StepState is where a step is.
type StepState string

// The states of a step.
const (
	StepWaiting   StepState = "waiting" // for its needs, for a place, or for its turn
	StepRunning   StepState = "running"
	StepSucceeded StepState = "succeeded"
	StepFailed    StepState = "failed"
	StepSkipped   StepState = "skipped"  // not started; Reason says why
	StepCanceled  StepState = "canceled" // stopped with the run
)

// StepStates are all of them.
var StepStates = []StepState{StepWaiting, StepRunning, StepSucceeded, StepFailed, StepSkipped, StepCanceled}

// StepResult is how a step stands, or what became of it.
type StepResult struct {
	Name  string        `json:"name"`
	Kind  pipeline.Kind `json:"kind"`
	Needs []string      `json:"needs,omitempty"`

	// OnFailureOf is the step whose onFailure has this one; "" is of none.
	OnFailureOf string `json:"onFailureOf,omitempty"`

	State  StepState `json:"state"`
	Reason string    `json:"reason,omitempty"` // of what did not succeed, for people

	// RunID is the name of the run of the step's last attempt, or of the run that holds
	// its items, and Attempts how many there were.
	RunID    string `json:"run,omitempty"`
	Attempts int    `json:"attempts,omitempty"`

	// NextAt is when the next attempt begins, of a step that is between two.
	NextAt time.Time `json:"nextAttemptAt,omitzero"`

	StartedAt time.Time `json:"startedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`

	// Verdict of what it ran, where that has one, and Error why it could not be followed
	// to its end.
	Verdict Verdict       `json:"verdict,omitempty"`
	Error   *ClusterError `json:"error,omitempty"`

	// NodeCount says how many nodes its command has, and States in which states they are.
	NodeCount int               `json:"nodeCount,omitempty"`
	States    map[NodeState]int `json:"states,omitempty"`

	// Items says how many items a foreach has in each state.
	Items map[StepState]int `json:"items,omitempty"`

	// Job of a job.
	Job *JobResult `json:"job,omitempty"`

	// By are those who approved, or the one who rejected.
	By []string `json:"by,omitempty"`

	// Passed says of a step that was skipped that the steps that need it run: its
	// condition is false, its list is empty, or the step did not fail whose onFailure has it.
	Passed bool `json:"passed,omitempty"`

	// MayRun says that something which it started may be running still: how that ended was
	// not seen. The step is not tried again.
	MayRun bool `json:"mayRun,omitempty"`

	// DoneIn is the earlier run in which it succeeded, of a step that a rerun, or another
	// attempt at its pipeline, did not run again.
	DoneIn string `json:"doneIn,omitempty"`

	// Item that it ran for, of one of a foreach, in a report and in the Done of an input.
	Item any `json:"item,omitempty"`

	// Value is what later steps know of it, kept only where one refers to it.
	Value *pipeline.StepValue `json:"value,omitempty"`

	// Lacks says what Value does not hold, and why. A step that refers to it fails.
	Lacks string `json:"lacks,omitempty"`
}

// Ended says that nothing more becomes of the step.
func (s StepResult) Ended() bool { return s.State != StepWaiting && s.State != StepRunning }

// StepRunID is the name of the run of a step, or of an item of it.
func StepRunID(runID, step string) string { return runID + "/" + step }
