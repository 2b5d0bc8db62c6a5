package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
)

// chaosActions are those that a run calls.
var chaosActions = []string{"ListNodes", "InvokeShellCommand", "ListCommands", "ListInvocationStatus", "ListInvocationResults"}

// everyFault is the whole catalogue of what can go wrong with a request, once each.
func everyFault() []ehpcsim.Fault {
	faults := []ehpcsim.Fault{
		{Drop: ehpcsim.DropBefore},
		{Drop: ehpcsim.DropAfter},
		{Body: ehpcsim.HalfBody},
		{Body: ehpcsim.DoubleBody},
		{Body: ehpcsim.GarbageBody},
		{Twice: true},
		{Delay: 2 * time.Second},
		{Delay: 20 * time.Second, Drop: ehpcsim.DropAfter}, // past the client's patience
	}
	for _, code := range ehpcsim.DocumentedCodes() {
		faults = append(faults, ehpcsim.Fault{Code: code})
	}
	return faults
}

// evenly lets each fault hit the same share of an action's requests, and all of
// them together a part of these. A fault takes its turn only where those before it
// did not hit.
func evenly(action string, faults []ehpcsim.Fault, part float64) []ehpcsim.Fault {
	share := part / float64(len(faults))
	spread := make([]ehpcsim.Fault, len(faults))
	for i, fault := range faults {
		fault.Action, fault.Times, fault.Probability = action, -1, share/(1-float64(i)*share)
		spread[i] = fault
	}
	return spread
}

func TestFaultsOfChaosHitEvenly(t *testing.T) {
	t.Parallel()
	faults := everyFault()
	left, share := 1., 0.5/float64(len(faults))
	for _, fault := range evenly("ListNodes", faults, 0.5) {
		require.InDelta(t, share, left*fault.Probability, 1e-9, fault)
		left *= 1 - fault.Probability
	}
	require.InDelta(t, 0.5, left, 1e-9)
}
