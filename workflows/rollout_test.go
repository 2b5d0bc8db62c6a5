package workflows_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// trial is a rollout on a fleet on which a command ends as the test says.
type trial struct {
	*testsuite.TestWorkflowEnvironment
	*fleetAPI
	t       *testing.T
	in      workflows.RolloutInput
	started time.Time
	submits []string // when, and to which nodes
}

func newTrial(t *testing.T, nodes int, p policy.Policy, deal fates) *trial {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	r := &trial{
		TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, started: time.Unix(1_800_000_000, 0).UTC(),
		fleetAPI: newFleetAPI(newFleet(rand.New(rand.NewPCG(1, 1)), nodes, deal)),
	}
	r.in = workflows.RolloutInput{Policy: p, RunCommandInput: onNodes(r.ids...)}
	r.in.TimeoutSeconds = 3600
	r.onSubmit = func(in activities.InvokeShellCommandInput, _ time.Time) {
		if in.Stop == nil {
			r.submits = append(r.submits, strings.Join(in.InstanceIDs, " "))
		}
	}
	r.SetStartTime(r.started)
	r.SetTestTimeout(time.Minute)
	r.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{r.fleetAPI}, DeadlockDetectionTimeout: time.Minute})
	return r
}

func (r *trial) status() workflows.RunCommandStatus {
	r.t.Helper()
	answer, err := r.QueryWorkflow(workflows.StatusQuery)
	require.NoError(r.t, err)
	var status workflows.RunCommandStatus
	require.NoError(r.t, answer.Get(&status))
	return status
}

func (r *trial) after(d time.Duration, do func()) { r.RegisterDelayedCallback(do, d) }

// order gives an order some time after the start. It has to be taken, or refused with a
// text.
func (r *trial) order(after time.Duration, name string, order workflows.Order, refusedFor string) {
	r.t.Helper()
	heard := "nothing"
	r.after(after, func() {
		r.UpdateWorkflow(name, fmt.Sprintf("%s-%v-%s", name, after, refusedFor), callbacks{
			accept: func() { heard = "" }, reject: func(err error) { heard = err.Error() },
		}, order)
	})
	r.t.Cleanup(func() {
		if refusedFor == "" {
			require.Empty(r.t, heard, "%s after %v", name, after)
		}
		require.Contains(r.t, heard, refusedFor, "%s after %v", name, after)
	})
}

func by(person string) workflows.Order { return workflows.Order{By: person, Why: "CHG-1"} }

func on(ids ...string) workflows.Order {
	order := by("ann")
	order.Nodes = ids
	return order
}

func setting(s workflows.Settings) workflows.Order {
	order := by("ann")
	order.Set = &s
	return order
}

func (r *trial) run() workflows.RunCommandResult {
	r.t.Helper()
	r.ExecuteWorkflow(workflows.Rollout, r.in)
	require.NoError(r.t, r.GetWorkflowError())
	var result workflows.RunCommandResult
	require.NoError(r.t, r.GetWorkflowResult(&result))
	return result
}

// took is how long a rollout took, to the minute.
func took(result workflows.RunCommandResult) time.Duration {
	return result.EndedAt.Sub(result.StartedAt).Truncate(time.Minute)
}

func statesOf(result workflows.RunCommandResult) (states []workflows.NodeState) {
	for _, node := range result.Nodes {
		states = append(states, node.State)
	}
	return states
}

// each lets the command take so long on each node, and fail on some.
func each(takes time.Duration, failing ...string) fates {
	return func(node string, _ int) fate {
		f := fate{ending: exits, takes: takes}
		if slices.Contains(failing, node) {
			f.code = 1
		}
		return f
	}
}

func numbers(sizes ...int) (all []policy.Size) {
	for _, n := range sizes {
		all = append(all, policy.Number(n))
	}
	return all
}

func number(n int) *policy.Size {
	size := policy.Number(n)
	return &size
}

func share(t *testing.T, text string) *policy.Size {
	t.Helper()
	size, err := policy.ParseSize(text)
	require.NoError(t, err)
	return &size
}

func TestARolloutTriesOneNodeBeforeTheRest(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 5, policy.Policy{Waves: []policy.Size{policy.Number(1), *share(t, "100%")}}, each(10*time.Minute))
	result := r.run()
	require.Equal(t, []string{"i-00", "i-01 i-02 i-03 i-04"}, r.submits)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Len(t, result.Rollout.Waves, 2)
	require.False(t, result.Rollout.Waves[1].StartedAt.Before(result.Rollout.Waves[0].EndedAt))
	require.Equal(t, map[workflows.NodeState]int{activities.Succeeded: 4}, result.Rollout.Waves[1].States)
}

func TestABreachStartsNothingMoreAndDoesAsToldWithWhatRuns(t *testing.T) {
	t.Parallel()
	for inFlight, running := range map[policy.InFlight]workflows.NodeState{policy.Drain: activities.Succeeded, policy.Stop: activities.Stopped} {
		t.Run(string(inFlight), func(t *testing.T) {
			t.Parallel()
			p := policy.Policy{Waves: numbers(2), Budget: policy.Budget{Whole: number(0), OnBreach: inFlight}}
			r := newTrial(t, 5, p, func(node string, _ int) fate {
				if node == "i-00" {
					return fate{ending: exits, code: 1, takes: time.Minute}
				}
				return fate{ending: exits, takes: 20 * time.Minute}
			})
			result := r.run()
			require.Equal(t, []string{"i-00 i-01"}, r.submits)
			require.Equal(t, []workflows.NodeState{activities.Nonzero, running, activities.Skipped, activities.Skipped, activities.Skipped}, statesOf(result))
			require.Equal(t, workflows.Aborted, result.Verdict)
			require.Equal(t, policy.Halt{Cause: policy.Breached, Text: "1 of 5 nodes failed (nonzero 1), the budget allows 0", InFlight: inFlight}, *result.Rollout.Halt)
		})
	}
}

// reset makes the trial one of a rollout that was reset to before its submits.
func (r *trial) reset() { r.origin, r.runID = "run-0", "run-1" }

func TestAResetRolloutDoesNotSubmitTwice(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 2, policy.Policy{}, each(10*time.Minute))
	r.reset()
	before := r.deliver(activities.InvokeShellCommandInput{
		InstanceIDs: r.ids, Token: guard.NewToken("run-0", "i-00#1 i-01#1"), Timeout: r.in.TimeoutSeconds,
	}, r.started)
	result := r.run()
	require.Empty(t, r.submits)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Len(t, result.Commands, 1)
	require.Equal(t, before.id, result.Commands[0].CommandID)
	require.True(t, result.Commands[0].Adopted)
}

// Nor does it forget the reset when it goes on as a new run.
func TestAResetRolloutAsksInANewRunToo(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 2, policy.Policy{Waves: numbers(1)}, each(20*time.Minute))
	r.reset()
	r.deliver(activities.InvokeShellCommandInput{
		InstanceIDs: r.ids[:1], Token: guard.NewToken("run-0", "i-00#1"), Timeout: r.in.TimeoutSeconds,
	}, r.started)
	look := 10
	r.after(time.Minute, func() { r.SetContinueAsNewSuggested(true) })
	r.order(5*time.Minute, workflows.SetUpdate, setting(workflows.Settings{LookSeconds: &look}), "")
	r.ExecuteWorkflow(workflows.Rollout, r.in)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, r.GetWorkflowError(), &next)

	second := newTrial(t, 2, policy.Policy{}, nil)
	second.fleet, second.runID, second.origin = r.fleet, "run-2", "run-2"
	second.in = workflows.RolloutInput{}
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &second.in))
	second.SetStartTime(r.Now())
	second.after(time.Hour, func() {
		require.Empty(t, second.submits)
		second.UpdateWorkflow(workflows.AnswerUpdate, "abandon", callbacks{}, workflows.Answer{Choice: workflows.Abandon})
	})
	result := second.run()
	require.Empty(t, second.submits)
	require.Equal(t, []workflows.NodeState{activities.Succeeded, activities.Unknown}, statesOf(result))
}

// What was started together before the reset may have been other nodes, under another
// token, so that no listing proves that nothing runs.
func TestAResetRolloutAsksBeforeItSubmitsWhatItDoesNotFind(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 2, policy.Policy{}, each(10*time.Minute))
	r.reset()
	r.after(30*time.Minute, func() {
		require.Empty(t, r.submits)
		r.UpdateWorkflow(workflows.AnswerUpdate, "abandon", callbacks{}, workflows.Answer{Choice: workflows.Abandon})
	})
	result := r.run()
	require.Empty(t, r.submits)
	require.Equal(t, []workflows.NodeState{activities.Unknown, activities.Unknown}, statesOf(result))
	require.Equal(t, workflows.Aborted, result.Verdict)
}

func TestAStopThatPreventsAnotherAttemptLeavesWhatTheOneBeforeItLeft(t *testing.T) {
	t.Parallel()
	p := policy.Policy{Retry: policy.Retry{Attempts: 2, ExitCodes: []int{1}, BackoffSeconds: 60}}
	r := newTrial(t, 1, p, each(time.Minute, "i-00"))
	r.after(90*time.Second, func() { r.faults = faults{doubt: 1000, vain: true, hideCommands: 1000} })
	r.after(time.Hour, r.CancelWorkflow)
	r.ExecuteWorkflow(workflows.Rollout, r.in)
	var cancelled *temporal.CanceledError
	require.ErrorAs(t, r.GetWorkflowError(), &cancelled)
	var result workflows.RunCommandResult
	require.NoError(t, cancelled.Details(&result))
	require.Equal(t, []string{"i-00", "i-00"}, r.submits)
	require.Equal(t, []workflows.NodeState{activities.Nonzero}, statesOf(result), "not skipped: it has run")
	require.Empty(t, result.Nodes[0].Attempts)
}

func TestARolloutGoesOnAsANewRunInTheMiddleOfAWave(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 3, policy.Policy{Waves: numbers(2, 1)}, each(20*time.Minute))
	r.after(time.Minute, func() { r.SetContinueAsNewSuggested(true) })
	r.order(5*time.Minute, workflows.SetUpdate, setting(workflows.Settings{Concurrency: number(2)}), "")
	r.ExecuteWorkflow(workflows.Rollout, r.in)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, r.GetWorkflowError(), &next)
	var in workflows.RolloutInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.Empty(t, in.Target.Nodes, "they are in what it goes on from")
	require.Len(t, in.Resumed.Flights, 1)

	second := newTrial(t, 3, policy.Policy{}, nil)
	second.fleet, second.in, second.runID, second.origin = r.fleet, in, "run-2", "run-2"
	second.SetStartTime(r.Now())
	result := second.run()
	require.Equal(t, []string{"i-00 i-01"}, r.submits)
	require.Equal(t, []string{"i-02"}, second.submits)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Len(t, result.Commands, 2)
	require.Len(t, result.Rollout.Orders, 1)
}
