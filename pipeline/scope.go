package pipeline

// Scope is what an expression sees, under these names.
type Scope struct {
	Inputs   map[string]any       `expr:"inputs"`
	Clusters map[string]string    `expr:"clusters"`
	Steps    map[string]StepValue `expr:"steps"` // those that have ended before: what a step needs, and what these need
	Run      RunValue             `expr:"run"`

	// Item of a foreach and its place in the list, from 0. Of other steps there is none.
	Item  any  `expr:"item"`
	Index int  `expr:"index"`
	Each  bool `expr:"-"` // whether there is an item
}

// RunValue is what is known of the run itself.
type RunValue struct {
	ID string `expr:"id"` // the run's name
	// Verdict that the run has come to: "" while steps run, for the steps of finally how
	// the steps ended.
	Verdict string `expr:"verdict"`
}

// StepValue is what later steps may know of a step that has ended. Its JSON is kept in
// histories.
type StepValue struct {
	State     string `json:"state" expr:"state"` // succeeded, failed, skipped or canceled
	Succeeded bool   `json:"succeeded,omitempty" expr:"succeeded"`
	Failed    bool   `json:"failed,omitempty" expr:"failed"`
	Skipped   bool   `json:"skipped,omitempty" expr:"skipped"`
	Verdict   string `json:"verdict,omitempty" expr:"verdict"` // of a command or a pipeline
	Reason    string `json:"reason,omitempty" expr:"reason"`

	// Counts of the nodes by their states, or of the items of a foreach by theirs.
	Counts map[string]int `json:"counts,omitempty" expr:"counts"`

	// Output is what its node printed; of several, the first that succeeded. JSON is the
	// same, read, where the step's output is json.
	Output string `json:"output,omitempty" expr:"output"`
	JSON   any    `json:"json,omitempty" expr:"json"`

	Nodes   []NodeValue    `json:"nodes,omitempty" expr:"nodes"`     // of a command
	Items   []StepValue    `json:"items,omitempty" expr:"items"`     // of a foreach, in the order of the list
	Item    any            `json:"item,omitempty" expr:"item"`       // of an item of a foreach
	Job     JobValue       `json:"job,omitzero" expr:"job"`          // of a job
	By      []string       `json:"by,omitempty" expr:"by"`           // who approved
	Outputs map[string]any `json:"outputs,omitempty" expr:"outputs"` // of a pipeline
}

// NodeValue is what became of a node.
type NodeValue struct {
	ID       string `json:"id" expr:"id"`
	Host     string `json:"host,omitempty" expr:"host"`
	State    string `json:"state" expr:"state"`
	ExitCode *int   `json:"exitCode,omitempty" expr:"exitCode"` // nil when none was read
	Output   string `json:"output,omitempty" expr:"output"`
}

// JobValue is what became of a job.
type JobValue struct {
	ID         string `json:"id,omitempty" expr:"id"`
	Name       string `json:"name,omitempty" expr:"name"`
	State      string `json:"state,omitempty" expr:"state"` // the scheduler's word
	ExitStatus *int   `json:"exitStatus,omitempty" expr:"exitStatus"`
}
