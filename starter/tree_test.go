package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// everyCommand is each that can be run, but for what cobra adds.
func everyCommand(t *testing.T) (all []*cobra.Command) {
	t.Helper()
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			if sub.Name() == "completion" || sub.Name() == "help" {
				continue
			}
			if sub.Runnable() && !sub.HasSubCommands() {
				all = append(all, sub)
			}
			walk(sub)
		}
	}
	walk((&app{}).command())
	require.NotEmpty(t, all)
	return all
}

func TestEveryCommandSaysWhatItDoesAndGivesAnExample(t *testing.T) {
	t.Parallel()
	for _, cmd := range everyCommand(t) {
		require.NotEmpty(t, cmd.Short, cmd.Use)
		require.False(t, strings.HasSuffix(cmd.Short, "."), cmd.Short)
		require.Contains(t, cmd.Example, cmd.CommandPath(), "%s has no example", cmd.Use)
	}
}

// withoutJSON are the commands that show nothing a machine would read, and why.
var withoutJSON = map[string]string{
	"keygen": "it writes a file",
	"report": "it writes a page for people: status, results and history have the same for machines",
	"schema": "it is JSON", "graph": "it draws a picture, for people", "schedule": "as answer",
	"answer": "it tells a run something, and shows nothing but that it was taken",
	"pause":  "as answer", "resume": "as answer", "approve": "as answer", "reject": "as answer", "abandon": "as answer",
	"create": "as answer", "trigger": "as answer", "backfill": "as answer", "delete": "as answer",
	"set": "as answer", "skip-nodes": "as answer", "add-nodes": "as answer", "retry-nodes": "as answer",
}

func TestEveryCommandThatShowsSomethingDoesSoAsJSONToo(t *testing.T) {
	t.Parallel()
	for _, cmd := range everyCommand(t) {
		_, exempt := withoutJSON[cmd.Name()]
		require.NotEqual(t, exempt, cmd.Flags().Lookup("json") != nil, "%s: give it --json, or say in withoutJSON why it has none", cmd.CommandPath())
	}
}

func TestShellsAreGivenCompletions(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitSucceeded, execute(t.Context(), []string{"completion", shell}, nil, &stdout, &stderr), stderr.String())
		require.Contains(t, stdout.String(), "starter")
	}
	for _, cmd := range everyCommand(t) {
		takesRun := strings.HasPrefix(cmd.Use, cmd.Name()+" RUN")
		require.Equal(t, takesRun, cmd.ValidArgsFunction != nil && takesRun, cmd.Use)
	}
}

func TestCompletionIsSilentAndQuickWithoutTemporal(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitSucceeded, execute(t.Context(), []string{"__complete", "status", ""}, nil, &stdout, &stderr))
	require.Equal(t, ":4\n", stdout.String(), "no name, no file")
	require.NotContains(t, stderr.String(), "127.0.0.1")
}

func TestWrongFlagsAreNamedTogetherBeforeTemporalIsAsked(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"no cluster: name one (--cluster); no command: name one by its id (--command-id)": {"attach"},
		"--deadline is 1m0s, and making sure of the nodes alone takes a minute: use 2m or more": {
			"attach", "--cluster", "ehpc-1", "--command-id", "c-1", "--deadline", "60s",
		},
		`attach takes no "c-1"`:                                                                        {"attach", "c-1"},
		`--state: "broken" is no state of a node: use succeeded`:                                       {"results", "run-1", "--state", "broken"},
		"of --output, --json and --csv one can be had at a time":                                       {"results", "run-1", "--json", "--csv"},
		"watch takes the name of one run":                                                              {"watch"},
		"report takes the name of one run":                                                             {"report", "a", "b"},
		"tree_test.go exists: overwrite it (--force), or name another file (--file)":                   {"report", "run-1", "--file", "tree_test.go"},
		`version takes no "x"`:                                                                         {"version", "x"},
		"--expect is 1.5s: use whole seconds; --deadline is 500ms: use whole seconds; no cluster: nam": {"attach", "--expect", "1500ms", "--deadline", "500ms"},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitUsage, execute(t.Context(), args, nil, &stdout, &stderr), stderr.String())
		require.Contains(t, stderr.String(), says)
		require.Empty(t, stdout.String())
	}
}
