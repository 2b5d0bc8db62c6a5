package workflows

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows/policy"
)

func TestAResultThatOutgrowsTemporalIsCutWhereItIsMissedLeast(t *testing.T) {
	t.Parallel()
	large := func(output, attempts int) *rollout {
		r := &rollout{}
		r.status.Rollout = &RolloutReport{}
		for i := range MaxNodes {
			node := NodeResult{InstanceID: strings.Repeat("i", 20) + string(rune('a'+i%26)), State: activities.Succeeded}
			if i%2 == 1 {
				node.State = activities.Nonzero
			}
			node.Output = strings.Repeat(string(rune('a'+i%26)), output)
			for range attempts {
				node.Attempts = append(node.Attempts, Attempt{CommandID: fmt.Sprint("c-", i), State: activities.Lost})
			}
			r.places = append(r.places, place{Place: policy.Place{Stage: policy.Over, State: node.State}, Node: i})
			r.status.Nodes = append(r.status.Nodes, node)
		}
		return r
	}
	for name, tc := range map[string]struct {
		output, attempts int
		ofSucceeded      int // what is left of their output
		ofOthers         int
	}{
		"fits":                         {50, 0, 50, 50},
		"attempts are left out":        {50, 5, 50, 50},
		"outputs of success, then":     {250, 0, 0, 250},
		"at last what the others left": {900, 5, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := large(tc.output, tc.attempts)
			r.fit(func() any { return r.status.RunCommandResult })
			text, err := json.Marshal(r.status.RunCommandResult)
			require.NoError(t, err)
			require.LessOrEqual(t, len(text), mostPayload)
			require.Equal(t, tc.attempts*MaxNodes, r.report().AttemptsLeftOut)
			require.Len(t, r.status.Nodes[0].Output, tc.ofSucceeded)
			require.Len(t, r.status.Nodes[1].Output, tc.ofOthers)
			require.Equal(t, tc.ofSucceeded < tc.output, r.status.Nodes[0].OutputCut)
		})
	}
}
