package console

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func TestAWaitSaysUntilWhenInEveryState(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 26, 17, 39, 1, 0, time.FixedZone("", 3600))
	for says, report := range map[string]runs.WaitReport{
		"run a/w goes on: waits until 2026-11-26 16:39:01 UTC\n":               {State: runs.Running},
		"run a/w: succeeded (waited until 2026-11-26 16:39:01 UTC)\n":          {State: runs.Completed, Verdict: workflows.Succeeded},
		"run a/w canceled: no; it was to wait until 2026-11-26 16:39:01 UTC\n": {State: runs.Canceled, Error: &runs.Failure{Message: "no"}},
	} {
		report.RunID, report.Until = "a/w", until
		var out bytes.Buffer
		require.NoError(t, WriteWait(&out, report))
		require.Equal(t, says, out.String())
	}
}
