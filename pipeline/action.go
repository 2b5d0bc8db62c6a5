package pipeline

import (
	"encoding/json"
	"fmt"
	"time"
)

// Action is what a step does, with its expressions evaluated. One of its fields is set.
// The words of a file under a step's kind are the JSON names of its fields.
type Action struct {
	Command  *Command  `json:"command,omitempty"`
	Job      *Job      `json:"job,omitempty"`
	Approval *Approval `json:"approval,omitempty"`
	Wait     *Wait     `json:"wait,omitempty"`
	Sub      *Sub      `json:"pipeline,omitempty"`
}

// Command runs a command on nodes: everything that starter run can.
type Command struct {
	// Cluster is a short name of the pipeline's, or an id; Clusters are several. Neither
	// is needed where the pipeline names a single cluster.
	Cluster  string   `json:"cluster,omitempty"`
	Clusters []string `json:"clusters,omitempty"`

	ClustersAtOnce   int    `json:"clustersAtOnce,omitempty"`
	OnClusterFailure string `json:"onClusterFailure,omitempty"` // continue or hold

	// Run is shell text, run as root. A value that an expression puts into it is quoted
	// as one word.
	Run string `json:"run"`

	All       bool     `json:"all,omitempty"`
	Nodes     []string `json:"nodes,omitempty"` // instance ids
	Roles     []string `json:"roles,omitempty"`
	Queues    []string `json:"queues,omitempty"`
	Hosts     []string `json:"hosts,omitempty"` // patterns
	Statuses  []string `json:"statuses,omitempty"`
	Exclude   []string `json:"exclude,omitempty"`
	SkipUnfit bool     `json:"skipUnfit,omitempty"`

	WorkingDir      string   `json:"workingDir,omitempty"`
	Timeout         Duration `json:"timeout,omitempty"` // after which the service kills it on a node; 0 is 60 s
	Expect          Duration `json:"expect,omitempty"`
	Deadline        Duration `json:"deadline,omitempty"`
	Raw             bool     `json:"raw,omitempty"`
	Grace           Duration `json:"grace,omitempty"`
	StopWithin      Duration `json:"stopWithin,omitempty"`
	NodesPerCommand int      `json:"nodesPerCommand,omitempty"`

	// Rollout is the policy of a rollout: each word is a flag of starter run, with its
	// value as there.
	Rollout map[string]string `json:"rollout,omitempty"`
}

// Job gives a job to a cluster's scheduler. What is left out is left to the scheduler.
type Job struct {
	Cluster string `json:"cluster,omitempty"`
	Run     string `json:"run"`  // the command line; values are quoted as in Command.Run
	User    string `json:"user"` // of the cluster

	// Password of the user, where the cluster asks for one.
	Password *Secret `json:"password,omitempty"`

	Name      string            `json:"name,omitempty"` // that the scheduler shows, with something unique behind
	Queue     string            `json:"queue,omitempty"`
	Priority  int               `json:"priority,omitempty"` // 0 to 9
	Nodes     int               `json:"nodes,omitempty"`
	Tasks     int               `json:"tasks,omitempty"`   // of each node
	Threads   int               `json:"threads,omitempty"` // of each task
	GPUs      int               `json:"gpus,omitempty"`    // of each node
	Memory    string            `json:"memory,omitempty"`  // of each node, such as 4GB
	WallClock Duration          `json:"wallClock,omitempty"`
	Array     string            `json:"array,omitempty"` // X-Y or X-Y:Z
	Directory string            `json:"directory,omitempty"`
	Stdout    string            `json:"stdout,omitempty"`
	Stderr    string            `json:"stderr,omitempty"`
	Variables map[string]string `json:"variables,omitempty"`

	// Success says what a job that has ended well is. "" is ByExitStatus.
	Success JobSuccess `json:"success,omitempty"`
}

// JobSuccess is by what a job is judged.
type JobSuccess string

// By what it may be.
const (
	ByExitStatus JobSuccess = "exitStatus" // an exit status of 0 that was read; a job without one has not been seen to succeed
	ByEnd        JobSuccess = "finished"   // that the scheduler says FINISHED, whatever the exit status, unless one was read that is not 0
)

// Secret names a secret that the worker holds. Its value is never in a file, a history
// or a log.
type Secret struct {
	Name string `json:"secret"`
}

// Approval waits for people.
type Approval struct {
	Message   string        `json:"message,omitempty"`
	Approvers []string      `json:"approvers,omitempty"` // who may; none is anybody
	Needed    int           `json:"needed,omitempty"`    // as many of them; 0 is 1
	Within    Duration      `json:"within,omitempty"`    // 0 is for as long as it takes
	OnTimeout TimeoutAction `json:"onTimeout,omitempty"` // "" is RejectLate
}

// TimeoutAction is what becomes of an approval that nobody gave in time.
type TimeoutAction string

// What may become of it.
const (
	RejectLate  TimeoutAction = "reject"
	ApproveLate TimeoutAction = "approve"
)

// Wait waits for a length of time, or until a time; one of both.
type Wait struct {
	For   Duration  `json:"for,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Sub runs a pipeline of another file.
type Sub struct {
	File   string         `json:"file"` // relative to the file that says it
	Inputs map[string]any `json:"inputs,omitempty"`
}

// Duration is a length of time that a file has as a text, such as 90s, 15m or 2h30m.
type Duration time.Duration

// Seconds is the duration in whole seconds, rounded up.
func (d Duration) Seconds() int { return int((time.Duration(d) + time.Second - 1) / time.Second) }

// MarshalJSON writes it as a text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads a text.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var written string
	if err := json.Unmarshal(text, &written); err != nil {
		return fmt.Errorf("%s is no length of time: write it as 90s, 15m or 2h30m", text)
	}
	parsed, err := time.ParseDuration(written)
	if err != nil || parsed < 0 {
		return fmt.Errorf("%q is no length of time: write it as 90s, 15m or 2h30m", written)
	}
	*d = Duration(parsed)
	return nil
}
