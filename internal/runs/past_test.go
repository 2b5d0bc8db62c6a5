package runs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

func TestEveryStateIsInASet(t *testing.T) {
	t.Parallel()
	for _, state := range activities.NodeStates {
		past := pastRun("run-1", states{"i-a": state})
		require.Equal(t, []string{"i-a"}, past.in([]Set{"succeeded", "failed", "lost", "skipped", "unknown"}), state)
		certain := past.in([]Set{"succeeded", "failed", "lost", "skipped"})
		require.Equal(t, state.Ended() && state != activities.Finished, len(certain) == 1, state)
	}
}

func TestASetHoldsItsNodesButNoneThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	past := pastRun("run-1", states{
		"i-a": activities.Nonzero, "i-b": activities.TimedOut, "i-c": activities.Stopped, "i-d": activities.Failed, "i-e": activities.Nonzero,
	})
	past.Commands = []workflows.Command{{Nodes: 4, Unasked: []string{"i-e"}}}
	for set, want := range map[Set][]string{
		"failed": {"i-a", "i-b", "i-c", "i-d"}, "nonzero": {"i-a"}, "timed_out": {"i-b"}, "stopped": {"i-c"}, "lost": nil,
	} {
		require.Equal(t, want, past.in([]Set{set}), set)
	}
	require.Equal(t, []string{"i-a", "i-c"}, past.in([]Set{"stopped", "nonzero"}), "in the order of the run")
}

func TestSelectionsAreReadOrRefusedWithWhatToUse(t *testing.T) {
	t.Parallel()
	got, err := ParseSelection("failed, lost,failed:night:2")
	require.NoError(t, err)
	require.Equal(t, Selection{Sets: []Set{"failed", "lost"}, Run: "night:2"}, got)
	require.Equal(t, "failed,lost:night:2", got.String())
	for text, says := range map[string]string{
		"failed": "names no run", "failed:": "names no run", "run-1": "names no run", "": "names no run",
		"broken:run-1": `"broken" is no set of nodes: use succeeded, failed,`, ":run-1": `"" is no set`, "failed,:run-1": `"" is no set`,
	} {
		_, err := ParseSelection(text)
		require.ErrorContains(t, err, says, text)
	}
}

func TestNodesOfSeveralPastRunsAreTakenOnce(t *testing.T) {
	t.Parallel()
	a := pastRun("a", states{"i-a": activities.Nonzero, "i-b": activities.Lost, "i-c": activities.Succeeded})
	b := pastRun("b", states{"i-a": activities.Nonzero, "i-d": activities.Skipped})
	elsewhere := pastRun("elsewhere", states{"i-z": activities.Nonzero, "i-e": activities.Nonzero})
	elsewhere.Input.ClusterID = "ehpc-2"
	pasts := map[string]Past{"a": a, "b": b, "on": going(b), "elsewhere": elsewhere}
	for name, tc := range map[string]struct {
		cluster string
		from    []string
		nodes   []string
		says    []string
	}{
		"a union":              {"", []string{"failed:a", "failed,skipped:b", "lost:a"}, []string{"i-a", "i-d", "i-b"}, nil},
		"the cluster is named": {"ehpc-1", []string{"lost:a"}, []string{"i-b"}, nil},
		"one of them is empty": {"", []string{"skipped:a", "skipped:b"}, []string{"i-d"}, nil},
		"all are empty":        {"", []string{"skipped:a", "lost:b"}, nil, []string{"no node of run a is skipped (1 succeeded, 1 nonzero, 1 lost)", "no node of run b is lost"}},
		"another cluster":      {"ehpc-2", []string{"lost:a", "failed:a"}, nil, []string{"run a was on cluster ehpc-1, and --cluster names ehpc-2"}},
		"two clusters":         {"", []string{"failed:a", "failed:elsewhere"}, nil, []string{"run elsewhere was on cluster ehpc-2, and run a was on ehpc-1"}},
		"everything wrong":     {"ehpc-2", []string{"failed:on", "lost:on"}, nil, []string{"run b still goes on", "run b was on cluster"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var selections []Selection
			for _, text := range tc.from {
				selection, err := ParseSelection(text)
				require.NoError(t, err)
				selections = append(selections, selection)
			}
			selected, problems := choose(tc.cluster, selections, pasts)
			require.Len(t, problems, len(tc.says), "%q", problems)
			for i, says := range tc.says {
				require.Contains(t, problems[i], says)
			}
			if tc.says == nil {
				require.Equal(t, tc.nodes, selected.Nodes)
				require.Equal(t, "ehpc-1", selected.ClusterID)
			}
		})
	}
	require.Equal(t, []string{"i-b"}, Selected{Nodes: []string{"i-a", "i-b"}}.Among([]string{"i-b", "i-c"}))
}
