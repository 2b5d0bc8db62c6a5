package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// A submit that was in doubt is being repeated when another node breaches the budget.
func TestABreachThatEndsARepeatedSubmitStopsNothing(t *testing.T) {
	t.Parallel()
	p := policy.Policy{Concurrency: policy.Number(3), Budget: policy.Budget{Whole: number(0)}}
	r := newTrial(t, 6, p, func(node string, _ int) fate {
		switch node {
		case "i-00":
			return fate{ending: exits, code: 1, takes: 10 * time.Minute}
		case "i-01", "i-02":
			return fate{ending: exits, takes: time.Minute}
		}
		return fate{ending: exits, takes: 20 * time.Minute}
	})
	r.in.NodesPerCommand = 1
	var stops []string
	submitted := r.onSubmit
	r.onSubmit = func(in activities.InvokeShellCommandInput, now time.Time) {
		submitted(in, now)
		switch {
		case in.Stop != nil:
			stops = append(stops, in.InstanceIDs...)
		case in.Resubmit:
			r.faults = faults{throttle: 1000}
		case slices.Contains(in.InstanceIDs, "i-04"):
			r.faults = faults{doubt: 1000, vain: true}
		}
	}
	r.order(30*time.Second, workflows.PauseUpdate, by("ann"), "") // so that the two are started together
	r.order(5*time.Minute, workflows.ResumeUpdate, by("ann"), "")
	result := r.run()
	require.Empty(t, stops, "what runs is to be drained")
	require.Equal(t, []workflows.NodeState{
		activities.Nonzero, activities.Succeeded, activities.Succeeded, activities.Succeeded, activities.Unknown, activities.Skipped,
	}, statesOf(result))
	require.Equal(t, policy.Breached, result.Rollout.Halt.Cause)
}

// A node that was skipped from the start stands between the others and what is added.
func TestTheCommandOfAnAddedNodeNamesThatNode(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 3, policy.Policy{}, each(10*time.Minute))
	r.in.Target = workflows.Target{Select: &workflows.Selector{All: true}, SkipUnfit: true}
	r.unfit = map[string]bool{"i-02": true}
	r.order(5*time.Minute, workflows.AddUpdate, on("i-new"), "")
	result := r.run()
	require.Equal(t, []string{"i-00 i-01", "i-new"}, r.submits)
	require.Equal(t, "i-new", result.Nodes[3].InstanceID)
	require.Equal(t, 3, result.Commands[1].From)
	require.Equal(t, 1, result.Commands[1].Nodes)
}
