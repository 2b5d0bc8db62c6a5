package console

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/runs"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

func aStep(name string, state workflows.StepState, needs ...string) workflows.StepResult {
	return workflows.StepResult{Name: name, Kind: pipeline.RunsCommand, State: state, Needs: needs, RunID: "run-1/" + name}
}

// branching is a run with two branches, a join, a step of an onFailure and a finally.
func branching() runs.PipelineReport {
	mend := aStep("mend", workflows.StepSkipped)
	mend.OnFailureOf, mend.Reason = "solveB", "solveB did not fail"
	fetch := aStep("fetch", workflows.StepSucceeded)
	fetch.NodeCount, fetch.States = 4, map[workflows.NodeState]int{"succeeded": 4}
	fetch.StartedAt, fetch.EndedAt = begun, begun.Add(12*time.Second)
	ask := aStep("ask", workflows.StepRunning, "solveA", "solveB")
	ask.Kind = pipeline.Approves
	r := runs.PipelineReport{RunID: "run-1", State: runs.Running}
	r.Pipeline, r.Phase = "fork", workflows.Waiting
	r.Steps = []workflows.StepResult{
		fetch, aStep("meshA", workflows.StepSucceeded, "fetch"), aStep("solveA", workflows.StepSucceeded, "meshA"),
		aStep("meshB", workflows.StepSucceeded, "fetch"), aStep("solveB", workflows.StepSucceeded, "meshB"), mend,
		ask, aStep("publish", workflows.StepWaiting, "ask"),
	}
	r.Finally = []workflows.StepResult{aStep("clean", workflows.StepWaiting)}
	r.Own = map[string]runs.StepReport{"ask": {Approval: &workflows.ApprovalStatus{Phase: workflows.Waiting, Message: "Publish?", Needed: 1}}}
	return r
}

func TestAStepStandsUnderWhatItWaitsForAndAJoinBesideItsBranches(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, row := range treeOf(branching().Steps) {
		lines = append(lines, row.Stem+row.Name)
	}
	require.Equal(t, []string{
		"fetch",
		"├ meshA",
		"│ solveA",
		"├ meshB",
		"│ solveB",
		"│ mend",
		"└ ask",
		"  publish",
	}, lines)
}

func TestATreeKeepsEveryStepHoweverManyBranchesThereAre(t *testing.T) {
	t.Parallel()
	var steps []workflows.StepResult
	for i := range 40 { // each with a branch that ends, and one that goes on
		name := "s" + strings.Repeat("x", i)
		var needs []string
		if i > 0 {
			needs = []string{"s" + strings.Repeat("x", i-1)}
		}
		steps = append(steps, aStep(name, workflows.StepWaiting, needs...), aStep("end"+name, workflows.StepWaiting, needs...))
	}
	rows := treeOf(steps)
	require.Len(t, rows, len(steps))
	for _, row := range rows {
		require.LessOrEqual(t, len([]rune(row.Stem)), mostStem)
	}
}

func TestEachChangeOfAStepIsALineAndAnApprovalSaysWhatToType(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	progress := NewPipelineProgress(&out)
	report := branching()
	progress.Show(report)
	progress.Show(report)
	report.Steps[6].State, report.Steps[6].By = workflows.StepSucceeded, []string{"alice"}
	report.Steps[7].State = workflows.StepRunning
	progress.Show(report)
	progress.Close()
	var lines []string
	for line := range strings.Lines(out.String()) {
		_, text, _ := strings.Cut(strings.TrimSpace(line), " ") // without its time
		lines = append(lines, text)
	}
	require.Equal(t, []string{
		"fetch succeeded: 4 succeeded", "meshA succeeded", "solveA succeeded", "meshB succeeded", "solveB succeeded",
		"mend skipped: solveB did not fail", "ask running: waits for an approval",
		"ask waits: for an approval (Publish?): starter approve run-1/ask --why TEXT, or starter reject",
		"ask succeeded: by alice", "publish running",
	}, lines)
}

func TestTheResultOfAPipelineIsItsStepsWhatItLeavesAndTheVerdict(t *testing.T) {
	t.Parallel()
	report := branching()
	report.State, report.Phase, report.Verdict, report.Reason = runs.Completed, workflows.Ended, workflows.Failed, "solveA failed"
	report.Own, report.Outputs = nil, map[string]any{"url": "https://x", "count": 3}
	report.Steps[2].State, report.Steps[2].Reason = workflows.StepFailed, strings.Repeat("it went wrong ", 8)+"\x1b[2J"
	report.Steps[6].State, report.Steps[6].Reason = workflows.StepSkipped, "it needs solveA, which failed"
	report.Steps[7].State, report.Steps[7].Reason = workflows.StepSkipped, "it needs ask, which was skipped"
	report.Finally[0].State, report.Finally[0].DoneIn = workflows.StepSucceeded, ""
	var out bytes.Buffer
	require.NoError(t, WritePipeline(&out, report))
	require.Equal(t, ` STEP                 KIND      STATE      TOOK  REMARK
 fetch                command   succeeded  12s   4 succeeded
 ├ meshA              command   succeeded
 │ solveA             command   failed
 ├ meshB              command   succeeded
 │ solveB             command   succeeded
 │ mend (on failure)  command   skipped          solveB did not fail
 └ ask                approval  skipped          it needs solveA, which failed
   publish            command   skipped          it needs ask, which was skipped
 clean (finally)      command   succeeded

solveA failed: `+strings.Repeat("it went wrong ", 8)+`·[2J

more of a step: starter status run-1/STEP

count = 3
url = https://x

run run-1: failed (5 succeeded, 1 failed, 3 skipped; solveA failed)
`, out.String())
}

func TestOfManyStepsThoseThatFailedOrRunAreShownFirst(t *testing.T) {
	t.Parallel()
	report := branching()
	report.Steps, report.Finally = nil, nil
	for i := range 300 {
		state := workflows.StepSucceeded
		if i%100 == 50 {
			state = workflows.StepFailed
		}
		report.Steps = append(report.Steps, aStep("s"+strings.Repeat("x", i), state))
	}
	rows := worthShowing(report, 10)
	require.Len(t, rows, 10)
	for i, row := range rows {
		require.Equal(t, i < 3, row.State == workflows.StepFailed)
	}
}

func TestAnItemOfAForeachSaysItsFailureOnceForAll(t *testing.T) {
	t.Parallel()
	report := runs.PipelineReport{RunID: "run-1/each", State: runs.Completed, Foreach: true}
	for _, name := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		item := aStep(name, workflows.StepFailed)
		item.Reason = strings.Repeat("the same ", 20)
		report.Steps = append(report.Steps, item)
	}
	var out bytes.Buffer
	require.NoError(t, WritePipeline(&out, report))
	require.Contains(t, out.String(), "\n1, 2, 3, 4, 5 and 2 more failed: the same the same")
	require.Equal(t, 1, strings.Count(out.String(), "failed: the same"))
	require.NotContains(t, out.String(), "├")
}

func TestAJobSaysHowItStandsAndWhatItPrinted(t *testing.T) {
	t.Parallel()
	exit := 3
	report := runs.JobReport{RunID: "run-1/solve", State: runs.Completed, Phase: workflows.Ended, Job: workflows.JobResult{
		ClusterID: "ehpc-1", Name: "solve-x", JobID: "7.manager", State: workflows.JobFinished, ExitStatus: &exit, Log: "diverged\n", Verdict: workflows.Failed,
	}}
	var out bytes.Buffer
	require.NoError(t, WriteJob(&out, report))
	require.Equal(t, "diverged\n\nrun run-1/solve: failed (7.manager finished (exit 3); named solve-x on ehpc-1)\n", out.String())
	out.Reset()
	report.State, report.Phase, report.Trouble = runs.Running, workflows.Watching, "the API does not answer"
	report.Job.State, report.Job.ExitStatus, report.Job.Nodes, report.Job.Log = workflows.JobRunning, nil, []string{"compute0"}, ""
	require.NoError(t, WriteJob(&out, report))
	require.Equal(t, "run run-1/solve goes on: job 7.manager running on compute0\nwaiting: the API does not answer\n", out.String())
}

func TestAnItemIsShownWithItsValue(t *testing.T) {
	t.Parallel()
	report := runs.PipelineReport{RunID: "r/cases", State: runs.Running, Foreach: true}
	report.Phase, report.Steps = workflows.Watching, []workflows.StepResult{
		{Name: "1", State: workflows.StepFailed, Reason: "its exit status is 1", Item: "cavity"},
		{Name: "2", State: workflows.StepSucceeded, Item: []any{"a\nb", strings.Repeat("x", 50)}},
		{Name: "3", State: workflows.StepWaiting},
	}
	var out bytes.Buffer
	require.NoError(t, WritePipeline(&out, report))
	require.Regexp(t, `(?m)^ 1: cavity +failed +its exit status is 1`, out.String())
	require.Regexp(t, `(?m)^ 2: \["a\\nb","x+… +succeeded`, out.String())
	require.Regexp(t, `(?m)^ 3 +waiting`, out.String())
}
