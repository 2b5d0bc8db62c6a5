package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if code, played := play(os.Args[1:]); played {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestEveryPatternDoesTheJob says nothing of how fast. The patterns mostly wait, so
// all are at it at once, however many tests may be.
func TestEveryPatternDoesTheJob(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	codes, stderr := make([]int, len(patterns)), make([]bytes.Buffer, len(patterns))
	var all sync.WaitGroup
	for i, name := range patternNames() {
		all.Go(func() {
			codes[i] = execute(t.Context(), []string{
				"--patterns", name, "--concurrency", "3", "--duration", "3s",
				"--out", filepath.Join(out, name), "--machine", "a test's",
			}, &stderr[i])
		})
	}
	all.Wait()
	for i, name := range patternNames() {
		require.Zero(t, codes[i], stderr[i].String())
		requireFigures(t, filepath.Join(out, name), name)
	}
}

func requireFigures(t *testing.T, dir, pattern string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "results.json"))
	require.NoError(t, err)
	var report Report
	require.NoError(t, json.Unmarshal(text, &report))
	require.Len(t, report.Measurements, 1)
	m := report.Measurements[0]
	require.Equal(t, pattern, m.Pattern)
	require.Equal(t, 3, m.Runs)
	require.Empty(t, m.Failures, "a run fails unless all its nodes' ends are known")
	for figure, value := range map[string]float64{
		"events": m.Events, "bytes": m.Bytes, "API calls": m.APICalls, "end lag": m.EndLag.P50, "node lag": m.NodeLag.P50,
		"server CPU": m.ServerCPU, "worker CPU": m.WorkerCPU, "worker memory": m.WorkerPeakMB, "wall": m.Wall,
	} {
		require.Positive(t, value, "%s of %s", figure, pattern)
	}
	for _, file := range []string{"results.md", "results.svg"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		require.Contains(t, string(text), pattern)
	}
}
