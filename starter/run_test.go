package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnUnusableNameIsRefusedBeforeAnythingIsStarted(t *testing.T) {
	t.Parallel()
	for id, says := range map[string]string{
		"":                           "--id is empty",
		"  ":                         "--id is empty",
		strings.Repeat("x", maxID+1): "--id has 1001 bytes, Temporal takes 1000",
		"run-\xff":                   "--id is not valid UTF-8",
		"my run":                     `--id is "my run": with ' ' in it no command that names the run could be pasted; put a - in its place`,
		"my\nrun":                    `with '\n' in it`,
		"my\u00a0run":                `with '\u00a0' in it`,
		"$(date)":                    `with '$' in it`,
		"-run":                       `--id is "-run", which commands would take for a flag`,
		"nightly/solve/1":            `--id is "nightly/solve/1", which is the name of a step or of a cluster in run nightly/solve: give a name without /, such as nightly-solve-1`,
	} {
		var stdout, stderr bytes.Buffer
		code := execute(t.Context(), []string{"run", "--cluster", "c", "--all", "--id", id, "--", "echo hi"}, nil, &stdout, &stderr)
		require.Equal(t, exitUsage, code, stderr.String())
		require.Contains(t, stderr.String(), says)
		require.Empty(t, stdout.String())
	}
	require.NoError(t, checkNewID(strings.Repeat("x", maxID)))
	require.NoError(t, checkNewID("nächtlich_2026-11-26T22:00:00Z.2"))
	require.NoError(t, checkID("nightly/solve-r2"), "the rerun of a step")
}
