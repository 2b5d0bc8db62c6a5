package console

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

var begun = time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)

// rollingOut is a rollout of 1, 2 and 3 nodes in its second wave.
func rollingOut() runs.Report {
	states := []workflows.NodeState{
		activities.Succeeded, activities.Nonzero, activities.Running, activities.Pending, activities.Pending, activities.Pending,
	}
	r := report()
	for i, state := range states {
		r.Nodes = append(r.Nodes, workflows.NodeResult{InstanceID: fmt.Sprintf("i-%d", i), State: state, Wave: []int{1, 2, 2, 3, 3, 3}[i]})
	}
	r.State, r.Phase, r.Verdict = runs.Running, workflows.Rolling, ""
	r.Rollout = &workflows.RolloutReport{
		Policy: policy.Policy{Approvals: 2},
		Waves: []workflows.Wave{
			{Nodes: 1, States: map[workflows.NodeState]int{activities.Succeeded: 1}, StartedAt: begun, EndedAt: begun.Add(time.Minute)},
			{Nodes: 2, States: map[workflows.NodeState]int{activities.Running: 1, activities.Nonzero: 1}, StartedAt: begun.Add(time.Hour), ApprovedBy: []string{"ada", "bob"}},
			{Nodes: 3},
		},
	}
	return r
}

func TestARolloutSaysWhatItIsDoing(t *testing.T) {
	t.Parallel()
	const counts = ": 1 succeeded, 1 nonzero, 1 running, 3 pending"
	for want, change := range map[string]func(*runs.Report){
		"wave 2 of 3" + counts:         func(*runs.Report) {},
		"paused, wave 2 of 3" + counts: func(r *runs.Report) { r.Rollout.Paused = true },
		"starting nothing more" + counts: func(r *runs.Report) {
			r.Phase, r.Rollout.Wait = workflows.Draining, &workflows.Wait{For: workflows.ForSoak}
		},
		"waiting for an approval of wave 3 of 3" + counts: func(r *runs.Report) {
			r.Phase, r.Rollout.Wait = workflows.Waiting, &workflows.Wait{For: workflows.ForApproval, Wave: 3}
		},
		"waiting for an approval of wave 3 of 3 (1 of 2 given, by ada)" + counts: func(r *runs.Report) {
			r.Phase, r.Rollout.Wait = workflows.Waiting, &workflows.Wait{For: workflows.ForApproval, Wave: 3}
			r.Rollout.Waves[2].ApprovedBy = []string{"ada"}
		},
		"paused before more of wave 2 of 3" + counts: func(r *runs.Report) {
			r.Phase, r.Rollout.Wait = workflows.Waiting, &workflows.Wait{For: workflows.ForResume, Wave: 2}
		},
		"soaking until 2026-01-02 03:04:05, then wave 3 of 3" + counts: func(r *runs.Report) {
			r.Phase, r.Rollout.Wait = workflows.Waiting, &workflows.Wait{For: workflows.ForSoak, Wave: 3, Until: begun}
		},
		counts[2:]: func(r *runs.Report) { r.Rollout = nil },
	} {
		r := rollingOut()
		change(&r)
		require.Equal(t, want, phaseText(r))
	}
}

func TestPlainProgressHasALineForEachStepOfARollout(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := NewProgress(&out, 0)
	r := rollingOut()
	r.NodeCount = mostListed + 1 // so that nodes have no lines
	p.Show(r)
	p.Show(r)
	r.Phase, r.Rollout.Wait = workflows.Waiting, &workflows.Wait{For: workflows.ForApproval, Wave: 3}
	r.Trouble = "for an approval"
	p.Show(r)
	r.Rollout.Waves[2].ApprovedBy = []string{"ada"}
	p.Show(r)
	require.Equal(t, 4, strings.Count(out.String(), "\n"), out.String())
	require.Contains(t, out.String(), " waiting: for an approval\n")
	require.Contains(t, out.String(), "(1 of 2 given, by ada)")
}

func TestTheResultOfARolloutHasItsWavesAttemptsAndOrders(t *testing.T) {
	t.Parallel()
	r := rollingOut()
	r.State, r.Phase, r.Verdict = runs.Completed, workflows.Ended, workflows.Aborted
	r.Rollout.Halt = &policy.Halt{Cause: policy.Breached, Text: "1 of 6 nodes failed (nonzero 1), the budget allows 0"}
	r.Nodes[1].Attempts = []workflows.Attempt{{State: activities.Lost}, {State: activities.Nonzero, ExitCode: code(75)}}
	deadline, look, window := 7200, 0, policy.Number(0)
	r.Rollout.Orders = []workflows.Order{
		{At: begun, By: "ada", Why: "looks\ngood\x1b", Action: workflows.ApproveUpdate},
		{At: begun, By: "bob", Why: "slow", Action: workflows.SetUpdate, Set: &workflows.Settings{DeadlineSeconds: &deadline, LookSeconds: &look, Concurrency: &window}},
		{At: begun, By: "cyd", Why: "broken", Action: workflows.SkipUpdate, Nodes: []string{"i-3", "i-4", "i-5", "i-6", "i-7"}},
	}
	text := written(t, r)
	require.Regexp(t, `^ WAVE +NODES +STATES +BEGUN +ENDED +APPROVED BY\n 1 +1 +1 succeeded +2026-01-02 03:04:05 +2026-01-02 03:05:05\n 2 +2 +1 nonzero, 1 running +2026-01-02 04:04:05 +ada, bob\n 3 +3\n\n NODE`, text)
	require.Regexp(t, `NODE +WAVE +STATE +ATTEMPTS\n`, text)
	require.Regexp(t, `i-1 +2 +nonzero +3, after lost, nonzero 75\n`, text)
	require.Regexp(t, `AT +WHO +ORDER +WHY\n 2026-01-02 03:04:05 +ada +approve +looks good·\n`, text)
	require.Regexp(t, `bob +set concurrency 0, deadline 2h0m0s, look-every 0s +slow\n`, text)
	require.Regexp(t, `cyd +skip-nodes i-3, i-4, i-5, 2 more +broken\n`, text)
	const halted = "run run-1: aborted (1 succeeded, 1 nonzero, 1 running, 3 pending; 1 of 6 nodes failed (nonzero 1), the budget allows 0"
	require.Contains(t, text, halted+")\n")

	r.Reason = r.Rollout.Halt.Text + "; and more"
	require.Contains(t, written(t, r), halted+"; and more)\n", "the reason of the halt is said once")
	r.State = runs.Running
	require.Contains(t, written(t, r), "\nbecause: 1 of 6 nodes failed")
	require.NotContains(t, written(t, report(r.Nodes[0])), "ATTEMPTS")
	require.NotContains(t, written(t, report(r.Nodes[0])), "WAVE", "a plain run has none")
}

func TestARefusedRunListsNoNodes(t *testing.T) {
	t.Parallel()
	r := rollingOut()
	r.State, r.Phase = runs.Failed, workflows.Ended
	r.Error = &runs.Failure{Code: workflows.ErrInvalidInput, Message: "nothing was started: a quorum of 7 is more than the 6 nodes that there are"}
	var result, progress bytes.Buffer
	require.NoError(t, writeResult(&result, r, 0))
	require.Equal(t, "run run-1 is refused: nothing was started: a quorum of 7 is more than the 6 nodes that there are\n", result.String())
	NewProgress(&progress, 0).Show(r)
	require.Equal(t, 1, strings.Count(progress.String(), "\n"), progress.String())
	require.Contains(t, progress.String(), "refused")
}

func TestAResultOfManyWavesListsThoseAroundTheCurrentOne(t *testing.T) {
	t.Parallel()
	r := rollingOut()
	r.Rollout.Waves = make([]workflows.Wave, 1000)
	for i := range 500 {
		r.Rollout.Waves[i] = workflows.Wave{Nodes: 10, StartedAt: begun, EndedAt: begun}
	}
	text := written(t, r)
	require.Contains(t, text, "980 waves not listed")
	require.Regexp(t, `(?m)^ 500 +10`, text)
	require.Less(t, strings.Count(text, "\n"), 50)
}

func TestOfManyNodesThoseThatWereStartedAreListedFirst(t *testing.T) {
	t.Parallel()
	nodes := make([]workflows.NodeResult, 10_000)
	for i := range nodes {
		nodes[i] = workflows.NodeResult{InstanceID: fmt.Sprintf("i-%d", i), State: activities.Skipped}
	}
	nodes[9999].State, nodes[0].State = activities.Lost, activities.Succeeded
	listed := worthListing(nodes)
	require.Len(t, listed, mostListed)
	require.Equal(t, "i-9999", listed[0].InstanceID)
	require.Equal(t, "i-1", listed[1].InstanceID)
}

func TestTheLiveViewOfALargeRolloutSaysTheWaveAndWhatWentWrong(t *testing.T) {
	t.Parallel()
	r := rollingOut()
	r.NodeCount, r.States = 10_000, map[workflows.NodeState]int{activities.Running: 12, activities.Pending: 9988}
	var out bytes.Buffer
	l := newLive(&out, 40, 0)
	l.Show(r)
	l.Close()
	require.Len(t, l.bars, headLines+1)
	require.Equal(t, "run-1  wave 2 of 3: 12 running, 9988 pending", l.head())
}

func TestTheClockOfANodeThatIsTriedAgainGoesOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLive(&out, 40, 0)
	defer l.Close()
	node := workflows.NodeResult{InstanceID: "i-a", State: activities.Lost}
	l.Show(report(node))
	require.Contains(t, l.ended, "i-a")
	node.State, node.Attempts = activities.Running, []workflows.Attempt{{State: activities.Lost}}
	l.Show(report(node))
	require.NotContains(t, l.ended, "i-a")
	require.Equal(t, "running, attempt 2", stateText(node))
}
