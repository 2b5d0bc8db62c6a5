package workflows

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDetailsSayWhereARunComesFrom(t *testing.T) {
	t.Parallel()
	for want, result := range map[string]RunCommandResult{
		"rerun of run-1 (failed, lost)\n":                     {Lineage: &Lineage{Run: "run-1", First: "run-1", Sets: []string{"failed", "lost"}}},
		"rerun of run-1-r2 (unknown), first run run-1\n":      {Lineage: &Lineage{Run: "run-1-r2", First: "run-1", Sets: []string{"unknown"}}},
		"nodes from failed:run-1 and lost,skipped:run-nine\n": {From: []string{"failed:run-1", "lost,skipped:run-nine"}},
	} {
		s := RunCommandStatus{Phase: Ended, RunCommandResult: result}
		require.Contains(t, s.details(), want)
	}
	require.Empty(t, RunCommandResult{}.Origin())
}

func TestAResultOfNoPastRunSaysNothingOfIt(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(RunCommandResult{})
	require.NoError(t, err)
	require.NotContains(t, string(text), "lineage")
	require.NotContains(t, string(text), "from")
}
