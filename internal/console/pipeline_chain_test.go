package console

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// pipelineChain is a run that failed, a rerun that did what was left but one step, and one
// that was refused at its start.
func pipelineChain() runs.PipelineChain {
	past := func(id string, hour int, states ...workflows.StepState) runs.PipelinePast {
		p := runs.PipelinePast{PipelineReport: runs.PipelineReport{RunID: id, State: runs.Completed}}
		p.StartedAt = time.Date(2026, 11, 24, hour, 0, 0, 0, time.Local)
		needs := [][]string{nil, {"stage"}, {"solve"}}
		for i, state := range states {
			p.Steps = append(p.Steps, aStep([]string{"stage", "solve", "publish"}[i], state, needs[i]...))
		}
		return p
	}
	first := past("run-1", 1, workflows.StepSucceeded, workflows.StepFailed, workflows.StepSkipped)
	first.Verdict = workflows.Failed
	never := aStep("never", workflows.StepSkipped)
	never.Passed = true
	first.Steps = append(first.Steps, never)
	second := past("run-1-r2", 2, workflows.StepSucceeded, workflows.StepSucceeded, workflows.StepFailed)
	second.Verdict = workflows.Failed
	second.Steps = append(second.Steps, never)
	second.Steps[0].DoneIn, second.Steps[2].Reason = "run-1", "it is no JSON"
	second.Finally = []workflows.StepResult{aStep("clean", workflows.StepSucceeded)}
	second.Input.Lineage = &workflows.Lineage{Run: "run-1", First: "run-1"}
	third := past("of-another-name", 3)
	third.State, third.Error = runs.Failed, &runs.Failure{Code: "InvalidInput", Message: "the name is long"}
	third.Input.Lineage = &workflows.Lineage{Run: "run-1", First: "run-1"}
	return runs.PipelineChain{Chain: runs.Chain[runs.PipelinePast]{First: "run-1", Runs: []runs.PipelinePast{first, second, third}}}
}

const standingsOfChain = `
 STEP             KIND     BY NOW     IN
 ├ stage          command  succeeded  run-1
 │ solve          command  succeeded  run-1-r2
 │ publish        command  failed     run-1-r2
 └ never          command  skipped    run-1-r2
 clean (finally)  command  succeeded  run-1-r2

of 5 steps 3 succeeded by now, 1 did not have to run, 1 open:
  publish failed in run-1-r2: it is no JSON

run again what is left: starter pipeline rerun run-1-r2 --from-failed
`

func TestTheChainOfAPipelineIsATableOfItsRunsAndOfItsSteps(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, WritePipelineChain(&out, pipelineChain()))
	require.Equal(t, ` RUN              STARTED              VERDICT  STEPS                                           RUN AGAIN
 run-1            2026-11-24 01:00:00  failed   1 succeeded, 1 failed, 2 skipped
 run-1-r2         2026-11-24 02:00:00  failed   2 succeeded, 1 failed, 1 skipped, 1 taken over  solve, publish
 of-another-name  2026-11-24 03:00:00  failed   the name is long
`+standingsOfChain, out.String())

	out.Reset()
	require.NoError(t, writePipelineChain(&out, pipelineChain(), 80))
	require.Equal(t, ` RUN                                               STARTED              VERDICT
 run-1                                             2026-11-24 01:00:00  failed
   1 succeeded, 1 failed, 2 skipped
 run-1-r2                                          2026-11-24 02:00:00  failed
   2 succeeded, 1 failed, 1 skipped, 1 taken over
   run again: solve, publish
 of-another-name                                   2026-11-24 03:00:00  failed
   the name is long
`+standingsOfChain, out.String(), "it fits a terminal")
}

func TestTheChainOfAPipelineSaysThatItsFirstRunIsNoLongerKept(t *testing.T) {
	t.Parallel()
	chain := pipelineChain()
	chain.First = "run-0"
	var out bytes.Buffer
	require.NoError(t, WritePipelineChain(&out, chain))
	require.Contains(t, out.String(), "\nThe first run, run-0, is no longer kept.\nof 5 steps 3 succeeded by now")
}

func TestOfAChainThatGoesOnOnlyWhatHasEndedIsExplained(t *testing.T) {
	t.Parallel()
	chain := pipelineChain()
	last := &chain.Runs[1]
	last.State, last.Verdict = runs.Running, ""
	last.Finally[0].State = workflows.StepWaiting
	var out bytes.Buffer
	require.NoError(t, WritePipelineChain(&out, chain))
	require.Contains(t, out.String(), "of 5 steps 2 succeeded by now, 1 did not have to run, 2 open:\n  publish failed in run-1-r2: it is no JSON\n\nrun run-1-r2 goes on: starter watch run-1-r2\n")
	last.Steps[2].State = workflows.StepRunning
	out.Reset()
	require.NoError(t, WritePipelineChain(&out, chain))
	require.Contains(t, out.String(), "2 open\n\nrun run-1-r2 goes on")
}

func TestOfARerunThatIsNotOfTheRunBeforeItIsSaidOfWhich(t *testing.T) {
	t.Parallel()
	rerun := pipelineChain().Runs[1]
	require.Equal(t, "solve, publish", againText(rerun, "run-1"))
	require.Equal(t, "solve, publish of run-1", againText(rerun, "run-1-r3"))
}

func TestTheChainOfAPipelineForMachinesHasEveryRunAndStep(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, WritePipelineChainJSON(&out, pipelineChain()))
	var written PipelineHistory
	require.NoError(t, json.Unmarshal(out.Bytes(), &written))
	require.Equal(t, "run-1", written.First)
	require.Equal(t, map[workflows.StepState]int{"succeeded": 2, "failed": 1, "skipped": 1}, written.Runs[1].States)
	require.Equal(t, 1, written.Runs[1].TakenOver)
	require.Equal(t, []string{"solve", "publish"}, written.Runs[1].Again)
	require.Equal(t, "InvalidInput", written.Runs[2].Error.Code)
	require.Len(t, written.Steps, 5)
	require.Equal(t, 3, written.Succeeded)
	require.Equal(t, []string{"publish"}, written.Open)
	require.Contains(t, out.String(), `"in": "run-1-r2"`)

	out.Reset()
	require.NoError(t, WritePipelineChainJSON(&out, runs.PipelineChain{}))
	require.Contains(t, out.String(), `"steps": []`)
	require.Contains(t, out.String(), `"open": []`)
}
