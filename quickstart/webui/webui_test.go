package webui

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/workflows"
)

func TestTheWebUITellsHowARunStandsAndWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	s := newSystem(t)
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Code: "ConflictOpt", Times: -1})
	id := s.start(`case $HOSTNAME in *000) echo "disk full"; exit 3;; *001) sleep 2;; *) while [ ! -e ` + s.gate + ` ]; do sleep 0.2; done;; esac; echo done`)

	b.open(s.page(id, "pending-activities"))
	b.sees("1-service-refuses", "InvokeShellCommand", "ConflictOpt")
	b.open(s.page(id, "timeline"))
	b.sees("2-timeline", "start on 4 nodes", "nodes of ehpc-sim-demo")
	s.Simulator.SetFaults(ehpcsim.Faults{})
	s.await(id, func(l runs.Listed) bool { return l.Phase == workflows.Watching })

	s.awaitCounts(id, 2)
	b.open(s.page(id, "user-metadata"))
	b.sees("3-watched", "all nodes of ehpc-sim-demo: case $HOSTNAME", "watching", "███", "50%", "compute000", "starter cancel "+id)
	s.open()
	require.Equal(t, workflows.Partial, s.end(id).Verdict)

	s.await(id, func(l runs.Listed) bool { return l.Verdict == workflows.Outcome(workflows.Partial) })
	b.open(s.page(id, "user-metadata"))
	b.sees("4-ended", "PARTIAL: 1 of 4 nodes failed", "nonzero", "disk full", "starter rerun "+id)
	b.open(s.page(id, "search-attributes"))
	b.sees("5-search-attributes", "EhpcflowFailedNodes", "EhpcflowVerdict", "partial")

	b.columns("Status", "Workflow ID", "EhpcflowVerdict", "EhpcflowFailedNodes", "EhpcflowUser", "EhpcflowCluster", "Start")
	query := url.QueryEscape(`EhpcflowVerdict = "partial" AND EhpcflowUser = "` + runs.User() + `"`)
	b.open(temporal.UIURL() + "/namespaces/" + devserver.Namespace + "/workflows?query=" + query)
	b.sees("6-list", "EhpcflowVerdict", "partial", id)
}

// page is a tab of the page of a run.
func (s *system) page(id, tab string) string {
	s.t.Helper()
	described, err := s.Client.DescribeWorkflowExecution(s.t.Context(), id, "")
	require.NoError(s.t, err)
	return temporal.RunURL(id) + "/" + described.GetWorkflowExecutionInfo().GetExecution().GetRunId() + "/" + tab
}
