// Package pipeline is the file that users write: what its words mean, how it is read, and
// everything that can be wrong with it. It is data and pure functions: it performs no I/O
// but through the fs.FS that it is given, and knows neither Temporal nor the API.
package pipeline

import "time"

// Limits of a pipeline. They keep it, and what it remembers of its steps, within the
// 2 MiB that Temporal takes in one piece.
const (
	MaxFile       = 256 << 10 // bytes of a file, and of all files that a pipeline is made of
	MaxWeight     = 384 << 10 // bytes of all of that as JSON, see Weight
	MaxInputs     = 128 << 10 // bytes of the values of all inputs as JSON
	MaxSteps      = 1_000     // of a pipeline, those of its finally and onFailure included
	MaxItems      = 2_000     // of a foreach
	MaxDepth      = 5         // of pipelines in pipelines
	MaxName       = 40        // characters of a step, an input, a cluster or an output
	MaxExpression = 1_000     // characters
	MaxText       = 16 << 10  // bytes of a text that a step leaves to later ones
	MaxAttempts   = 10
	MaxTimeout    = 30 * 24 * time.Hour

	DefaultConcurrency = 20  // steps, or items, at a time
	MaxConcurrency     = 500 // of those that are no commands

	// MaxCommands is how many commands run at a time, whatever the concurrency: each may
	// leave a large result in the history of its pipeline.
	MaxCommands = 20
)

// Pipeline is a file that was read and found right, with the files that it refers to.
// It is what a run is started with, so that its JSON is a contract with histories.
type Pipeline struct {
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Inputs      []Input `json:"inputs,omitempty"`

	// Clusters are short names for cluster ids, in the order of the file. An id may hold
	// expressions over the inputs.
	Clusters []Cluster `json:"clusters,omitempty"`

	// Concurrency is how many steps may run at a time. 0 is DefaultConcurrency.
	Concurrency int `json:"concurrency,omitempty"`

	Steps   []Step   `json:"steps"`             // in the order of the file
	Finally []Step   `json:"finally,omitempty"` // run when all of the steps have ended, however they did
	Outputs []Output `json:"outputs,omitempty"` // of the pipeline, for one that it is a step of
}

// Input is a value that whoever runs the pipeline may give. One without a default has to
// be given.
type Input struct {
	Name        string    `json:"name"`
	Type        InputType `json:"type"`
	Description string    `json:"description,omitempty"`
	Default     any       `json:"default,omitempty"` // nil is none
	Enum        []any     `json:"enum,omitempty"`    // the values that are accepted; none are all
}

// InputType is what kind of value an input takes.
type InputType string

// The types.
const (
	String  InputType = "string"
	Integer InputType = "integer"
	Number  InputType = "number"
	Boolean InputType = "boolean"
	List    InputType = "list" // of strings, numbers or booleans
)

// Cluster is a short name for a cluster.
type Cluster struct {
	Name string `json:"name"`
	ID   Text   `json:"id"`
}

// Output is a value that a pipeline leaves.
type Output struct {
	Name  string `json:"name"`
	Value Text   `json:"value"`
}

// Text may hold expressions, as in "solver-${{ inputs.version }}".
type Text string

// Expression is an expression over what is known when it is evaluated, see Scope.
type Expression string

// Step is a step of a pipeline. Kind says which of its bodies there is.
type Step struct {
	Name  string     `json:"name"`
	Kind  Kind       `json:"kind"`
	Needs []string   `json:"needs,omitempty"` // steps that have to end well before
	When  Expression `json:"when,omitempty"`  // "" is always; false skips the step

	// Foreach runs the step for each item of a list.
	Foreach *Foreach `json:"foreach,omitempty"`

	Retry *Retry `json:"retry,omitempty"`

	// TimeoutSeconds after which an attempt at the step is cancelled, which stops what
	// runs, and has failed. 0 is none. Of a foreach it is that of each item.
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"`

	OnFailure OnFailure `json:"onFailure,omitzero"`

	// Output says how what the step prints is read for later steps. "" is AsText.
	Output OutputForm `json:"output,omitempty"`

	// With is the body of the step, as the file has it under its kind: Action holds it
	// once its expressions are evaluated.
	With map[string]any `json:"with,omitempty"`

	// Pipeline is the file that a step of kind SubPipeline refers to.
	Pipeline *Pipeline `json:"pipeline,omitempty"`
}

// Kind is what a step does.
type Kind string

// The kinds. Each is the word under which a file has the step's body.
const (
	RunsCommand Kind = "command"
	RunsJob     Kind = "job"
	Approves    Kind = "approval"
	Waits       Kind = "wait"
	SubPipeline Kind = "pipeline"
)

// Kinds are all of them.
var Kinds = []Kind{RunsCommand, RunsJob, Approves, Waits, SubPipeline}

// Foreach is a list, of which each item is run.
type Foreach struct {
	// Items are given, or what In comes to; one of both.
	Items []any      `json:"items,omitempty"`
	In    Expression `json:"in,omitempty"`

	// Concurrency is how many items may run at a time. 0 is DefaultConcurrency.
	Concurrency int `json:"concurrency,omitempty"`
}

// Retry tries a step again that failed. A command is tried again on the nodes only that
// failed, and on none where it may be running still; a job is submitted again only when
// it was seen to end.
type Retry struct {
	Attempts       int `json:"attempts"`                 // at the most, the first included
	BackoffSeconds int `json:"backoffSeconds,omitempty"` // before the second, twice as long before each that follows, up to an hour; 0 is 30 s
}

// OnFailure says what becomes of a pipeline when a step fails. The zero value is Stop.
type OnFailure struct {
	Do FailureAction `json:"do,omitempty"`

	// Run are steps that run when the step has failed, before the pipeline goes on as
	// Do says.
	Run []Step `json:"run,omitempty"`
}

// FailureAction is what a failure leads to.
type FailureAction string

// What it may lead to.
const (
	Stop     FailureAction = "stop"     // no further step is started; those that run go on
	Skip     FailureAction = "skip"     // the steps that need it are skipped, others go on
	Continue FailureAction = "continue" // the steps that need it run too
)

// OutputForm is how the output of a step is read.
type OutputForm string

// The forms.
const (
	AsText OutputForm = "text"
	AsJSON OutputForm = "json" // a step whose output is no JSON has failed
)
