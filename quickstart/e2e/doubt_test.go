package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// once is a command that leaves a line on its node for each time that it runs.
const once = `echo "$EHPCFLOW" >>~/executions; echo "on $HOSTNAME"`

// ran counts the times that the command of once has run on each node.
func (s *system) ran() []int {
	s.t.Helper()
	var times []int
	for _, id := range s.nodes() {
		text, err := os.ReadFile(filepath.Join(s.Simulator.ScratchDir(), stack.ClusterID, id, "root", "executions"))
		if !os.IsNotExist(err) {
			require.NoError(s.t, err)
		}
		times = append(times, strings.Count(string(text), "\n"))
	}
	return times
}

func TestGoldenASubmitWhoseAnswerIsLostIsFoundAndAdopted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Drop: ehpcsim.DropAfter, Times: -1})
	report := s.run(once)
	require.True(t, report.Succeeded(), "%+v", report)
	require.True(t, report.Commands[0].Adopted)
	require.Equal(t, "on compute000\n", report.Nodes[0].Output)
	require.Equal(t, []int{1, 1, 1, 1}, s.ran())
	require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"))
	s.keep("adopted", report.RunID)
}

func TestGoldenASubmitThatDidNotArriveIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Drop: ehpcsim.DropBefore})
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Code: "ServiceUnavailable"})
	report := s.run(once)
	require.True(t, report.Succeeded(), "%+v", report)
	require.False(t, report.Commands[0].Adopted)
	require.Equal(t, []int{1, 1, 1, 1}, s.ran())
	require.Equal(t, 3, s.Simulator.Requests("InvokeShellCommand"))
	s.keep("submitted-again", report.RunID)
}

func TestGoldenACopyThatIsListedTooLateIsFollowedWhereItCameFirst(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.SetFaults(ehpcsim.Faults{ListLate: 6 * time.Second, Faults: []ehpcsim.Fault{{Action: "InvokeShellCommand", Drop: ehpcsim.DropAfter}}})
	report := s.run(once)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Equal(t, []int{1, 1, 1, 1}, s.ran())
	require.Equal(t, 2, s.Simulator.Requests("InvokeShellCommand"))
	require.Len(t, report.Commands, 2)
	require.Len(t, report.Commands[0].Refused, 4, "the first copy came first everywhere")
	require.Equal(t, "on compute003\n", report.Nodes[3].Output)
	s.keep("merged", report.RunID)
}

func TestGoldenADoubtThatCannotBeResolvedIsAsked(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Drop: ehpcsim.DropAfter})
	s.Simulator.Inject(ehpcsim.Fault{Action: "ListCommands", Code: "NotAuthorized", Times: -1})
	id := s.start(once)
	var report runs.Report
	await(t, 30*time.Second, "a question", func() bool {
		var err error
		report, err = runs.Read(t.Context(), s.Client, id)
		require.NoError(t, err)
		return report.Question != nil
	})
	require.Equal(t, workflows.Parked, report.Phase)
	require.Contains(t, report.Trouble, "starter answer "+id+" adopt COMMAND_ID")
	require.Contains(t, report.Question.Text, "ehpc:ListCommands", "what would have saved the question")

	env := s.forPrograms()
	refused := program(t, env, "starter", "answer", id, "adopt")
	require.Equal(t, 2, refused.code)
	commandID := s.Simulator.CommandIDs()[0]
	answered := program(t, env, "starter", "answer", id, "adopt", commandID, "--why", "seen in the console")
	require.Equal(t, 0, answered.code, answered.stderr)
	again := program(t, env, "starter", "answer", id, "resubmit")
	require.Equal(t, 2, again.code, again.stderr)
	require.Contains(t, again.stderr, "run "+id)
	require.Equal(t, 1, strings.Count(again.stderr, "\n"), again.stderr)

	report = s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Equal(t, commandID, report.CommandID)
	require.Equal(t, "seen in the console", report.Answers[0].Why)
	require.NotEmpty(t, report.Answers[0].By)
	require.Equal(t, []int{1, 1, 1, 1}, s.ran())
	s.keep("asked", id)
}

func TestGoldenANodeThatIsReleasedIsLostAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.start(`[ $HOSTNAME = compute002 ] && sleep 600; echo done`)
	await(t, 20*time.Second, "running", func() bool { return s.phase(id) == workflows.Watching })
	s.Simulator.RemoveNode(stack.ClusterID, s.nodes()[2])
	report := s.end(id)
	require.Equal(t, workflows.Partial, report.Verdict, "%+v", report)
	require.Equal(t, activities.Lost, report.Nodes[2].State)
	require.Contains(t, report.Nodes[2].Reason, "it was released")
	require.Equal(t, 3, report.Counts()[activities.Succeeded])
	s.keep("lost", id)
}

func TestGoldenACommandThatTheServiceForgotIsAVerdictOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.start("sleep 300")
	await(t, 20*time.Second, "running", func() bool { return s.phase(id) == workflows.Watching })
	s.Simulator.Inject(ehpcsim.Fault{Action: "ListInvocationStatus", Code: "ObjectNotFound", Times: -1})
	report := s.end(id)
	require.Equal(t, workflows.Gone, report.Verdict, "%+v", report)
	require.Equal(t, 4, report.Counts()[activities.Lost])
	s.keep("gone", id)
}
