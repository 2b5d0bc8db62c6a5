package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/console"
	"ehpcflow/internal/forecast"
	"ehpcflow/pipeline"
)

// starterOn runs a command line where there is no Temporal.
func starterOn(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = execute(t.Context(), args, nil, &out, &err)
	return code, out.String(), err.String()
}

// pipelineFile is a file of a pipeline.
func pipelineFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "p.yaml")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

const examples = "../examples/"

func TestAFileThatIsRightIsSummedUpInALine(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := starterOn(t, "pipeline", "validate", examples+"solve.yaml", examples+"site.yaml")
	require.Equal(t, exitSucceeded, code, stderr)
	require.Equal(t, examples+`solve.yaml: pipeline solve is right: 5 steps (4 commands, 1 job); clusters main; inputs case, cells, user
`+examples+`site.yaml: pipeline site is right: 2 steps (2 commands); clusters site; inputs cluster (to be given)
`, stdout)
	code, stdout, _ = starterOn(t, "pipeline", "validate", "--json", examples+"solve.yaml")
	require.Equal(t, exitSucceeded, code)
	var checks []console.FileCheck
	require.NoError(t, json.Unmarshal([]byte(stdout), &checks))
	require.True(t, checks[0].Valid)
	require.Equal(t, map[pipeline.Kind]int{pipeline.RunsCommand: 4, pipeline.RunsJob: 1}, checks[0].Steps)
}

const wrongFile = `name: wrong
clusters: {main: ehpc-1}
steps:
  a: {needs: [b], command: {all: true, run: echo hi, timeout: 1s}}
  b: {needs: [c], command: {all: true, nodes: [i-a], run: echo hi, rollout: {waves: x}}}
`

func TestEveryProblemOfAFileIsALineWithItsPlace(t *testing.T) {
	t.Parallel()
	name := pipelineFile(t, strings.ReplaceAll(wrongFile, "[c]", "[nobody]"))
	code, stdout, stderr := starterOn(t, "pipeline", "validate", name)
	require.Equal(t, exitUsage, code)
	require.Empty(t, stderr)
	for line := range strings.Lines(stdout) {
		require.Regexp(t, `^`+name+`:\d+:\d+: .+`, line)
	}
	require.Contains(t, stdout, name+":5:")
	require.Contains(t, stdout, "nobody")
}

func TestWhatTheRunOfAStepWouldRefuseIsToldOfTheFile(t *testing.T) {
	t.Parallel()
	name := pipelineFile(t, strings.NewReplacer("needs: [b], ", "", "needs: [c], ", "").Replace(wrongFile))
	code, stdout, _ := starterOn(t, "pipeline", "validate", name)
	require.Equal(t, exitUsage, code)
	require.Regexp(t, name+`:4:\d+: .*a\.command.*1s`, stdout)
	require.Regexp(t, name+`:5:\d+: .*b\.command`, stdout)
}

func TestAWrongFileOrInputStartsNothingAndSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"run", "plan"} {
		code, stdout, stderr := starterOn(t, "pipeline", command, examples+"solve.yaml", "--input", "cells=many", "--input", "cese=x", "--input", "user", "--input", "case=a", "--input", "case=b")
		require.Equal(t, exitUsage, code)
		require.Empty(t, stdout)
		for _, says := range []string{`input cells: it is the text "many"`, "there is no input cese", "--input user names no value", "--input case is given twice"} {
			require.Contains(t, stderr, says)
		}
	}
	for says, args := range map[string][]string{
		"nothing was started:\nno.yaml: it cannot be read: there is no such file": {"run", "no.yaml"},
		"it cannot be read: is a directory":                                       {"run", t.TempDir()},
		"run takes the name of a pipeline's file":                                 {"run"},
		`run takes one file, "b.yaml" is one more`:                                {"run", "a.yaml", "b.yaml"},
		"input cluster is not given, and has no default":                          {"run", examples + "site.yaml"},
		"--id is empty": {"run", examples + "solve.yaml", "--id", ""},
		"which is the name of a step or of a cluster in run nightly":                                  {"run", examples + "solve.yaml", "--id", "nightly/solve"},
		"--id has 251 bytes, a pipeline takes 250":                                                    {"run", examples + "solve.yaml", "--id", strings.Repeat("x", 251)},
		"say from where: --from-failed":                                                               {"rerun", "run-1"},
		"validate takes the names of files":                                                           {"validate"},
		`there is no format "png": use mermaid or svg`:                                                {"graph", examples + "solve.yaml", "--format", "png"},
		"both a file (a.yaml) and a run (--run) are given":                                            {"graph", "a.yaml", "--run", "run-1"},
		"schedule takes a name, and a pipeline's file":                                                {"schedule", "nightly"},
		"no schedule was created:\ninput cluster is not given, and has no default":                    {"schedule", "nightly", examples + "site.yaml", "--cron", "x"},
		"--catch-up is 0s, the least that Temporal takes is":                                          {"schedule", "nightly", examples + "solve.yaml", "--cron", "0 22 * * *", "--catch-up", "0s"},
		`there is no command pipeline "start"`:                                                        {"start"},
		"the name has 240 bytes, for a pipeline it can have 229, as the time and the names of the st": {"schedule", strings.Repeat("x", 240), examples + "solve.yaml", "--every", "6h"},
	} {
		code, stdout, stderr := starterOn(t, append([]string{"pipeline"}, args...)...)
		require.Equal(t, exitUsage, code, "%v: %s", args, stderr)
		require.Contains(t, stderr, says)
		require.Empty(t, stdout)
	}
}

func TestAPlanSaysWhatCanBeToldWithoutARun(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := starterOn(t, "pipeline", "plan", examples+"driver-upgrade.yaml", "--input", "version=1.2")
	require.Equal(t, exitSucceeded, code, stderr)
	for _, says := range []string{
		"inventory  command   ehpc-sim-demo", "rollback", "upgrade failed", "any(steps.inventory.nodes, .output != inputs.version)",
		"version=1.2", "requests  1 to 4 or more InvokeShellCommand, 1 to 4 or more ListNodes", "pipeline driver-upgrade: 5 steps; nothing was started",
	} {
		require.Contains(t, stdout, says)
	}
	code, stdout, _ = starterOn(t, "pipeline", "plan", examples+"sweep.yaml", "--input", "reynolds=1,2,3", "--json")
	require.Equal(t, exitSucceeded, code)
	var plan forecast.Plan
	require.NoError(t, json.Unmarshal([]byte(stdout), &plan))
	require.Equal(t, forecast.Range{Least: 3, Most: 3}, plan.Requests.Jobs)
	require.Equal(t, forecast.Range{Least: 1, Most: 1}, plan.Requests.Commands)
	require.Equal(t, forecast.Range{}, plan.Requests.Listings, "its node is named")
}

func TestAGraphIsMermaidOrSVGByTheNameOfTheFile(t *testing.T) {
	t.Parallel()
	code, stdout, _ := starterOn(t, "pipeline", "graph", examples+"solve.yaml")
	require.Equal(t, exitSucceeded, code)
	require.Contains(t, stdout, "flowchart")
	out := filepath.Join(t.TempDir(), "solve.svg")
	code, stdout, _ = starterOn(t, "pipeline", "graph", examples+"solve.yaml", "-o", out)
	require.Equal(t, exitSucceeded, code)
	require.Equal(t, out+"\n", stdout)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(text), "<svg")
}

func TestADrawingThatCannotBeWrittenNamesItsFlag(t *testing.T) {
	t.Parallel()
	code, _, stderr := starterOn(t, "pipeline", "graph", examples+"solve.yaml", "-o", filepath.Join(t.TempDir(), "none", "x.svg"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "the drawing cannot be written")
	require.Contains(t, stderr, "name another file (-o)")
}

func TestTheSchemaIsPrintedAsItIs(t *testing.T) {
	t.Parallel()
	code, stdout, _ := starterOn(t, "pipeline", "schema")
	require.Equal(t, exitSucceeded, code)
	require.Equal(t, string(pipeline.Schema), stdout)
	code, _, stderr := starterOn(t, "pipeline", "schema", "x")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, `schema takes no "x"`)
}

func TestFilesAreCompleted(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"validate"}, {"plan"}, {"graph"}, {"run"}, {"schedule", "nightly"}} {
		_, stdout, _ := starterOn(t, append(append([]string{"__complete", "pipeline"}, args...), "")...)
		require.Equal(t, "yaml\nyml\n:8\n", stdout, args)
	}
}

func TestAPlanShowsListsAsJSONAndTimeoutsOfCommands(t *testing.T) {
	t.Parallel()
	name := pipelineFile(t, `name: p
inputs: {l: {type: list}, n: {type: string, default: compute0}}
clusters: {main: ehpc-1}
steps:
  a: {output: json, command: {nodes: [i-a], run: 'echo ${{ inputs.l }}'}}
  b: {needs: [a], command: {nodes: '${{ steps.a.json }}', run: echo hi, timeout: 10m}, when: steps.a.succeeded}
`)
	code, stdout, stderr := starterOn(t, "pipeline", "plan", name, "--input", `l=["x","y",2]`)
	require.Equal(t, exitSucceeded, code, stderr)
	require.Contains(t, stdout, `l=["x","y",2]`)
	require.Contains(t, stdout, "nodes i-a: echo 'x' 'y' '2', at most 1m")
	require.Contains(t, stdout, "nodes ${{ steps.a.json }}: echo hi, at most 10m")
	code, _, stderr = starterOn(t, "pipeline", "plan", name, "--input", "l=[x")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, `input l: "[x" is no JSON list: write it such as ["a", 2], or a,b`)
}

func TestOneListHasEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	name := pipelineFile(t, wrongFile+"  c: {comand: {run: x}}\n  d: {needs: [c], when: inputs.none == 1, wait: 1s}\n")
	code, stdout, _ := starterOn(t, "pipeline", "validate", name)
	require.Equal(t, exitUsage, code)
	for _, says := range []string{`:4:\d+: .*a\.command.*1s`, `:5:\d+: .*b\.command`, `:6:\d+: .*did you mean command`, `:7:\d+: .*when.*none`} {
		require.Regexp(t, name+says, stdout)
	}
	require.True(t, strings.HasSuffix(stdout, name+": more may be found once these are right\n"), stdout)
}
