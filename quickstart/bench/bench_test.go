package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if code, played := play(os.Args[1:]); played {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestEveryPatternDoesTheJob says nothing of how fast.
func TestEveryPatternDoesTheJob(t *testing.T) {
	t.Parallel()
	for _, name := range patternNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			var stderr bytes.Buffer
			code := execute(t.Context(), []string{
				"--patterns", name, "--concurrency", "3", "--duration", "3s", "--out", out, "--machine", "a test's",
			}, &stderr)
			require.Zero(t, code, stderr.String())

			text, err := os.ReadFile(filepath.Join(out, "results.json"))
			require.NoError(t, err)
			var report Report
			require.NoError(t, json.Unmarshal(text, &report))
			require.Len(t, report.Measurements, 1)
			m := report.Measurements[0]
			require.Equal(t, name, m.Pattern)
			require.Equal(t, 3, m.Runs)
			require.Empty(t, m.Failures)
			for figure, value := range map[string]float64{
				"events": m.Events, "bytes": m.Bytes, "API calls": m.APICalls, "end lag": m.EndLag.P50, "node lag": m.NodeLag.P50,
				"server CPU": m.ServerCPU, "worker CPU": m.WorkerCPU, "worker memory": m.WorkerPeakMB, "wall": m.Wall,
			} {
				require.Positive(t, value, figure)
			}
			for _, file := range []string{"results.md", "results.svg"} {
				text, err := os.ReadFile(filepath.Join(out, file))
				require.NoError(t, err)
				require.Contains(t, string(text), name)
			}
		})
	}
}
