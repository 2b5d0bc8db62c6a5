package console

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// Change is a line of starter watch --json: how a run stands when something has changed.
type Change struct {
	At        time.Time                   `json:"at"`
	RunID     string                      `json:"run"`
	State     runs.State                  `json:"state"`
	Phase     workflows.Phase             `json:"phase,omitempty"`
	NodeCount int                         `json:"nodeCount"`
	States    map[workflows.NodeState]int `json:"states,omitempty"`

	// ElapsedSeconds since the run began, and ExpectedSeconds that its command should take;
	// 0 is not known.
	ElapsedSeconds  int `json:"elapsedSeconds"`
	ExpectedSeconds int `json:"expectedSeconds,omitempty"`

	// Wave of a rollout that is under way, from 1, of so many Waves.
	Wave  int `json:"wave,omitempty"`
	Waves int `json:"waves,omitempty"`

	// Trouble is what a run that goes on waits for.
	Trouble string `json:"trouble,omitempty"`

	// Verdict, Reason and Error are those of a run that has ended.
	Verdict workflows.Verdict `json:"verdict,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	Error   *runs.Failure     `json:"error,omitempty"`

	// Nodes that changed. While a run of more than 1,000 nodes goes on, only those among
	// the first 1,000.
	Nodes []NodeChange `json:"nodes,omitempty"`

	// Clusters that changed, of a run on several.
	Clusters []workflows.ClusterResult `json:"clusters,omitempty"`

	// Steps that changed, of a run of a pipeline.
	Steps []workflows.StepResult `json:"steps,omitempty"`

	// Job of a run of a job, when it changed.
	Job *workflows.JobResult `json:"job,omitempty"`
}

// NodeChange is how a node stands that has changed.
type NodeChange struct {
	InstanceID string              `json:"instanceId"`
	HostName   string              `json:"hostName,omitempty"`
	State      workflows.NodeState `json:"state"`
	ExitCode   *int                `json:"exitCode"`
	Wave       int                 `json:"wave,omitempty"`
	Attempt    int                 `json:"attempt,omitempty"` // from 2
	Remark     string              `json:"remark,omitempty"`
}

// Changes writes a line of JSON for each change of a run.
type Changes struct {
	out      io.Writer
	expected time.Duration
	last     []byte // of the run itself, without its times
	known    map[string]string
	err      error
}

// NewChanges writes to out. Expected is how long the command should take; 0 is not known.
func NewChanges(out io.Writer, expected time.Duration) *Changes {
	return &Changes{out: out, expected: expected, known: make(map[string]string)}
}

// Err is why a line could not be written.
func (c *Changes) Err() error { return c.err }

// Show writes what changed in a run since the report before.
func (c *Changes) Show(report runs.Report) {
	change := Change{
		RunID: report.RunID, State: report.State, Phase: report.Phase, NodeCount: report.NodeCount, States: report.Counts(),
		ExpectedSeconds: int(c.expected.Seconds()), Trouble: report.Trouble, Verdict: report.Verdict, Reason: report.Reason, Error: report.Error,
	}
	if rollout := report.Rollout; rollout != nil && len(rollout.Waves) > 0 {
		change.Wave, change.Waves = currentWave(rollout), len(rollout.Waves)
	}
	for _, node := range report.Nodes {
		now := NodeChange{
			InstanceID: node.InstanceID, HostName: node.HostName, State: node.State, ExitCode: node.ExitCode, Wave: node.Wave, Remark: node.Remark(),
		}
		if n := tries(node); n > 1 {
			now.Attempt = n
		}
		if c.isNew(node.InstanceID, now) {
			change.Nodes = append(change.Nodes, now)
		}
	}
	c.write(change, report.StartedAt, report.EndedAt)
}

// ShowClusters writes what changed in a run on several clusters.
func (c *Changes) ShowClusters(report runs.ClustersReport) {
	change := Change{
		RunID: report.RunID, State: report.State, Phase: report.Phase, Trouble: report.Trouble,
		Verdict: report.Verdict, Reason: report.Reason, Error: report.Error, States: make(map[workflows.NodeState]int),
		ExpectedSeconds: int(c.expected.Seconds()),
	}
	for _, cluster := range report.Clusters {
		change.NodeCount += cluster.NodeCount
		for state, n := range cluster.States {
			change.States[state] += n
		}
		if c.isNew(cluster.ClusterID, cluster) {
			change.Clusters = append(change.Clusters, cluster)
		}
	}
	c.write(change, report.StartedAt, report.EndedAt)
}

// ShowPipeline writes what changed in a run of a pipeline.
func (c *Changes) ShowPipeline(report runs.PipelineReport) {
	change := Change{
		RunID: report.RunID, State: report.State, Phase: report.Phase, Trouble: report.Trouble,
		Verdict: report.Verdict, Reason: report.Reason, Error: report.Error,
	}
	for _, step := range report.All() {
		step.Value = nil
		if c.isNew(step.Name, step) {
			change.Steps = append(change.Steps, step)
		}
	}
	c.write(change, report.StartedAt, report.EndedAt)
}

// ShowJob writes what changed in a run of a job.
func (c *Changes) ShowJob(report runs.JobReport) {
	change := Change{
		RunID: report.RunID, State: report.State, Phase: report.Phase, Trouble: report.Trouble,
		Verdict: report.Job.Verdict, Reason: report.Job.Reason, Error: report.Error,
	}
	if c.isNew("", report.Job) {
		change.Job = &report.Job
	}
	c.write(change, report.Job.SubmittedAt, report.Job.EndedAt)
}

// ShowApproval writes what changed in a run of an approval.
func (c *Changes) ShowApproval(report runs.ApprovalReport) {
	c.write(Change{
		RunID: report.RunID, State: report.State, Phase: report.Phase, Trouble: report.Trouble,
		Verdict: report.Verdict, Reason: report.Reason, Error: report.Error,
	}, report.StartedAt, report.EndedAt)
}

// ShowWait writes what changed in a run of a wait.
func (c *Changes) ShowWait(report runs.WaitReport) {
	c.write(Change{
		RunID: report.RunID, State: report.State, Trouble: report.Trouble, Verdict: report.Verdict, Error: report.Error,
	}, report.StartedAt, report.EndedAt)
}

func (c *Changes) isNew(key string, value any) bool {
	text, err := json.Marshal(value)
	if err != nil || c.known[key] == string(text) {
		return false
	}
	c.known[key] = string(text)
	return true
}

func (c *Changes) write(change Change, began, ended time.Time) {
	run := change
	run.Nodes, run.Clusters, run.Steps, run.Job = nil, nil, nil, nil
	of, err := json.Marshal(run)
	if err != nil || bytes.Equal(of, c.last) && len(change.Nodes)+len(change.Clusters)+len(change.Steps) == 0 && change.Job == nil {
		return
	}
	c.last = of
	change.At = time.Now().UTC().Truncate(time.Millisecond)
	if ended.IsZero() {
		ended = change.At
	}
	if !began.IsZero() {
		change.ElapsedSeconds = int(ended.Sub(began).Seconds())
	}
	encoder := json.NewEncoder(c.out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(change); err != nil && c.err == nil {
		c.err = err
	}
}
