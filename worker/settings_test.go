package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// said is what a worker that starts nothing says.
type said struct {
	code           int
	stdout, stderr string
}

// These tests set variables, so that they do not run beside each other.
func says(t *testing.T, args ...string) said {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), args, &stdout, &stderr)
	return said{code, stdout.String(), stderr.String()}
}

func file(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker.yaml")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

func TestAFlagGoesBeforeAVariableBeforeTheFileBeforeTheDefault(t *testing.T) {
	path := file(t, "# of the site", "watches: 1", "calls: 2", "api-rate: 3", "region: cn-hangzhou")
	t.Setenv("EHPCFLOW_CONFIG", path)
	t.Setenv("EHPCFLOW_WATCHES", "10")
	t.Setenv("EHPCFLOW_CALLS", "20")
	t.Setenv("EHPCFLOW_LOG_LEVEL", "") // as docker compose passes what is not set
	got := says(t, "--watches", "100", "--region", "", "--print-config")
	require.Zero(t, got.code, got.stderr)
	for _, line := range []string{
		"watches: 100 # --watches\n", "calls: 20 # EHPCFLOW_CALLS\n", "api-rate: 3 # " + path + ":4\n",
		"region: cn-hangzhou # " + path + ":5\n", "log-level: info # default\n", "stop-patience: 30s # default\n",
	} {
		require.Contains(t, got.stdout, line)
	}
}

func TestAPrintedConfigurationIsOneThatCanBeUsed(t *testing.T) {
	first := says(t, "--region", "cn-hangzhou", "--stop-patience", "90s", "--task-queue", "a: b # c", "--deployment", "yes", "--build-id", "1.0", "--print-config")
	require.Zero(t, first.code, first.stderr)
	path := file(t, first.stdout)
	again := says(t, "--config", path, "--print-config")
	require.Zero(t, again.code, again.stderr)
	for i, line := range strings.Split(strings.TrimSpace(first.stdout), "\n") {
		before, _, _ := strings.Cut(line, " # --")
		before, _, _ = strings.Cut(before, " # default")
		require.True(t, strings.HasPrefix(strings.Split(again.stdout, "\n")[i], before), "%s became %s", line, strings.Split(again.stdout, "\n")[i])
	}
	require.Contains(t, again.stdout, "stop-patience: 1m30s # "+path)
}

func TestEveryWrongSettingIsNamedAtOnceAndNothingStarts(t *testing.T) {
	path := file(t, "watchs: 10", "watches: many", "calls: 1", "calls: 2", "log-format: [a]", "endpoint: http://user:geheim@host", "quux: 1", "config: x")
	t.Setenv("EHPCFLOW_API_RATE", "0")
	got := says(t, "--config", path, "--stop-patience", "40", "--log-level", "loud", "--build-id", "1", "--metrics-address", "nowhere",
		"--otlp-endpoint", "http://u:geheim@host:1")
	require.Equal(t, exitUsage, got.code)
	require.Empty(t, got.stdout)
	require.NotContains(t, got.stderr, "geheim")
	for _, problem := range []string{
		":1: watchs is no setting: did you mean watches?", `:2: watches is "many": use a whole number above 0`, ":4: calls is set twice",
		":5: log-format holds a list", ":6: endpoint: the endpoint takes a scheme and a host only", ":7: quux is no setting: use one of region,",
		":8: config is no setting", `EHPCFLOW_API_RATE is "0"`, `--stop-patience is "40": use a time with its unit, such as 30s`,
		`--log-level is "loud": use debug, info, warn or error`, `build-id "1": set both, or neither`, `--metrics-address is "nowhere": use HOST:PORT`,
		"--otlp-endpoint: write it without a user",
	} {
		require.Contains(t, got.stderr, problem)
	}
}

func TestOneWrongSettingIsOneLine(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no file":               {[]string{"--config", "/nowhere.yaml"}, "the configuration file cannot be read"},
		"no YAML":               {[]string{"--config", file(t, "a: [")}, "is no YAML file"},
		"a list":                {[]string{"--config", file(t, "- watches: 1")}, "write one setting a line"},
		"two documents":         {[]string{"--config", file(t, "watches: 1", "---", "calls: 1")}, "several documents"},
		"written another way":   {[]string{"--config", file(t, "apiRate: 1")}, "did you mean api-rate?"},
		"too patient":           {[]string{"--stop-patience", "2h"}, "from 1s to 1h0m0s"},
		"another OTLP protocol": {[]string{"--otlp-endpoint", "http://127.0.0.1:4318"}, "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"an argument":           {[]string{"here"}, "no arguments"},
		"an unknown flag":       {[]string{"--regin", "x"}, "--regin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
			got := says(t, append(tc.args, "--print-config")...)
			require.Equal(t, exitUsage, got.code)
			require.Contains(t, got.stderr, tc.says)
			require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
			require.Empty(t, got.stdout)
		})
	}
}

func TestAFileOfCommentsSetsNothing(t *testing.T) {
	for _, path := range []string{file(t, "# nothing"), file(t), file(t, "region:", "endpoint: ''")} {
		got := says(t, "--config", path, "--print-config")
		require.Zero(t, got.code, got.stderr)
		require.Contains(t, got.stdout, "region: # default\n")
	}
}
