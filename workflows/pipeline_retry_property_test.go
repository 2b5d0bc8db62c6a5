package workflows_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
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

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// enoughAttempts for everything to occur that attemptsHave lists.
const enoughAttempts = 300

var attemptsHave = []string{
	"a third attempt", "another attempt", "another attempt within another", "cancelled", "continued", "continued between two attempts", "cut off by a timeout", "given up in doubt", "succeeded at last",
}

// Each case is a pipeline of pipelines that are tried again, down to three deep, and each
// job comes off or not by the dice of its run.
func TestAttemptsAtPipelinesKeepTheirPromises(t *testing.T) {
	t.Parallel()
	if *oneSeed > 0 {
		c := runAttempts(*oneSeed)
		t.Log(strings.Join(c.began, "\n"))
		require.Empty(t, c.broken)
		return
	}
	holdByTheDice(t, min(*howMany, enoughAttempts), enoughAttempts, attemptsHave, func(seed uint64) (map[string]int, []string) {
		c := runAttempts(seed)
		return c.seen, c.broken
	})
}

// attemptsCase is a pipeline of pipelines, and what its jobs came to.
type attemptsCase struct {
	mu        sync.Mutex
	seed      uint64
	began     []string
	succeeded map[string]bool // by the run's name without the numbers of attempts
	unsure    map[string]bool // likewise
	broken    []string
	seen      map[string]int
}

var attempt = regexp.MustCompile(`\.[0-9]+`)

func (c *attemptsCase) require(is bool, format string, args ...any) {
	if !is {
		c.broken = append(c.broken, fmt.Sprintf(format, args...))
	}
}

// begins holds the start of a job against what is promised: what succeeded, or may be
// running still, is not run again, but for what is to run in each attempt, and what was
// rolled back.
func (c *attemptsCase) begins(id string) {
	place := attempt.ReplaceAllString(id, "")
	each := strings.Contains(id, "final") || strings.Contains(id, "undo")
	c.require(each || !c.succeeded[place], "%s was run again, and had succeeded", id)
	c.require(!c.unsure[place], "%s was run again, and may be running still", id)
	if undone, undoes := strings.CutSuffix(place, "undo"); undoes {
		maps.DeleteFunc(c.succeeded, func(done string, _ bool) bool { return strings.HasPrefix(done, undone+"/") })
	}
	c.require(!slices.Contains(c.began, id), "%s was begun twice", id)
	c.began = append(c.began, id)
	if strings.Contains(id, ".3") {
		c.seen["a third attempt"]++
	}
	switch strings.Count(id, ".") {
	case 0:
	case 1:
		c.seen["another attempt"]++
	default:
		c.seen["another attempt within another"]++
	}
}

// dealAttempts makes the steps of a pipeline, so deep.
func dealAttempts(dice *rand.Rand, depth int) []pipeline.Step {
	chance := func(percent int) bool { return dice.IntN(100) < percent }
	var steps []pipeline.Step
	for i := range 1 + dice.IntN(3) {
		s := jobStep(fmt.Sprint("s", i))
		if depth < 3 && (depth == 0 || chance(50)) {
			s = subPipeline(s.Name, 1+dice.IntN(3), dealAttempts(dice, depth+1)...)
			if chance(30) {
				s.Pipeline.Finally = []pipeline.Step{jobStep("final")}
			}
			if chance(20) {
				s.TimeoutSeconds = 60 + dice.IntN(600)
			}
		}
		if chance(25) {
			s.Foreach = &pipeline.Foreach{Items: numbered(1 + dice.IntN(3)), Concurrency: 1 + dice.IntN(2)}
		}
		if i > 0 && chance(50) {
			s.Needs = []string{fmt.Sprint("s", dice.IntN(i))}
		}
		if s.OnFailure.Do = []pipeline.FailureAction{pipeline.Stop, pipeline.Skip, pipeline.Continue}[dice.IntN(3)]; chance(15) {
			s.OnFailure.Run = []pipeline.Step{jobStep(s.Name + "undo")}
		}
		steps = append(steps, s)
	}
	return steps
}

func runAttempts(seed uint64) *attemptsCase {
	c := &attemptsCase{seed: seed, succeeded: make(map[string]bool), unsure: make(map[string]bool), seen: make(map[string]int)}
	dice := rand.New(rand.NewPCG(seed, 2))
	in := pipelineOf(dealAttempts(dice, 0)...)
	cancelAfter := time.Duration(0)
	if dice.IntN(4) == 0 {
		cancelAfter = time.Duration(dice.IntN(1500))*time.Second + time.Millisecond
	}
	for now := time.Unix(1_800_000_000, 0); ; {
		env := c.environment(now)
		if cancelAfter > 0 {
			env.RegisterDelayedCallback(env.CancelWorkflow, cancelAfter)
		}
		if dice.IntN(2) == 0 {
			env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, time.Duration(dice.IntN(900))*time.Second+time.Millisecond)
		}
		env.ExecuteWorkflow(workflows.RunPipeline, in.PipelineInput)
		now, cancelAfter = env.Now(), 0
		var next *workflow.ContinueAsNewError
		if !errors.As(env.GetWorkflowError(), &next) {
			c.end(env)
			return c
		}
		c.seen["continued"]++
		in = pipelineOf()
		if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in.PipelineInput); err != nil {
			c.require(false, "the input of the next run: %v", err)
			return c
		}
		for _, step := range in.Resumed.Steps {
			if step.State == workflows.StepRunning {
				c.seen["continued between two attempts"]++
				c.require(!step.NextAt.IsZero(), "it goes on as a new run, and %s runs", step.Name)
			}
		}
	}
}

func (c *attemptsCase) environment(now time.Time) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(now)
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	env.RegisterWorkflow(workflows.RunPipeline)
	env.RegisterWorkflow(workflows.RunItems)
	env.RegisterWorkflowWithOptions(c.job, workflow.RegisterOptions{Name: "RunJob"})
	return env
}

// end holds what became of the pipeline against what is promised.
func (c *attemptsCase) end(env *testsuite.TestWorkflowEnvironment) {
	var result workflows.PipelineResult
	err := env.GetWorkflowError()
	var canceled *temporal.CanceledError
	switch {
	case errors.As(err, &canceled):
		c.seen["cancelled"]++
		err = canceled.Details(&result)
	case err == nil:
		err = env.GetWorkflowResult(&result)
	}
	c.require(err == nil, "it ended with %v", err)
	for _, step := range result.Steps {
		c.judge(step)
	}
}

func (c *attemptsCase) judge(step workflows.StepResult) {
	if step.State == workflows.StepSucceeded && step.Attempts > 1 {
		c.seen["succeeded at last"]++
	}
	if strings.Contains(step.Reason, "it took longer than") {
		c.seen["cut off by a timeout"]++
	}
	if step.MayRun {
		c.seen["given up in doubt"]++
	}
	c.require(step.Ended(), "%s is %s at the end", step.Name, step.State)
}

// job is what a job comes to. Of one in fifty how it ended is not seen.
//
//workflowcheck:ignore
func (c *attemptsCase) job(ctx workflow.Context, _ workflows.JobInput) (*workflows.JobResult, error) {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	place := attempt.ReplaceAllString(id, "")
	sum := fnv.New64()
	_, _ = sum.Write([]byte(id))
	dice := rand.New(rand.NewPCG(c.seed, sum.Sum64()))
	c.mu.Lock()
	c.begins(id)
	c.mu.Unlock()
	err := workflow.Sleep(ctx, time.Duration(1+dice.IntN(300))*time.Second)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch fate := dice.IntN(100); {
	case err != nil:
		return nil, temporal.NewCanceledError(workflows.JobResult{State: workflows.JobStopped, Reason: "cancelled; the job was stopped"})
	case fate < 2:
		c.unsure[place] = true
		return &workflows.JobResult{State: workflows.JobUnknown, Verdict: workflows.Failed}, nil
	case fate < 40:
		return &workflows.JobResult{State: workflows.JobFinished, Verdict: workflows.Failed}, nil
	}
	c.succeeded[place] = true
	return &workflows.JobResult{State: workflows.JobFinished, Verdict: workflows.Succeeded}, nil
}
