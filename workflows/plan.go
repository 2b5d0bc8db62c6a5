package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
)

// PlanCommandResult is what a run with an input would do, as the cluster is now.
type PlanCommandResult struct {
	Input RolloutInput `json:"input"`

	// Cluster counts the nodes that there are; nil where the target names single nodes,
	// which are not looked up, by a run neither.
	Cluster *activities.ClusterNodes `json:"cluster,omitempty"`

	// Nodes that the command would be submitted to, those that would be skipped because
	// they cannot run a command, and those that are not meant.
	Nodes   activities.Nodes `json:"nodes"`
	Skipped activities.Nodes `json:"skipped,omitempty"`
	LeftOut activities.Nodes `json:"leftOut,omitempty"`

	// Waves of a rollout; none of a plain run.
	Waves []PlannedWave `json:"waves,omitempty"`

	// Commands are the parts in which it would be submitted, those of a rollout when it
	// submits as few as it can.
	Commands []PlannedCommand `json:"commands"`
	Calls    PlannedCalls     `json:"calls"`

	// Text that a node would be given. It has TextLength characters, of which the API
	// takes MaxCommandLength. PlannedToken stands in it for the token that each part has.
	Text       string `json:"text"`
	TextLength int    `json:"textLength"`

	// Refused says why the run would start nothing; nil when it would.
	Refused *Refusal `json:"refused,omitempty"`
}

// PlannedCommand is a part: the place of its first node, from 0, and how many.
type PlannedCommand struct {
	From  int `json:"from"`
	Nodes int `json:"nodes"`
}

// PlannedCalls are the requests to the API that a run makes when none fails.
type PlannedCalls struct {
	ListNodes             int   `json:"listNodes"`
	ListNodesByQueue      int   `json:"listNodesByQueue,omitempty"`
	InvokeShellCommand    int   `json:"invokeShellCommand"`
	MostSubmits           int   `json:"invokeShellCommandMost,omitempty"` // where a rollout may need more than that; 0 where not
	ListInvocationStatus  Looks `json:"listInvocationStatus"`
	ListInvocationResults int   `json:"listInvocationResults"`
}

// Looks are requests for the status, about: one a command and look.
type Looks struct {
	Least int `json:"least"` // every command ends within a second
	Most  int `json:"most"`  // none is seen to end up to the run's last moment

	// ExpectedLeast and ExpectedMost are for commands that take as long as was said;
	// 0 when nothing was.
	ExpectedLeast int `json:"expectedLeast,omitempty"`
	ExpectedMost  int `json:"expectedMost,omitempty"`
}

// Refusal is why a run would start nothing, under the code of its error.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// PlannedToken stands in a planned text where a token will.
const PlannedToken = "xxxxxxxxxxxxx"

// The largest pages of the API's listings; a test keeps the figures equal.
const (
	nodesPage      = 100
	queueNodesPage = 50
	resultsPage    = 50
)

// PlanCommand says what Rollout would do with an input, or RunCommand when that is a
// plain one, and starts nothing. The nodes are found by the same code. It fails, under the API's code, when they could not
// be listed within a minute, and as ErrInvalidInput when the input is refused.
func PlanCommand(ctx workflow.Context, in RolloutInput) (*PlanCommandResult, error) {
	if problems := in.problems(); len(problems) > 0 {
		return nil, temporal.NewNonRetryableApplicationError((&InputError{problems}).Error(), ErrInvalidInput, nil)
	}
	to, err := resolve(ctx, patiencePlan, in.ClusterID, in.Target, true)
	if err != nil {
		return nil, planFailure(err)
	}
	plan := in.plan(to)
	workflow.SetCurrentDetails(ctx, plan.details())
	return plan, nil
}

// planFailure passes the code and the sentence of the API's error on.
func planFailure(err error) error {
	var application *temporal.ApplicationError
	if !errors.As(err, &application) || temporal.IsCanceledError(err) {
		return err
	}
	return temporal.NewNonRetryableApplicationError(application.Message(), application.Type(), err)
}

func (in RolloutInput) plan(to resolution) *PlanCommandResult {
	plan := &PlanCommandResult{
		Input: in, Cluster: to.cluster, Nodes: to.nodes, Skipped: to.skipped, LeftOut: to.leftOut,
		Text: in.Command, Commands: []PlannedCommand{}, Refused: to.refusal,
	}
	if !in.Raw {
		plan.Text = guard.Wrap(PlannedToken, in.Command)
	}
	plan.TextLength = len([]rune(plan.Text))
	if to.cluster != nil {
		plan.Calls.ListNodes = max(1, pages(to.cluster.Nodes, nodesPage))
		for _, queue := range to.cluster.Queues {
			plan.Calls.ListNodesByQueue += max(1, pages(queue.Nodes, queueNodesPage))
		}
	}
	if plan.Refused == nil {
		plan.Refused = in.refuseOn(len(to.nodes))
	}
	if plan.Refused == nil {
		in.submits(plan)
	}
	return plan
}

func pages(items, size int) int { return (items + size - 1) / size }

// looks are those at one command, with the pace of a worker.
func (in RunCommandInput) looks() Looks {
	submitted := time.Unix(0, 0) // any moment does
	pace := activities.DefaultPace()
	milestones := activities.Milestones{SubmittedAt: submitted, KilledAt: submitted.Add(in.timeout())}
	if in.ExpectedSeconds > 0 {
		milestones.ExpectedAt = submitted.Add(seconds(in.ExpectedSeconds))
	}
	last := in.timeout() + deadlineSlack
	if in.DeadlineSeconds > 0 {
		last = min(last, seconds(in.DeadlineSeconds))
	}
	looks := Looks{Least: 1}
	_, looks.Most = pace.Looks(milestones, submitted.Add(last))
	if in.ExpectedSeconds > 0 {
		looks.ExpectedLeast, looks.ExpectedMost = pace.Looks(milestones, submitted.Add(min(last, seconds(in.ExpectedSeconds))))
	}
	return looks
}

// times are the looks at so many commands, from the fewest to the most.
func (l Looks) times(fewest, most int) Looks {
	return Looks{l.Least * fewest, l.Most * most, l.ExpectedLeast * fewest, l.ExpectedMost * most}
}

// Headline says in a line what the plan comes to.
func (p *PlanCommandResult) Headline() string {
	if p.Refused != nil {
		return "the run would be refused: " + p.Refused.Message
	}
	text := fmt.Sprintf("would run on %s of %s", Nodes(len(p.Nodes)), p.Input.ClusterID)
	if len(p.Waves) > 1 {
		text += fmt.Sprintf(" in %d waves", len(p.Waves))
	}
	if len(p.Skipped) > 0 {
		text += fmt.Sprintf(", and skip %d", len(p.Skipped))
	}
	return text
}

// ClusterText counts the cluster's nodes in words; "" where they were not looked up.
func (p *PlanCommandResult) ClusterText() string {
	if p.Cluster == nil {
		return ""
	}
	return clusterText(*p.Cluster)
}

// details is what the Web UI shows of the plan, in Markdown.
func (p *PlanCommandResult) details() string {
	text := "**plan** · " + p.Headline() + "\n\n"
	if p.Cluster != nil {
		text += fmt.Sprintf("Cluster `%s`: %s\n\n", p.Input.ClusterID, p.ClusterText())
	}
	return text + fmt.Sprintf("Target: %s\n\n    %s\n", p.Input.Target, strings.ReplaceAll(p.Input.Command, "\n", "\n    "))
}
