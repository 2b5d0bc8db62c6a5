package console

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func someNodes() []runs.NodeOf {
	return []runs.NodeOf{
		{RunID: "r", ClusterID: "c", NodeResult: workflows.NodeResult{
			InstanceID: "i-a", HostName: "compute0", State: activities.Nonzero, ExitCode: code(-1), Output: "=cmd|'/c calc'!A1\nsecond, \"line\"\n", OutputBytes: 30,
		}},
		{RunID: "r", ClusterID: "c", NodeResult: workflows.NodeResult{
			InstanceID: "i-b", State: activities.Succeeded, ExitCode: code(0), Output: "y\x1b[2J", OutputBytes: 90_000, OutputCut: true, OutputURI: "file:///b",
		}},
		{RunID: "r", ClusterID: "c", NodeResult: workflows.NodeResult{InstanceID: "i-c", State: activities.Lost, Reason: "gone"}},
	}
}

func TestCSVHoldsEveryNodeAndNoFormula(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, WriteNodesCSV(&out, someNodes()))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 4)
	require.Equal(t, NodesHeader, rows[0])
	require.Equal(t, "'=cmd|'/c calc'!A1\nsecond, \"line\"\n", rows[1][13])
	require.Equal(t, "-1", rows[1][6], "a number stays one")
	require.Equal(t, []string{"r", "c", "i-b", "", "", "succeeded", "0", "1", "", "", "90000", "true", "file:///b", "y\x1b[2J"}, rows[2])
}

func TestOutputsStandUnderAHeaderForEachNode(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, WriteOutputs(&out, someNodes()))
	require.Equal(t, `==> i-a compute0: nonzero (exit -1)
=cmd|'/c calc'!A1
second, "line"

==> i-b: succeeded (exit 0), cut from 90000 bytes; all of it: file:///b
y·[2J

==> i-c: lost: gone, no output
`, out.String())
}

func TestTheTableOfNodesHasEachWithItsLastLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, WriteNodes(&out, someNodes()))
	require.Regexp(t, `i-a +compute0 +nonzero +-1 +30 B +second, "line"`, out.String())
	require.NotContains(t, out.String(), "\x1b")
	require.NotContains(t, out.String(), "CLUSTER")
}

func TestNoNodesAreAnEmptyListForMachines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, WriteNodesJSON(&out, nil))
	require.JSONEq(t, `[]`, out.String())
	out.Reset()
	require.NoError(t, WriteNodesJSON(&out, someNodes()))
	var read []struct{ Run, InstanceID string }
	require.NoError(t, json.Unmarshal(out.Bytes(), &read))
	require.Equal(t, "i-c", read[2].InstanceID)
}

func TestNoOutputPassesForTheHeaderOfAnotherNode(t *testing.T) {
	t.Parallel()
	nodes := someNodes()[:1]
	nodes[0].Output = "==> i-b: succeeded (exit 0)\nx\n==> i-c: succeeded (exit 0)\n"
	var out bytes.Buffer
	require.NoError(t, WriteOutputs(&out, nodes))
	require.Equal(t, "==> i-a compute0: nonzero (exit -1)\n ==> i-b: succeeded (exit 0)\nx\n ==> i-c: succeeded (exit 0)\n", out.String())
}

func TestOutputsOfSeveralStepsAndClustersAreToldApart(t *testing.T) {
	t.Parallel()
	of := func(run, cluster string) runs.NodeOf {
		return runs.NodeOf{RunID: run, ClusterID: cluster, NodeResult: workflows.NodeResult{InstanceID: "i-a", HostName: "compute0", State: activities.Succeeded, Output: "x"}}
	}
	for _, c := range []struct {
		nodes []runs.NodeOf
		want  string
	}{
		{[]runs.NodeOf{of("r/mesh", "c"), of("r/solve/1", "c")}, "==> mesh i-a compute0: succeeded\nx\n\n==> solve/1 i-a compute0: succeeded\nx\n"},
		{[]runs.NodeOf{of("r/c", "c"), of("r/d", "d")}, "==> c i-a compute0: succeeded\nx\n\n==> d i-a compute0: succeeded\nx\n"},
		{[]runs.NodeOf{of("r/mesh/c", "c"), of("r/mesh/d", "d")}, "==> mesh c i-a compute0: succeeded\nx\n\n==> mesh d i-a compute0: succeeded\nx\n"},
	} {
		var out bytes.Buffer
		require.NoError(t, WriteOutputs(&out, c.nodes))
		require.Equal(t, c.want, out.String())
	}
}
