package runs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

func TestTheSummaryOfARolloutNamesItsWaves(t *testing.T) {
	t.Parallel()
	waves, err := policy.ParseSizes("1,10%,100%")
	require.NoError(t, err)
	many := strings.Fields(strings.Repeat("i-a ", 500))
	for want, in := range map[string]workflows.RolloutInput{
		"500 nodes in 3 waves of ehpc-1: uptime":               {RunCommandInput: workflows.RunCommandInput{Target: workflows.Target{Nodes: many}}, Policy: policy.Policy{Waves: waves}},
		"all nodes in waves of 1, 10%, 100% of ehpc-1: uptime": {RunCommandInput: workflows.RunCommandInput{Target: workflows.Target{All: true}}, Policy: policy.Policy{Waves: waves}},
		"i-a of ehpc-1: uptime":                                {RunCommandInput: workflows.RunCommandInput{Target: workflows.Target{Nodes: many[:1]}}, Policy: policy.Policy{Waves: waves[:1]}},
		"all nodes of ehpc-1: uptime":                          {RunCommandInput: workflows.RunCommandInput{Target: workflows.Target{All: true}}},
	} {
		in.ClusterID, in.Command = "ehpc-1", "uptime"
		require.Equal(t, want, summary(in))
	}
	in := workflows.RolloutInput{Policy: policy.Policy{Waves: make([]policy.Size, 1000)}}
	in.Target.All, in.Command, in.ClusterID = true, strings.Repeat("ü", 2000), "ehpc-1"
	require.Less(t, len(summary(in)), 400, "the server takes no more")
	require.Contains(t, details(in), "`ehpc-1` in waves of 0, 0, 0, 0, 0 and more, timeout")
}
