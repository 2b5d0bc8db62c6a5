package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

func TestAWaveBeginsWhenAsManyPeopleApproveAsItTakes(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 3, policy.Policy{Waves: numbers(1, 2), Pause: []policy.Pause{policy.PauseFirst}, Approvals: 2}, each(time.Minute))
	r.order(10*time.Minute, workflows.ApproveUpdate, by("ann"), "")
	r.order(20*time.Minute, workflows.ApproveUpdate, by("ann"), "ann has approved wave 2 already; 2 people have to")
	r.order(30*time.Minute, workflows.ApproveUpdate, by("bob"), "")
	r.after(25*time.Minute, func() { require.Len(t, r.submits, 1) })
	result := r.run()
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, []string{"ann", "bob"}, result.Rollout.Waves[1].ApprovedBy)
	require.Equal(t, r.started.Add(30*time.Minute), result.Rollout.Waves[1].StartedAt.UTC())
	require.Len(t, result.Rollout.Orders, 2)
	require.Equal(t, "CHG-1", result.Rollout.Orders[0].Why)
}

func TestNodesThatAreAddedAfterAnApprovalNeedOneOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 3, policy.Policy{Waves: numbers(1, 2), Pause: []policy.Pause{policy.PauseFirst}, Approvals: 2}, each(time.Minute))
	r.order(10*time.Minute, workflows.ApproveUpdate, by("ann"), "")
	r.order(11*time.Minute, workflows.ApproveUpdate, by(" ann "), "has approved wave 2 already")
	more := by("ann")
	more.Nodes = []string{"i-more"}
	r.order(20*time.Minute, workflows.AddUpdate, more, "")
	r.order(30*time.Minute, workflows.ApproveUpdate, by("bob"), "")
	r.after(35*time.Minute, func() { require.Len(t, r.submits, 1, "ann has not approved the node that she added") })
	r.order(40*time.Minute, workflows.ApproveUpdate, by("ann"), "")
	result := r.run()
	require.Equal(t, []string{"bob", "ann"}, result.Rollout.Waves[1].ApprovedBy)
	require.Equal(t, r.started.Add(40*time.Minute), result.Rollout.Waves[1].StartedAt.UTC())
}

func TestARolloutThatNobodyAttendsToIsParked(t *testing.T) {
	t.Parallel()
	p := policy.Policy{Waves: numbers(1, 2), Pause: []policy.Pause{policy.PauseFirst}, ApproveWithinSeconds: 3600}
	result := newTrial(t, 3, p, each(time.Minute)).run()
	require.Equal(t, workflows.Unattended, result.Verdict)
	require.Equal(t, []workflows.NodeState{activities.Succeeded, activities.Skipped, activities.Skipped}, statesOf(result))
	require.Equal(t, "nobody approved it within 1h0m0s", result.Rollout.Halt.Text)
}

// A pause while it waits for an approval is another wait, and so is what follows it.
func TestTheTimeForAnApprovalBeginsAnewAfterAPause(t *testing.T) {
	t.Parallel()
	p := policy.Policy{Waves: numbers(1, 2), Pause: []policy.Pause{policy.PauseFirst}, ApproveWithinSeconds: 3600}
	r := newTrial(t, 3, p, each(time.Minute))
	r.order(50*time.Minute, workflows.PauseUpdate, by("ann"), "")
	r.order(100*time.Minute, workflows.ResumeUpdate, by("ann"), "")
	r.order(150*time.Minute, workflows.ApproveUpdate, by("ann"), "")
	require.Equal(t, workflows.Succeeded, r.run().Verdict)
}

func TestTheTimeOfAPauseDoesNotBeginWithTheSoak(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 2, policy.Policy{Waves: numbers(1), SoakSeconds: 3600, ApproveWithinSeconds: 600}, each(time.Minute))
	r.order(30*time.Minute, workflows.PauseUpdate, by("ann"), "")
	r.order(35*time.Minute, workflows.ResumeUpdate, by("ann"), "")
	require.Equal(t, workflows.Succeeded, r.run().Verdict)
}

func TestWhatAPausedRolloutHasNotSentWaits(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 3, policy.Policy{ApproveWithinSeconds: 3600}, each(20*time.Minute))
	r.in.NodesPerCommand = 1
	r.order(time.Millisecond, workflows.PauseUpdate, by("ann"), "")
	r.after(10*time.Minute, func() { require.Equal(t, []string{"i-00"}, r.submits) })
	r.order(11*time.Minute, workflows.ResumeUpdate, by("ann"), "")
	result := r.run()
	require.Equal(t, []string{"i-00", "i-01", "i-02"}, r.submits)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	for _, node := range result.Nodes {
		require.Empty(t, node.Attempts)
	}
}

func TestTheConcurrencyIsChangedWhileItRolls(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 5, policy.Policy{Concurrency: policy.Number(1)}, each(20*time.Minute))
	r.order(5*time.Minute, workflows.SetUpdate, setting(workflows.Settings{Concurrency: number(3)}), "")
	r.after(6*time.Minute, func() { require.Equal(t, []string{"i-00", "i-01 i-02"}, r.submits) })
	r.order(7*time.Minute, workflows.SetUpdate, setting(workflows.Settings{Concurrency: number(1)}), "")
	r.after(22*time.Minute, func() { require.Len(t, r.submits, 2, "two still run") })
	result := r.run()
	require.Equal(t, []string{"i-00", "i-01 i-02", "i-03", "i-04"}, r.submits)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, policy.Number(1), result.Rollout.Policy.Concurrency)
}

func TestTheDeadlineIsMoved(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, then int // seconds
		verdict     workflows.Verdict
		took        time.Duration
	}{
		"later":   {600, 3600, workflows.Succeeded, 30 * time.Minute},
		"earlier": {3600, 600, workflows.Aborted, 10 * time.Minute},
		"off":     {600, 0, workflows.Succeeded, 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTrial(t, 2, policy.Policy{}, each(30*time.Minute))
			r.in.DeadlineSeconds = tc.first
			r.order(5*time.Minute, workflows.SetUpdate, setting(workflows.Settings{DeadlineSeconds: &tc.then}), "")
			result := r.run()
			require.Equal(t, tc.verdict, result.Verdict)
			require.Equal(t, tc.took, took(result))
			if tc.verdict == workflows.Aborted {
				require.Equal(t, []workflows.NodeState{activities.Running, activities.Running}, statesOf(result), "never called ended while it may run")
				require.Contains(t, result.Rollout.Halt.Text, "deadline of 10m0s passed")
			}
		})
	}
}

func TestARetryKeepsTheAttempts(t *testing.T) {
	t.Parallel()
	p := policy.Policy{Retry: policy.Retry{Attempts: 3, ExitCodes: []int{3}, BackoffSeconds: 60}, Budget: policy.Budget{Whole: number(0)}}
	r := newTrial(t, 2, p, func(node string, attempt int) fate {
		f := fate{ending: exits, takes: time.Minute}
		if node == "i-00" && attempt < 3 {
			f.code = 3
		}
		return f
	})
	r.after(90*time.Second, func() {
		node := r.status().Nodes[0]
		require.Regexp(t, `^to be tried again at \d\d:\d\d:\d\d UTC$`, node.Remark())
		require.Zero(t, r.status().Rollout.Waves[0].EndedAt)
	})
	result := r.run()
	require.Equal(t, []string{"i-00 i-01", "i-00", "i-00"}, r.submits)
	require.Empty(t, result.Nodes[0].Remark())
	require.Equal(t, workflows.Succeeded, result.Verdict, "a node that is to be tried again has not failed")
	require.Len(t, result.Nodes[0].Attempts, 2)
	for i, attempt := range result.Nodes[0].Attempts {
		require.Equal(t, activities.Nonzero, attempt.State)
		require.Equal(t, 3, *attempt.ExitCode)
		require.Equal(t, result.Commands[i].CommandID, attempt.CommandID)
		require.Equal(t, "i-00 was here", attempt.Output)
	}
	require.Empty(t, result.Nodes[1].Attempts)
}

func TestAnOrderedRetryGoesBeyondTheAttempts(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 3, policy.Policy{Waves: numbers(1, 2), Pause: []policy.Pause{policy.PauseFirst}}, func(node string, attempt int) fate {
		f := fate{ending: exits, takes: time.Minute}
		if node == "i-00" && attempt == 1 {
			f.code = 1
		}
		return f
	})
	r.order(10*time.Minute, workflows.RetryUpdate, on("i-00"), "")
	r.order(20*time.Minute, workflows.ApproveUpdate, by("ann"), "")
	result := r.run()
	require.Equal(t, []string{"i-00", "i-00", "i-01 i-02"}, r.submits)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Len(t, result.Nodes[0].Attempts, 1)
}

func TestARefusedOrderSaysWhy(t *testing.T) {
	t.Parallel()
	const running, waiting, paused, draining = time.Minute, 30 * time.Minute, 40 * time.Minute, 51 * time.Minute
	one, long := 1, 601
	r := newTrial(t, 5, policy.Policy{Waves: numbers(2, 3), Pause: []policy.Pause{policy.PauseFirst}}, each(20*time.Minute, "i-00"))
	r.order(35*time.Minute, workflows.PauseUpdate, by("ann"), "")
	r.order(45*time.Minute, workflows.ResumeUpdate, by("ann"), "")
	r.order(46*time.Minute, workflows.ApproveUpdate, by("ann"), "")
	r.order(47*time.Minute, workflows.PauseUpdate, by("ann"), "")
	r.order(49*time.Minute, workflows.SkipUpdate, on("i-04"), "node i-04 was started, and cannot be skipped any more")
	r.order(50*time.Minute, workflows.RejectUpdate, by("ann"), "")
	for i, tc := range []struct {
		at     time.Duration
		update string
		order  workflows.Order
		why    string
	}{
		{running, workflows.ApproveUpdate, by("ann"), "waits for no approval: it is rolling"},
		{running, workflows.RejectUpdate, by("ann"), "waits for nobody: it is rolling; abandon or cancel ends it"},
		{running, workflows.SkipUpdate, on("i-00"), "node i-00 was started"},
		{running, workflows.RetryUpdate, on("i-00"), "node i-00 has not ended: it is running"},
		{running, workflows.PauseUpdate, workflows.Order{Why: "CHG-1"}, `put "by" into it`},
		{running, workflows.PauseUpdate, workflows.Order{By: "ann", Why: " "}, `put "why" into the order`},
		{running, workflows.PauseUpdate, workflows.Order{By: "ann", Why: strings.Repeat("x", 2000)}, "more than 2000 bytes"},
		{waiting, workflows.ResumeUpdate, by("ann"), "the rollout is not paused: it is waiting"},
		{waiting, workflows.SkipUpdate, on(), "no node is named"},
		{waiting, workflows.SkipUpdate, on("i-99"), "node i-99 is not of the rollout"},
		{waiting, workflows.SkipUpdate, on("i-02", "i-02"), "node i-02 is named twice"},
		{waiting, workflows.SkipUpdate, on("i-00", "i-99"), "nothing more is done with node i-00: it is nonzero, node i-99 is not of the rollout"},
		{waiting, workflows.AddUpdate, on("i-01"), "node i-01 is of the rollout already"},
		{waiting, workflows.AddUpdate, on("i 1"), "holds a space"},
		{waiting, workflows.RetryUpdate, on("i-01"), "node i-01 has succeeded"},
		{waiting, workflows.RetryUpdate, on("i-02"), "node i-02 has not ended: it is pending"},
		{waiting, workflows.RetryUpdate, on("i-99"), "node i-99 is not of the rollout"},
		{waiting, workflows.SetUpdate, by("ann"), "nothing is set"},
		{waiting, workflows.SetUpdate, setting(workflows.Settings{Concurrency: share(t, "1%")}), "less than one node"},
		{waiting, workflows.SetUpdate, setting(workflows.Settings{MaxFailures: share(t, "100%")}), "never be breached"},
		{waiting, workflows.SetUpdate, setting(workflows.Settings{DeadlineSeconds: &one, LookSeconds: &long}), "the deadline is 1 s from the start of the rollout, which was 1800 s ago: give more, up to 5184000 s, or none (in JSON 0); 601 s between two looks are asked for"},
		{paused, workflows.PauseUpdate, by("ann"), "the rollout is paused already"},
		{paused, workflows.ApproveUpdate, by("ann"), "resume it first"},
		{draining, workflows.PauseUpdate, by("ann"), "the rollout is ending and starts nothing more: rejected by ann: CHG-1"},
		{draining, workflows.AddUpdate, on("i-05"), "the rollout is ending and starts nothing more"},
		{draining, workflows.RetryUpdate, on("i-00"), "the rollout is ending and starts nothing more"},
		{draining, workflows.SetUpdate, setting(workflows.Settings{Concurrency: number(1)}), "the rollout is ending and starts nothing more"},
	} {
		r.order(tc.at+time.Duration(i)*time.Millisecond, tc.update, tc.order, tc.why)
	}
	r.run()
}
