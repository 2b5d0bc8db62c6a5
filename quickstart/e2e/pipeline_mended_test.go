package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
)

// A command that was run again by itself, where it had failed, is not run once more on all
// of its nodes by a rerun of its pipeline, which goes on behind it.
func TestAPipelineGoesOnBehindACommandThatWasRunAgainByItself(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	command, repair := s.unlessRepaired()
	file := pipelineFile(t, `steps:
  solve: {command: {all: true, run: 'echo solved on $EHPC_INSTANCE_ID; `+command+`'}}
  cases: {onFailure: skip, foreach: {items: [a, b]}, command: {all: true, run: '[ ${{ item }} = a ] || { `+command+`; }'}}
  undone: {onFailure: {do: skip, run: {undo: {command: {all: true, run: 'true'}}}}, command: {all: true, run: '`+command+`'}}
  publish: {needs: [solve, cases], command: {nodes: [`+s.nodes()[0]+`], run: 'echo ${{ map(steps.solve.nodes, .host + " " + .output) }} ${{ map(steps.cases.items, .state) }}'}}
outputs: {said: '${{ steps.publish.output }}'}
`)
	first := s.starter("pipeline", "run", file, "--id", "mended")
	require.Equal(t, 1, first.code, first.stderr)
	require.Equal(t, 4+2*4+4+4, s.executions(), first.stdout)

	repair()
	for _, step := range []string{"mended/solve", "mended/cases/2", "mended/undone"} {
		again := s.starter("rerun", step)
		require.Equal(t, 0, again.code, again.stderr)
	}
	require.Equal(t, 20+3, s.executions(), "on the one node where each had failed")

	rerun := s.starter("pipeline", "rerun", "mended", "--from-failed")
	require.Equal(t, 0, rerun.code, rerun.stderr)
	require.ElementsMatch(t, []string{"mended-r2/cases", "mended-r2/publish", "mended-r2/undone"}, s.childrenOf("mended-r2"), "what was undone is to be done again")
	require.Equal(t, 23+4+1, s.executions(), "and no item of cases")
	require.Contains(t, rerun.stdout, "done in mended/solve-r2")
	var report runs.PipelineReport
	require.NoError(t, json.Unmarshal([]byte(s.starter("status", "mended-r2", "--json").stdout), &report))
	said, is := report.Outputs["said"].(string)
	require.True(t, is, report.Outputs)
	require.Equal(t, 4, strings.Count(said, "solved on "), said)
	require.Equal(t, 4, strings.Count(said, "compute00"), said)
	require.Equal(t, 2, strings.Count(said, "succeeded"), said)
}

func TestACommandOnSeveralClustersThatWasRunAgainOnEachIsNotRunOnceMore(t *testing.T) {
	t.Parallel()
	s := newSystemWith(t, stack.Options{Clusters: stack.DemoClusters(4), Pace: quickPace(), Logger: zap.NewNop()})
	command, repair := s.unlessRepaired()
	file := pipelineFile(t, `steps:
  both: {command: {clusters: [main, `+stack.SecondClusterID+`], all: true, run: '`+command+`'}}
  after: {needs: [both], command: {cluster: main, nodes: [`+s.nodes()[0]+`], run: 'true'}}
`)
	first := s.starter("pipeline", "run", file, "--id", "wide")
	require.Equal(t, 1, first.code, first.stderr)
	repair()
	again := s.starter("rerun", "wide/both/"+stack.ClusterID)
	require.Equal(t, 0, again.code, again.stderr)
	ran := sum(s.Simulator.Stats().Executions)

	history := s.starter("history", "wide")
	require.Equal(t, 1, history.code, history.stderr)
	require.Regexp(t, `both +command +succeeded +wide/both/`+stack.ClusterID+`-r2`, history.stdout)
	rerun := s.starter("pipeline", "rerun", "wide", "--from-failed")
	require.Equal(t, 0, rerun.code, rerun.stderr)
	require.Contains(t, rerun.stderr, "rerun of wide from after; steps that are not run again: 1\n")
	require.Equal(t, []string{"wide-r2/after"}, s.childrenOf("wide-r2"))
	require.Equal(t, ran+1, sum(s.Simulator.Stats().Executions))
}

// What succeeded within a step may have been undone by the steps of its onFailure.
func TestARerunRunsEveryItemAgainOfAStepThatWasRolledBack(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	command, repair := s.unlessRepaired()
	file := pipelineFile(t, `steps:
  cases: {onFailure: {do: skip, run: {undo: {command: {all: true, run: 'true'}}}}, foreach: [a, b], command: {all: true, run: '[ ${{ item }} = a ] || { `+command+`; }'}}
`)
	require.Equal(t, 1, s.starter("pipeline", "run", file, "--id", "undone").code)
	repair()
	again := s.starter("rerun", "undone/cases/2")
	require.Equal(t, 0, again.code, again.stderr)
	rerun := s.starter("pipeline", "rerun", "undone", "--from-failed")
	require.Equal(t, 0, rerun.code, rerun.stderr)
	require.ElementsMatch(t, []string{"undone-r2/cases/1", "undone-r2/cases/2"}, s.childrenOf("undone-r2/cases"))
}
