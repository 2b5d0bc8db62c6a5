package webui

import (
	"net/url"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/runs"
	"ehpcflow/pipeline"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/workflows"
)

const solvePipeline = `
name: solve
clusters: {main: ehpc-sim-demo}
steps:
  stage:
    command: {all: true, run: "mkdir -p case && echo staged"}
  solve:
    needs: [stage]
    foreach: [coarse, fine]
    job: {user: hpcuser, run: "echo residual of ${{ item }} is 1e-6"}
  publish:
    needs: [solve]
    approval: {message: "Publish what was solved?"}
  copy:
    needs: [publish]
    onFailure: continue
    command: {all: true, run: "[ $HOSTNAME != compute002 ] || { echo no space left; exit 28; }"}
finally:
  clean:
    command: {all: true, run: rm -rf case}
`

func TestTheWebUITellsHowAPipelineStandsAndWhatBecameOfItsSteps(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	s := newSystem(t)
	file, err := pipeline.Read(fstest.MapFS{"solve.yaml": {Data: []byte(solvePipeline)}}, "solve.yaml")
	require.NoError(t, err)
	id := runs.NewID()
	require.NoError(t, runs.StartPipeline(t.Context(), s.Client, s.place(), id, workflows.PipelineInput{Pipeline: file.Pipeline, File: "solve.yaml"}))

	publish := workflows.StepRunID(id, "publish")
	s.await(id, func(l runs.Listed) bool { return l.Phase == workflows.Waiting })
	b.open(s.page(id, "user-metadata"))
	b.sees("7-pipeline-waits", "Pipeline solve of solve.yaml, on ehpc-sim-demo", "Pipeline solve: 2 waiting, 1 running, 2 succeeded", "clean (finally)", "publish waits for an approval", "starter approve "+publish, "items: 2 succeeded")
	b.open(s.page(publish, "user-metadata"))
	b.sees("8-approval", "Publish what was solved?", "starter approve "+publish)
	b.open(s.page(workflows.StepRunID(workflows.StepRunID(id, "solve"), "2"), "user-metadata"))
	b.sees("9-job", "SUCCEEDED", "residual of fine is 1e-6")

	_, err = runs.Steer(t.Context(), s.Client, publish, workflows.ApproveUpdate, workflows.Order{By: "ann", Why: "it converged"})
	require.NoError(t, err)
	s.await(id, func(l runs.Listed) bool { return l.Verdict == workflows.Outcome(workflows.Partial) })
	b.open(s.page(id, "user-metadata"))
	b.sees("10-pipeline-ended", "PARTIAL: 1 of 5 steps failed", "approved by ann", "partial; 3 succeeded, 1 nonzero", "starter pipeline rerun "+id+" --from-failed")
	b.open(s.page(id, "relationships"))
	b.sees("11-pipeline-relationships", workflows.StepRunID(id, "copy"), workflows.StepRunID(id, "clean"))

	b.columns("Status", "Workflow ID", "EhpcflowVerdict", "EhpcflowNodes", "EhpcflowFailedNodes", "EhpcflowPhase", "Start")
	b.open(temporal.UIURL() + "/namespaces/" + devserver.Namespace + "/workflows?query=" + url.QueryEscape(`EhpcflowParentRun = "`+id+`"`))
	b.sees("12-steps", workflows.StepRunID(id, "stage"), workflows.StepRunID(id, "copy"), "partial")
}
