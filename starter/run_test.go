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
	} {
		var stdout, stderr bytes.Buffer
		code := execute(t.Context(), []string{"run", "--cluster", "c", "--all", "--id", id, "--", "echo hi"}, nil, &stdout, &stderr)
		require.Equal(t, exitUsage, code, stderr.String())
		require.Contains(t, stderr.String(), says)
		require.Empty(t, stdout.String())
	}
	require.NoError(t, checkID(strings.Repeat("x", maxID)))
}
