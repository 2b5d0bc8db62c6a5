package workflows

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows/policy"
)

// largeRollout has the most nodes, all of which failed.
func largeRollout() *rollout {
	r := &rollout{}
	r.status.Rollout = &RolloutReport{}
	for i := range MaxNodes {
		r.places = append(r.places, place{Place: policy.Place{Stage: policy.Over, State: activities.Failed}, Node: i, Attempts: 1})
		r.status.Nodes = append(r.status.Nodes, NodeResult{InstanceID: fmt.Sprintf("i-%018d", i), State: activities.Failed})
	}
	return r
}

// Temporal's SDK takes a workflow that computes for a second for one that is stuck.
func TestAnOrderOfEveryNodeTakesNoTime(t *testing.T) {
	t.Parallel()
	r := largeRollout()
	order := Order{By: "ann", Why: "CHG-1", Nodes: r.status.Nodes.ids()}
	f := r.newFlightOfAll()
	for i := range r.places {
		r.places[i].flight = f
	}
	began := time.Now()
	require.NoError(t, r.checkRetry(order, began))
	r.retry(order)
	require.NoError(t, r.checkSkip(order, began))
	r.skip(order)
	require.Less(t, time.Since(began), 500*time.Millisecond)
	require.Equal(t, "c-99", r.places[MaxNodes-1].Command)
}

func (r *rollout) newFlightOfAll() *flight {
	f := &flight{runCommand: runCommand{status: RunCommandStatus{RunCommandResult: RunCommandResult{Nodes: r.status.Nodes}}}}
	for i, p := range split(0, MaxNodes, MaxPerCommand) {
		f.status.Commands = append(f.status.Commands, p.command(fmt.Sprintf("c-%d", i), time.Time{}))
	}
	return f
}

func TestAResultHoldsTheLastOrdersAndTheFirstOfTheirNodes(t *testing.T) {
	t.Parallel()
	r := largeRollout()
	for i := range mostOrders + 5 {
		r.record(Order{Action: SkipUpdate, By: fmt.Sprint(i), Nodes: r.status.Nodes.ids()})
	}
	orders := r.report().Orders
	require.Len(t, orders, mostOrders)
	require.Equal(t, 5, r.report().OrdersLeftOut)
	require.Equal(t, "5", orders[0].By)
	require.Len(t, orders[0].Nodes, mostOrdered)
	require.Equal(t, MaxNodes-mostOrdered, orders[0].NodesLeftOut)
	require.True(t, strings.HasSuffix(orders[0].String(), "9997 more"), orders[0])
}

func TestAResultHoldsSoManyCommandsAndNodesThatTheyName(t *testing.T) {
	t.Parallel()
	few, many := make(Commands, mostCommands), make(Commands, mostCommands+3)
	require.Zero(t, few.leftOut())
	require.Equal(t, 3, many.leftOut())
	for i := range few {
		few[i].InstanceIDs = make([]string, MaxPerCommand)
	}
	require.Equal(t, mostCommands-mostCommandNodes/MaxPerCommand, few.leftOut())
	require.Zero(t, Commands(nil).leftOut())
}

func TestANodeWhoseLastAttemptIsNotInTheResultKeepsItsState(t *testing.T) {
	t.Parallel()
	r := largeRollout()
	r.attempts = mostAttempts
	p := &r.places[0]
	r.begin(p)
	r.takeBack(p)
	require.Equal(t, activities.Failed, r.status.Nodes[0].State)
	require.NotEmpty(t, r.status.Nodes[0].Reason)
	require.Zero(t, r.report().AttemptsLeftOut)
	require.Equal(t, mostAttempts, r.attempts)
}

func TestTheDetailsAreCutInBytes(t *testing.T) {
	t.Parallel()
	s := RunCommandStatus{RunCommandResult: RunCommandResult{Rollout: &RolloutReport{}}}
	for range 10 * allShown {
		s.Nodes = append(s.Nodes, NodeResult{HostName: strings.Repeat("节", 90), State: activities.Failed})
	}
	require.Less(t, len(s.rolloutDetails()), 20_000)
}

func TestANodeThatAnOrderSkippedIsNotCalledSkippedWhereTheCommandRuns(t *testing.T) {
	t.Parallel()
	r := largeRollout()
	r.places[1].Stage, r.places[1].Attempts = policy.Waiting, 0
	r.skip(Order{By: "ann", Why: "CHG-1", Nodes: []string{r.status.Nodes[1].InstanceID}})
	f := &flight{}
	for _, state := range []NodeState{activities.Running, activities.Nonzero} {
		r.takeUnasked(f, NodeResult{InstanceID: r.status.Nodes[1].InstanceID, State: state})
		require.Equal(t, state, r.status.Nodes[1].State)
	}
	r.takeUnasked(f, NodeResult{InstanceID: r.status.Nodes[2].InstanceID, State: activities.Running})
	require.Equal(t, activities.Failed, r.status.Nodes[2].State, "its own attempt has ended")
}
