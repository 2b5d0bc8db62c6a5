package workflows_test

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// enoughPipelines for everything to occur that pipelinesHave lists.
const enoughPipelines = 400

var pipelinesHave = []string{
	"cancelled", "cancelled before it began", "concurrency reached", "continued", "done before", "need unfit", "onFailure not needed", "passed", "rerun", "stopped",
	"state canceled", "state failed", "state skipped", "state succeeded",
	"verdict cancelled", "verdict failed", "verdict partial", "verdict succeeded",
}

// Each case is a pipeline and what becomes of its commands and jobs, by the dice of its
// number, run to its end and then once more from where it failed.
func TestPipelinesKeepTheirPromises(t *testing.T) {
	t.Parallel()
	if *oneSeed > 0 {
		c := newPipelineCase(*oneSeed)
		c.run()
		t.Logf("%+v\n%v", c.Pipeline, c.fates)
		require.Empty(t, c.broken)
		return
	}
	holdByTheDice(t, min(*howMany, enoughPipelines), enoughPipelines, pipelinesHave, func(seed uint64) (map[string]int, []string) {
		c := newPipelineCase(seed)
		c.run()
		return c.seen, c.broken
	})
}

// pipelineCase is a pipeline from its start to its end, in as many runs as it takes.
type pipelineCase struct {
	*pipelineClaims
	mu  sync.Mutex
	now time.Time
	env *testsuite.TestWorkflowEnvironment
}

func newPipelineCase(seed uint64) *pipelineCase {
	return &pipelineCase{now: time.Unix(1_800_000_000, 0).UTC(), pipelineClaims: &pipelineClaims{
		dealt: dealPipeline(rand.New(rand.NewPCG(seed, 1))), spans: make(map[string]*span), seen: make(map[string]int),
	}}
}

func (c *pipelineCase) run() {
	result, ok := c.toItsEnd(workflows.PipelineInput{Pipeline: c.Pipeline})
	if !ok || result.Verdict == workflows.Succeeded {
		return
	}
	c.outcome(result)
	// Once more, and this time nothing fails.
	c.seen["rerun"]++
	c.done = make(map[string]workflows.StepResult)
	for _, step := range result.Steps {
		if step.OnFailureOf == "" { // those run again when their step fails again
			c.done[step.Name] = step
		}
	}
	for run, fate := range c.fates {
		fate.fails = false
		c.fates[run] = fate
	}
	done := make(map[string]workflows.StepResult)
	for _, step := range result.Steps {
		done[step.Name] = step
	}
	c.spans, c.canceledAt, c.cancelAfter = make(map[string]*span), time.Time{}, 0
	again, ok := c.toItsEnd(workflows.PipelineInput{
		Pipeline: c.Pipeline, Done: done, Lineage: &workflows.Lineage{Run: "first", First: "first", Sets: []string{"failed"}},
	})
	if ok {
		c.outcome(again)
	}
}

// toItsEnd goes through the runs of a pipeline, each in an environment of its own.
func (c *pipelineCase) toItsEnd(in workflows.PipelineInput) (result workflows.PipelineResult, ok bool) {
	for run := 0; ; run++ {
		c.begin(run)
		c.env.ExecuteWorkflow(workflows.RunPipeline, in)
		c.now = c.env.Now().UTC()
		err := c.env.GetWorkflowError()
		var next *workflow.ContinueAsNewError
		var canceled *temporal.CanceledError
		switch {
		case errors.As(err, &next):
			c.seen["continued"]++
			in = workflows.PipelineInput{}
			if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in); err != nil {
				c.require(false, "the input of the next run: %v", err)
				return result, false
			}
			for id, s := range c.spans {
				c.require(!s.end.IsZero(), "it goes on as a new run, and %s runs", id)
			}
			continue
		case errors.As(err, &canceled):
			c.seen["cancelled"]++
			err = canceled.Details(&result)
		case err == nil:
			c.canceledAt = time.Time{} // it came when all steps had ended
			err = c.env.GetWorkflowResult(&result)
		}
		if err != nil {
			c.require(false, "it ended with %v", err)
			return result, false
		}
		return result, true
	}
}

func (c *pipelineCase) begin(run int) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	c.env = suite.NewTestWorkflowEnvironment()
	c.env.SetStartTime(c.now)
	c.env.SetTestTimeout(time.Minute)
	c.env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	c.env.RegisterWorkflow(workflows.RunPipeline)
	c.env.RegisterWorkflow(workflows.RunItems)
	c.env.RegisterWorkflowWithOptions(func(ctx workflow.Context, in workflows.RunCommandInput) (*workflows.RunCommandResult, error) {
		succeeded, err := c.play(ctx, in.Command)
		switch {
		case err != nil:
			return nil, temporal.NewCanceledError(nodesIn(map[workflows.NodeState]int{activities.Stopped: 1}, workflows.Canceled, "cancelled; 1 stopped"))
		case !succeeded:
			return &workflows.RunCommandResult{Verdict: workflows.Failed}, nil
		}
		return &workflows.RunCommandResult{Verdict: workflows.Succeeded}, nil
	}, workflow.RegisterOptions{Name: "RunCommand"})
	c.env.RegisterWorkflowWithOptions(func(ctx workflow.Context, in workflows.JobInput) (*workflows.JobResult, error) {
		succeeded, err := c.play(ctx, in.Job.Run)
		switch {
		case err != nil:
			return nil, temporal.NewCanceledError(workflows.JobResult{State: workflows.JobStopped, Reason: "cancelled; the job was stopped"})
		case !succeeded:
			return &workflows.JobResult{State: workflows.JobFinished, Verdict: workflows.Failed}, nil
		}
		return &workflows.JobResult{State: workflows.JobFinished, Verdict: workflows.Succeeded}, nil
	}, workflow.RegisterOptions{Name: "RunJob"})
	if run < len(c.goOnAfter) {
		c.env.RegisterDelayedCallback(func() { c.env.SetContinueAsNewSuggested(true) }, c.goOnAfter[run])
	}
	if c.cancelAfter > 0 && run == 0 {
		c.env.RegisterDelayedCallback(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.canceledAt = c.env.Now().UTC()
			c.env.CancelWorkflow()
		}, c.cancelAfter)
	}
}

// play is what a command or a job comes to. Stopping it takes ten seconds.
//
//workflowcheck:ignore
func (c *pipelineCase) play(ctx workflow.Context, run string) (succeeded bool, err error) {
	id := strings.TrimPrefix(workflow.GetInfo(ctx).WorkflowExecution.ID, pipelineRun+"/")
	fate := c.fates[run]
	c.mu.Lock()
	c.begins(id, workflow.Now(ctx).UTC())
	c.mu.Unlock()
	err = workflow.Sleep(ctx, fate.takes)
	if err != nil {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		_ = workflow.Sleep(ctx, 10*time.Second)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ends(id, err == nil && !fate.fails, workflow.Now(ctx).UTC())
	return err == nil && !fate.fails, err
}
