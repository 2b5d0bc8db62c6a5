package console

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func chain(first string, last workflows.NodeState) runs.CommandChain {
	past := func(id string, hour int, nodes ...workflows.NodeResult) runs.Past {
		p := runs.Past{Report: report(nodes...)}
		p.RunID, p.StartedAt = id, time.Date(2026, 11, 24, hour, 0, 0, 0, time.Local)
		return p
	}
	one := past("run-1", 1, workflows.NodeResult{InstanceID: "i-a", State: activities.Succeeded},
		workflows.NodeResult{InstanceID: "i-b", HostName: "compute001", State: activities.Nonzero})
	two := past("run-1-r2", 2, workflows.NodeResult{InstanceID: "i-b", State: last})
	two.State, two.Verdict = runs.Terminated, ""
	two.Input.Lineage = &workflows.Lineage{Run: "run-1", First: first, Sets: []string{"failed", "lost"}}
	return runs.CommandChain{Chain: runs.Chain[runs.Past]{First: first, Runs: []runs.Past{one, two}}}
}

func TestAChainIsATableOfItsRunsAndWhatIsOpen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, WriteChain(&out, chain("run-1", activities.Lost)))
	require.Regexp(t, `run-1 +2026-11-24 01:00:00 +2 +partial +1 succeeded, 1 nonzero\n`, out.String())
	require.Regexp(t, `run-1-r2 +2026-11-24 02:00:00 +1 +terminated +1 lost +failed, lost of run-1\n`, out.String())
	require.Contains(t, out.String(), "\nof 2 nodes 1 succeeded by now, 1 open:\n  i-b compute001 lost in run-1-r2\n")
	require.NotContains(t, out.String(), "no longer kept")

	out.Reset()
	require.NoError(t, WriteChain(&out, chain("run-0", activities.Succeeded)))
	require.Contains(t, out.String(), "The first run, run-0, is no longer kept: what follows is about the nodes of run-1.\nof 2 nodes 2 succeeded by now\n")
}

func TestAChainForMachinesHasEveryNodeOfEveryRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, WriteChainJSON(&out, chain("run-1", activities.Succeeded)))
	var written History
	require.NoError(t, json.Unmarshal(out.Bytes(), &written))
	require.Equal(t, 2, written.NodeCount)
	require.Equal(t, 2, written.Succeeded)
	require.Contains(t, out.String(), `"open": []`)
	require.Equal(t, []runs.Standing{{InstanceID: "i-b", State: activities.Succeeded, Run: "run-1-r2"}}, written.Runs[1].Nodes)
	require.Equal(t, []string{"failed", "lost"}, written.Runs[1].Lineage.Sets)
}
