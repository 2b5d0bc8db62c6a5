package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// pipelineFile writes the file of a pipeline on the simulated cluster.
func pipelineFile(t *testing.T, steps string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "p.yaml")
	require.NoError(t, os.WriteFile(name, []byte("name: tried\nclusters: {main: "+stack.ClusterID+"}\n"+steps), 0o600))
	return name
}

// withoutTimes are lines of progress without their times.
func withoutTimes(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if at, rest, found := strings.Cut(strings.TrimSpace(line), " "); found && strings.Count(at, ":") == 2 {
			lines = append(lines, rest)
		}
	}
	return lines
}

func TestAPipelineThatFailedIsRunAgainFromThereAndNothingElseIs(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	command, repair := s.unlessRepaired()
	file := pipelineFile(t, `steps:
  stage: {command: {all: true, run: echo staged}}
  solve: {needs: [stage], command: {all: true, run: '`+command+`'}}
  never: {when: 'false', wait: 1h}
  publish: {needs: [solve, never], command: {nodes: [`+s.nodes()[0]+`], run: 'echo ${{ steps.stage.output }}'}}
finally:
  clean: {command: {all: true, run: echo cleaned}}
outputs: {said: '${{ steps.publish.output }}'}
`)
	first := s.starter("pipeline", "run", file, "--id", "piped")
	require.Equal(t, 1, first.code, first.stderr)
	for _, says := range []string{" ├ stage          command  succeeded", "publish", "it needs solve, which failed", "its condition is false", "clean (finally)", "run piped: failed (2 succeeded, 1 failed, 2 skipped; solve failed)"} {
		require.Contains(t, first.stdout, says)
	}
	lines := strings.Join(withoutTimes(first.stderr), "\n")
	for _, says := range []string{"stage succeeded: 4 succeeded", "solve failed: partial; 3 succeeded, 1 nonzero", "publish skipped: it needs solve, which failed", "clean succeeded: 4 succeeded"} {
		require.Contains(t, lines, says)
	}
	require.Equal(t, 12, s.executions())
	require.Equal(t, 1, s.starter("status", "piped").code)
	require.Equal(t, 4, s.starter("status", "piped/solve").code, "the run of a step is one as any other")

	for says, args := range map[string][]string{
		"starter pipeline rerun piped --from-failed": {"rerun", "piped"},
		"say from where: --from-failed":              {"pipeline", "rerun", "piped"},
		"piped exists already":                       {"pipeline", "run", file, "--id", "piped"},
	} {
		refused := s.starter(args...)
		require.Equal(t, 2, refused.code, refused.stderr)
		require.Contains(t, refused.stderr, says)
	}

	failed := s.starter("results", "piped", "--failed")
	require.Equal(t, 0, failed.code, failed.stderr)
	require.Regexp(t, `(?m)^ solve +`+s.nodes()[2]+` .*nonzero`, s.starter("results", "piped").stdout)
	require.Contains(t, failed.stderr, "1 of 12 nodes shown")
	report := s.starter("report", "piped", "--file", "-")
	require.Equal(t, 0, report.code, report.stderr)
	require.Contains(t, report.stdout, "solve on "+stack.ClusterID)

	repair()
	again := s.starter("pipeline", "rerun", "piped", "--from-failed")
	require.Equal(t, 0, again.code, again.stderr)
	require.Contains(t, again.stderr, "rerun of piped from solve, publish; steps that are not run again: 1; skipped before, and looked at again: never\n")
	require.Contains(t, again.stdout, "not run again, done in piped")
	require.Contains(t, again.stdout, "said = staged\n", "a later step sees what one left that was not run again")
	require.Contains(t, again.stdout, "run piped-r2: succeeded (4 succeeded, 1 skipped)")
	require.Contains(t, s.starter("results", "piped-r2").stderr, "1 step was taken over from piped: starter results piped\n")
	history := s.starter("history", "piped")
	require.Equal(t, 0, history.code, history.stderr)
	require.Contains(t, history.stdout, "of 5 steps 4 succeeded by now, 1 did not have to run\n")
	require.Equal(t, 12+4+1+4, s.executions(), "stage did not run again")

	for says, id := range map[string]string{"run piped was run again as piped-r2": "piped", "every step of run piped-r2 has succeeded": "piped-r2"} {
		refused := s.starter("pipeline", "rerun", id, "--from-failed")
		require.Equal(t, 2, refused.code, refused.stderr)
		require.Contains(t, refused.stderr, says)
	}
	var status runs.PipelineReport
	require.NoError(t, json.Unmarshal([]byte(s.starter("status", "piped-r2", "--json").stdout), &status))
	require.Equal(t, &workflows.Lineage{Run: "piped", First: "piped", Sets: []string{"failed"}}, status.Lineage)
	require.Equal(t, workflows.Succeeded, status.Verdict)
	var changes int
	for range strings.Lines(s.starter("watch", "piped", "--json").stdout) {
		changes++
	}
	require.Equal(t, 1, changes, "of one that has ended there is the end")
	await(t, 20*time.Second, "the runs are listed", func() bool {
		listed := s.starter("list", "--parent", "piped").stdout
		return strings.Contains(listed, "piped/solve ") && strings.Contains(listed, "piped-r2 ") && strings.Contains(s.starter("list").stdout, "pipeline tried (")
	})
	graph := s.starter("pipeline", "graph", "--run", "piped")
	require.Equal(t, 0, graph.code, graph.stderr)
	require.Contains(t, graph.stdout, ":::failed")
}

func TestAPipelineHasItsHistoryFromEveryRunOfItsChain(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	command, repair := s.unlessRepaired()
	file := pipelineFile(t, `steps:
  stage: {command: {all: true, run: echo staged}}
  ask: {needs: [stage], approval: {message: 'Go?', within: 1s, onTimeout: approve}}
  solve: {needs: [ask], command: {all: true, run: '`+command+`'}}
  cases: {needs: [solve], foreach: {items: [a, b]}, command: {nodes: [`+s.nodes()[0]+`], run: '[ ${{ item }} = a ] || [ $EHPCFLOW_NOWHERE ]'}}
finally:
  clean: {command: {all: true, run: echo cleaned}}
`)
	require.Equal(t, 1, s.starter("pipeline", "run", file, "--id", "long").code)
	require.Equal(t, 1, s.starter("pipeline", "rerun", "long", "--from-failed").code)
	repair()
	require.Equal(t, 1, s.starter("pipeline", "rerun", "long-r2", "--from-failed", "--id", "longer").code)
	await(t, 20*time.Second, "a rerun of another name is listed", func() bool {
		return strings.Contains(s.starter("history", "long").stdout, "longer")
	})
	for _, id := range []string{"long", "long-r2", "longer"} {
		shown := s.starter("history", id)
		require.Equal(t, 1, shown.code, shown.stderr)
		for _, line := range []string{
			`long +\S+ \S+ +failed +3 succeeded, 1 failed, 1 skipped$`,
			`long-r2 +\S+ \S+ +failed +1 succeeded, 1 failed, 1 skipped, 2 taken over +solve, cases$`,
			`longer +\S+ \S+ +failed +2 succeeded, 1 failed, 2 taken over +solve, cases$`,
			`.*stage +command +succeeded +long$`,
			`.*ask +approval +succeeded +long$`,
			`.*solve +command +succeeded +longer$`,
			`.*cases +command +failed +longer$`,
			`clean \(finally\) +command +succeeded +longer$`,
			`of 5 steps 4 succeeded by now, 1 open:$`,
			`  cases failed in longer: 1 of 2 items failed: 2;`,
			`run again what is left: starter pipeline rerun longer --from-failed$`,
		} {
			require.Regexp(t, "(?m)^ ?"+line, shown.stdout)
		}
		var history struct {
			First string
			Runs  []struct {
				Run       string
				Lineage   *workflows.Lineage
				TakenOver int
			}
			Steps []struct{ Name, State, In, Run string }
			Open  []string
		}
		asJSON := s.starter("history", id, "--json")
		require.Equal(t, 1, asJSON.code, asJSON.stderr)
		require.NoError(t, json.Unmarshal([]byte(asJSON.stdout), &history))
		require.Equal(t, "long", history.First)
		require.Len(t, history.Runs, 3)
		require.Equal(t, "longer", history.Runs[2].Run)
		require.Equal(t, "long-r2", history.Runs[2].Lineage.Run)
		require.Equal(t, 2, history.Runs[2].TakenOver)
		require.Equal(t, []string{"longer", "longer/solve"}, []string{history.Steps[2].In, history.Steps[2].Run})
		require.Equal(t, []string{"cases"}, history.Open)
	}
	refused := s.starter("pipeline", "rerun", "long-r2", "--from-failed")
	require.Equal(t, 2, refused.code)
	require.Contains(t, refused.stderr, "run long-r2 was run again as longer")

	own := s.starter("history", "long/solve")
	require.Equal(t, 1, own.code, own.stderr)
	require.Contains(t, own.stdout, "of 4 nodes 3 succeeded by now, 1 open:")
	require.Contains(t, own.stderr, "run long/solve is part of run long: starter history long shows what became of it")
	for id, says := range map[string]string{
		"long/ask":     "run long/ask is an approval of run long, and is run again with that only: starter history long shows",
		"longer/cases": "run longer/cases is a foreach of run longer,",
		"longer/stage": "step stage of run longer was not run again, it was done in run long",
	} {
		refused := s.starter("history", id)
		require.Equal(t, 2, refused.code, refused.stderr)
		require.Contains(t, refused.stderr, says)
	}
}

func TestAnApprovalOfAPipelineIsGivenUnderTheNameOfItsStep(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	file := pipelineFile(t, `inputs: {who: {type: string, default: nobody}}
steps:
  ask: {approval: {message: 'Publish for ${{ inputs.who }}', within: 1h}}
  publish: {needs: [ask], command: {all: true, run: 'echo ${{ inputs.who }}'}}
finally:
  clean: {wait: 1s}
`)
	began := s.starter("pipeline", "run", file, "--id", "asked", "--input", "who=ann", "--detach")
	require.Equal(t, 0, began.code, began.stderr)
	require.Equal(t, "asked\n", began.stdout)
	waits := func(id string) bool {
		return strings.Contains(s.starter("status", id).stdout, "ask waits: for an approval (Publish for ")
	}
	await(t, 20*time.Second, "it waits", func() bool { return waits("asked") })
	await(t, 20*time.Second, "it is listed as waiting", func() bool { return strings.Contains(s.starter("list", "--phase", "waiting").stdout, "asked ") })
	other := s.starter("approve", "asked", "--why", "looks well")
	require.Equal(t, 2, other.code)
	require.Contains(t, other.stderr, "ask waits for an approval: starter approve asked/ask --why TEXT")
	rerun := s.starter("pipeline", "rerun", "asked", "--from-failed")
	require.Equal(t, 2, rerun.code)
	require.Contains(t, rerun.stderr, "run asked still goes on")
	given := s.starter("approve", "asked/ask", "--why", "looks well", "--by", "bob")
	require.Equal(t, 0, given.code, given.stderr)
	ended := s.starter("pipeline", "watch", "asked")
	require.Equal(t, 0, ended.code, ended.stderr)
	require.Contains(t, ended.stdout, "by bob")
	status := s.starter("status", "asked/ask")
	require.Equal(t, 0, status.code, status.stderr)
	require.Contains(t, status.stdout, "looks well")

	require.Equal(t, 0, s.starter("pipeline", "run", file, "--id", "dropped", "--detach").code)
	await(t, 20*time.Second, "it waits", func() bool { return waits("dropped") })
	executions := s.executions()
	dropped := s.starter("cancel", "dropped")
	require.Equal(t, 0, dropped.code, dropped.stderr)
	require.Contains(t, dropped.stdout, "clean (finally)  wait      succeeded")
	require.Equal(t, 6, s.starter("status", "dropped").code)
	require.Equal(t, executions, s.executions())
}

func TestAPipelineByTheClockFailsForTemporalUnlessItSucceeds(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	file := pipelineFile(t, "inputs: {cells: {type: integer}, mesh: {type: string, default: coarse}}\nsteps: {check: {command: {all: true, run: 'exit 3'}}}\n")
	name := "pipeline-by-the-clock"
	created := s.starter("pipeline", "schedule", name, file, "--every", "24h", "--pause-on-failure", "--input", "cells=4000")
	require.Equal(t, 0, created.code, created.stderr)
	require.Contains(t, s.starter("schedule", "show", name).stdout, "Inputs     cells = 4000\n           mesh = coarse\n")
	t.Cleanup(func() { s.Client.ScheduleClient().GetHandle(t.Context(), name).Delete(t.Context()) }) //nolint:errcheck // it may be gone
	require.Equal(t, 0, s.starter("schedule", "trigger", name).code)
	run := ""
	await(t, 60*time.Second, "its run has ended", func() bool {
		for _, fired := range s.shown(name).Runs {
			run = fired.Run
			return fired.State == runs.Failed
		}
		return false
	})
	shown := s.starter("status", run)
	require.Equal(t, 1, shown.code, shown.stderr)
	require.Contains(t, shown.stdout, ": failed (1 failed; check failed)", "its verdict, as if it had completed")
	await(t, 30*time.Second, "it is paused", func() bool { return s.shown(name).Paused })
}

func TestARerunTakesOverWhatSucceededInEitherAttemptAtAPipeline(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	repaired := filepath.Join(t.TempDir(), "repaired")
	file := pipelineFile(t, "steps:\n  sub: {pipeline: {file: sub.yaml}, retry: {attempts: 2, backoff: 1s}}\n")
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(file), "sub.yaml"), []byte(`name: sub
clusters: {main: `+stack.ClusterID+`}
steps:
  first: {command: {all: true, run: 'true'}}
  second: {onFailure: skip, command: {all: true, run: 'test -e tried || ! touch tried'}}
  third: {onFailure: skip, command: {all: true, run: 'test -e `+repaired+`'}}
`), 0o600))
	began := s.starter("pipeline", "run", file, "--id", "either")
	require.Equal(t, 1, began.code, began.stderr)
	require.Equal(t, 4+4*2+4*2, s.executions())
	require.NoError(t, os.WriteFile(repaired, nil, 0o600))
	again := s.starter("pipeline", "rerun", "either", "--from-failed")
	require.Equal(t, 0, again.code, again.stderr)
	require.Equal(t, []string{"either-r2/sub/third"}, s.childrenOf("either-r2/sub"))
	shown := s.starter("status", "either-r2/sub")
	require.Regexp(t, `first .* done in either/sub\n`, shown.stdout)
	require.Regexp(t, `second .* done in either\n`, shown.stdout)
	results := s.starter("results", "either")
	require.Equal(t, 0, results.code, results.stderr)
	require.Len(t, regexp.MustCompile(`(?m)^ sub/first `).FindAllString(results.stdout, -1), 4, results.stdout)
}

func TestAJobIsMissedByNoResults(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	file := pipelineFile(t, "steps:\n  solve: {job: {user: hpcuser, run: \"sh -c 'echo diverged; exit 3'\"}}\n")
	require.Equal(t, 1, s.starter("pipeline", "run", file, "--id", "jobs").code)
	failed := s.starter("results", "jobs", "--failed")
	require.Equal(t, 0, failed.code, failed.stderr)
	require.Contains(t, failed.stderr, "1 job (failed) has no nodes of its own: starter status jobs/solve\n")
	own := s.starter("results", "jobs/solve", "--output")
	require.Equal(t, 0, own.code, own.stderr)
	require.Contains(t, own.stdout, "diverged\n\nrun jobs/solve: failed (1.manager finished (exit 3);")
	refused := s.starter("results", "jobs/solve", "--csv")
	require.Equal(t, 2, refused.code)
	require.Contains(t, refused.stderr, "starter status jobs/solve shows how it stands and what it printed")
}

func TestTheFinallyOfACancelledPipelineSaysHowItIsStopped(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	file := pipelineFile(t, "steps:\n  ask: {approval: {message: 'Go?'}}\nfinally:\n  clean: {wait: 1h}\n")
	require.Equal(t, 0, s.starter("pipeline", "run", file, "--id", "cleans", "--detach").code)
	says := "was cancelled, and its finally runs; to stop that too: starter cancel cleans/clean\n"
	require.Contains(t, s.starter("cancel", "cleans", "--no-wait").stderr, "run cleans is being cancelled\n")
	await(t, 20*time.Second, "its finally runs", func() bool { return strings.Contains(s.starter("status", "cleans").stdout, "\nit "+says) })
	again := s.starter("cancel", "cleans", "--no-wait")
	require.Equal(t, 0, again.code, again.stderr)
	require.Contains(t, again.stderr, "run cleans "+says)
	require.Equal(t, 0, s.starter("cancel", "cleans/clean").code)
	require.Equal(t, 6, s.starter("watch", "cleans").code)
}
