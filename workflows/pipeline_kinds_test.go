package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

func forEach(s pipeline.Step, items ...any) pipeline.Step {
	s.Foreach = &pipeline.Foreach{Items: items}
	s.With["run"] = "run ${{ item }}"
	return s
}

func numbered(n int) []any {
	var items []any
	for i := range n {
		items = append(items, fmt.Sprint("i", i))
	}
	return items
}

func TestEachItemHasARunAndTheStepsVerdictIsOverAllOfThem(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run 'i1'": printed("one"), "run 'i0'": printed("zero")}, nil)
	use := with(step("use", "solve"), func(s *pipeline.Step) {
		s.With["run"] = "echo ${{ map(steps.solve.items, .output) }} ${{ steps.solve.items[1].item }} ${{ steps.solve.counts.succeeded }}"
	})
	result, err := b.run(pipelineOf(forEach(step("solve"), numbered(2)...), use))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.ElementsMatch(t, []string{"solve/1", "solve/2", "use"}, b.started)
	solve := stepIn(t, result, "solve")
	require.Equal(t, map[workflows.StepState]int{workflows.StepSucceeded: 2}, solve.Items)
	require.Equal(t, 2, solve.NodeCount)
	require.Equal(t, "echo 'zero' 'one' 'i1' '2'", b.inputs["use"].Command)
}

func TestAnEmptyListSkipsItsStepAndNotTheNext(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, nil)
	none := step("none")
	none.Foreach = &pipeline.Foreach{In: "inputs.list"}
	result, err := b.run(pipelineOf(none, step("next", "none")).withInput(pipeline.Input{Name: "list", Type: pipeline.List, Default: []any{}}))
	require.NoError(t, err)
	require.Equal(t, "none skipped, next succeeded", stepStates(result.Steps))
	require.Equal(t, "there is nothing to run over", stepIn(t, result, "none").Reason)
}

func TestNoFurtherItemStartsAfterOneFailedUnlessTheFailureIsGoneOnAfter(t *testing.T) {
	t.Parallel()
	for do, started := range map[pipeline.FailureAction]int{pipeline.Stop: 4, "": 4, pipeline.Skip: 10, pipeline.Continue: 10} {
		bad := failedCommand()
		bad.takes = 30 * time.Second
		b := newPipelineBundle(t, map[string]played{"run 'i1'": bad}, nil)
		solve := with(forEach(step("solve"), numbered(10)...), func(s *pipeline.Step) {
			s.OnFailure.Do, s.Foreach.Concurrency = do, 4
		})
		result, err := b.run(pipelineOf(solve))
		require.NoError(t, err)
		require.Len(t, b.started, started, "%q", do)
		require.Equal(t, 4, b.most)
		items := stepIn(t, result, "solve").Items
		require.Equal(t, 1, items[workflows.StepFailed])
		require.Equal(t, 10-started, items[workflows.StepSkipped])
		require.Contains(t, stepIn(t, result, "solve").Reason, "1 of 10 items failed: 2; item 2: failed; 1 nonzero")
	}
}

func TestTheItemsOfAListAreQueriedByPages(t *testing.T) {
	t.Parallel()
	var s testsuite.WorkflowTestSuite
	env := s.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(workflows.AwaitTime)
	env.RegisterWorkflow(workflows.RunItems)
	in := workflows.ItemsInput{
		Step:  pipeline.Step{Name: "pause", Kind: pipeline.Waits, Foreach: &pipeline.Foreach{Concurrency: 50}, With: map[string]any{"for": "1m"}},
		Items: numbered(700),
	}
	env.ExecuteWorkflow(workflows.RunItems, in)
	require.NoError(t, env.GetWorkflowError())
	for asked, want := range map[workflows.ItemsRequest]int{{}: workflows.StatusItems, {From: 690}: 10, {From: 5, Items: 600}: 600, {From: 900}: 0} {
		answer, err := env.QueryWorkflow(workflows.PipelineQuery, asked)
		require.NoError(t, err)
		var status workflows.ItemsStatus
		require.NoError(t, answer.Get(&status))
		require.Len(t, status.Steps, want)
		require.Equal(t, map[workflows.StepState]int{workflows.StepSucceeded: 700}, status.Items)
		require.Equal(t, workflows.Succeeded, status.Verdict)
		if want > 0 {
			require.Equal(t, fmt.Sprint(asked.From+1), status.Steps[0].Name)
		}
	}
}

func approvalStep(change func(map[string]any)) pipeline.Step {
	body := map[string]any{"message": "Publish?"}
	change(body)
	return pipeline.Step{Name: "ask", Kind: pipeline.Approves, With: body}
}

// decide gives an order to an approval, some time after the start, and expects it to be
// refused for a reason; "" is not at all.
func (b *pipelineBundle) decide(after time.Duration, update string, order workflows.Order, refused string) {
	b.RegisterDelayedCallback(func() {
		err := b.UpdateWorkflowByID(pipelineRun+"/ask", update, after.String(), &testsuite.TestUpdateCallback{
			OnAccept:   func() { b.decided = append(b.decided, ""); require.Empty(b.t, refused) },
			OnReject:   func(err error) { b.decided = append(b.decided, err.Error()); require.EqualError(b.t, err, refused) },
			OnComplete: func(_ any, err error) { require.NoError(b.t, err) },
		}, order)
		require.NoError(b.t, err)
	}, after)
}

func TestAnApprovalIsGivenByAsManyPeopleAsAreNeeded(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, nil)
	ask := approvalStep(func(body map[string]any) { body["approvers"], body["needed"] = []any{"alice", "bob", "carol"}, 2 })
	by := func(who string) workflows.Order { return workflows.Order{By: who, Why: "looked"} }
	b.decide(1*time.Hour, workflows.ApproveUpdate, by("mallory"), "mallory is not asked for: alice, bob, carol may decide; say as whom: --by NAME, or EHPCFLOW_USER")
	b.decide(2*time.Hour, workflows.ApproveUpdate, workflows.Order{By: "alice"}, `it is not said why: put "why" into the order`)
	b.decide(3*time.Hour, workflows.ApproveUpdate, by(" alice "), "")
	b.decide(4*time.Hour, workflows.ApproveUpdate, by("alice"), "alice has approved already; 2 people have to")
	b.RegisterDelayedCallback(func() {
		require.Equal(t, "ask running, next waiting", stepStates(b.status().Steps))
		require.Equal(t, workflows.Waiting, b.status().Phase)
	}, 5*time.Hour)
	b.decide(6*time.Hour, workflows.ApproveUpdate, by("bob"), "")
	result, err := b.run(pipelineOf(ask, step("next", "ask")))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, []string{"alice", "bob"}, stepIn(t, result, "ask").By)
	require.Len(t, b.decided, 5)
	require.Equal(t, "approved by alice, bob", stepIn(t, result, "ask").Remark())
}

func TestAnApprovalThatIsRejectedOrNotGivenInTimeFailsItsStep(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		late   any
		reject bool
		state  workflows.StepState
		reason string
	}{
		"rejected": {nil, true, workflows.StepFailed, "rejected by bob: not yet"},
		"late":     {nil, false, workflows.StepFailed, "it was not approved within 24h"},
		"approved": {"approve", false, workflows.StepSucceeded, "nobody decided within 24h, which approves it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPipelineBundle(t, nil, nil)
			if tc.reject {
				b.decide(time.Hour, workflows.RejectUpdate, workflows.Order{By: "bob", Why: "not yet"}, "")
			}
			result, err := b.run(pipelineOf(approvalStep(func(body map[string]any) {
				body["within"] = "24h"
				if tc.late != nil {
					body["onTimeout"] = tc.late
				}
			})))
			require.NoError(t, err)
			ask := stepIn(t, result, "ask")
			require.Equal(t, tc.state, ask.State)
			require.Equal(t, tc.reason, ask.Reason)
		})
	}
}

func TestAWaitLastsAsLongAsItSays(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 12, 1, 20, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		body map[string]any
		want time.Duration
	}{
		"for":   {map[string]any{"for": "90m"}, 90 * time.Minute},
		"until": {map[string]any{"until": "2026-12-01T22:00:00Z"}, 2 * time.Hour},
		"past":  {map[string]any{"until": "2026-11-01T22:00:00Z"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPipelineBundle(t, nil, nil)
			b.SetStartTime(start)
			result, err := b.run(pipelineOf(pipeline.Step{Name: "pause", Kind: pipeline.Waits, With: tc.body}))
			require.NoError(t, err)
			pause := stepIn(t, result, "pause")
			require.Equal(t, workflows.StepSucceeded, pause.State, pause.Reason)
			require.Equal(t, tc.want, pause.EndedAt.Sub(pause.StartedAt))
		})
	}
}

func TestAPipelineRunsAPipelineAndUsesItsOutputs(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"inner 'x'": printed("http://case")}, nil)
	inner := pipelineOf(with(step("inner"), func(s *pipeline.Step) { s.With["run"] = "inner ${{ inputs.case }}" })).
		withInput(pipeline.Input{Name: "case", Type: pipeline.String})
	inner.Pipeline.Outputs = []pipeline.Output{{Name: "url", Value: "${{ steps.inner.output }}"}}
	sub := pipeline.Step{
		Name: "sub", Kind: pipeline.SubPipeline, Pipeline: &inner.Pipeline,
		With: map[string]any{"file": "inner.yaml", "inputs": map[string]any{"case": "${{ inputs.which }}"}},
	}
	in := pipelineOf(sub, with(step("use", "sub"), func(s *pipeline.Step) { s.With["run"] = "get ${{ steps.sub.outputs.url }}" })).
		withInput(pipeline.Input{Name: "which", Type: pipeline.String, Default: "x"})
	in.Pipeline.Outputs = []pipeline.Output{{Name: "result", Value: "at ${{ steps.sub.outputs.url }}"}}
	result, err := b.run(in)
	require.NoError(t, err)
	require.Equal(t, []string{"sub/inner", "use"}, b.started)
	require.Equal(t, "get 'http://case'", b.inputs["use"].Command)
	require.Equal(t, map[string]any{"result": "at http://case"}, result.Outputs)

	b = newPipelineBundle(t, nil, nil)
	sub.With = map[string]any{"file": "inner.yaml", "inputs": map[string]any{"kase": "x"}}
	in.Pipeline.Steps, in.Pipeline.Outputs = []pipeline.Step{sub}, nil
	result, err = b.run(in)
	require.NoError(t, err)
	require.Contains(t, stepIn(t, result, "sub").Reason, "there is no input kase")
	require.Empty(t, b.started)
}

func TestAnOutputThatCannotBeEvaluatedFailsAPipelineThatWentWell(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, map[string]played{"run a": printed("x")}, nil)
	in := pipelineOf(with(step("a"), func(s *pipeline.Step) { s.Output = "" }))
	in.Pipeline.Outputs = []pipeline.Output{{Name: "good", Value: "${{ steps.a.output }}"}, {Name: "bad", Value: "${{ steps.a.nodes[4].id }}"}}
	result, err := b.run(in)
	require.NoError(t, err)
	require.Equal(t, workflows.Failed, result.Verdict)
	require.Contains(t, result.Reason, "output bad: ")
	require.Equal(t, map[string]any{"good": "x"}, result.Outputs)
}

func TestACommandOnSeveralClustersIsARunOnThem(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, nil)
	in := pipelineOf(with(step("both"), func(s *pipeline.Step) {
		s.With = map[string]any{"run": "uptime", "clusters": []any{"main", "ehpc-2"}, "all": true, "onClusterFailure": "hold"}
	}))
	result, err := b.run(in)
	require.NoError(t, err)
	both := stepIn(t, result, "both")
	require.Equal(t, workflows.StepSucceeded, both.State, both.Reason)
	require.Equal(t, "RunOnClusters", b.types["both"])
	require.Equal(t, map[workflows.NodeState]int{activities.Succeeded: 2}, both.States)
}

func TestARunThatCouldNeverEndIsRefused(t *testing.T) {
	t.Parallel()
	b := newPipelineBundle(t, nil, nil)
	in := pipelineOf(step("a", "b"), step("b", "a"), step("c", "nobody"), step("c"), pipeline.Step{Name: "d", Kind: "dance"}).
		withInput(pipeline.Input{Name: "size", Type: pipeline.Integer})
	in.Inputs, in.Depth = map[string]any{"sise": 3}, pipeline.MaxDepth
	_, err := b.run(in)
	var refused *temporal.ApplicationError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, workflows.ErrInvalidInput, refused.Type())
	for _, said := range []string{
		"pipelines run pipelines 6 deep, it can be 5", "there are two steps c: name each otherwise", `step d: there is no "dance": use one of command, job`,
		"step c needs nobody, which is none of the steps that it can wait for", "these steps need each other in a circle, so that none can begin: a, b",
		"input size is not given", "there is no input sise",
	} {
		require.Contains(t, refused.Message(), said)
	}
	require.Empty(t, b.started)
}

func TestWhatIsWrongWithABodyIsSaidInTheWordsOfAFile(t *testing.T) {
	t.Parallel()
	p := pipelineOf(
		with(step("a"), func(s *pipeline.Step) { s.With = map[string]any{"run": "uptime"} }),
		with(step("b"), func(s *pipeline.Step) {
			s.With = map[string]any{"run": "uptime", "all": true, "timeout": "5s", "rollout": map[string]any{"pause": "first"}}
		}),
		with(step("c"), func(s *pipeline.Step) { s.With = map[string]any{"run": strings.Repeat("x", 2049), "all": true} }),
		step("right"),
		pipeline.Step{Name: "ask", Kind: pipeline.Approves, With: map[string]any{"approvers": []any{"alice"}, "needed": 2, "onTimeout": "approve"}},
		pipeline.Step{Name: "pause", Kind: pipeline.Waits, With: map[string]any{"for": "1m", "until": "2026-12-01T22:00:00Z"}},
		with(step("later"), func(s *pipeline.Step) { s.With["run"] = "${{ inputs.what }}" }),
	).Pipeline
	var said []string
	for _, problem := range workflows.PipelineProblems(p) {
		said = append(said, problem.Step+": "+problem.Text)
	}
	require.Equal(t, []string{
		"a: no target: name nodes (nodes), select them (roles, queues, hosts, statuses), or ask for all of them (all)",
		"b: the timeout is 5s, the least that the service is sure to keep is 1m0s",
		"b: a pause after a wave is asked for, and all nodes are in one wave, after which there is nothing to wait for: give sizes (rollout.waves), or leave rollout.pause out",
		"c: the command has 2049 characters, the API takes 2 to 2048: put a longer script on shared storage and call it",
		"ask: 2 approvals are needed, and 1 people may give one: name more of them (approvers), or need fewer (needed)",
		"ask: onTimeout says what becomes of it in the end, and it waits for as long as it takes: say how long (within)",
		"pause: both a length of time (for) and a time (until) are given: use one of them",
	}, said)
}
