package webui

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// listOnly starts a workflow that nobody works on, for the list alone.
func listOnly(t *testing.T, s *system, id, user, cluster, command string) {
	t.Helper()
	_, err := s.Client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: "nobody serves it", Memo: map[string]any{workflows.MemoCommand: command},
		TypedSearchAttributes: workflows.StartAttributes(workflows.Resolving, []string{cluster}, user, "it's"),
	}, workflows.RunCommand, workflows.RunCommandInput{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Client.TerminateWorkflow(t.Context(), id, "", "the test is over") })
}

func TestTheListHoldsTheNewestRunsAndSaysWhenThereAreMore(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	prefix := runs.NewID()
	const user = `o'brien\ "x" % _@host`
	var ids []string
	for i := range 5 {
		ids = append(ids, fmt.Sprintf("%s-%d", prefix, i))
		listOnly(t, s, ids[i], user, "ehpc-list", fmt.Sprintf("echo Größe %d", i))
		s.await(ids[i], func(runs.Listed) bool { return true })
	}
	read := func(q runs.Query) runs.List {
		list, err := runs.ReadList(t.Context(), s.Client, q)
		require.NoError(t, err)
		return list
	}
	all := runs.Query{User: user, Parent: "it's", Limit: 5}
	list := read(all)
	require.Len(t, list.Runs, 5)
	require.False(t, list.More)
	require.Equal(t, ids[4], list.Runs[0].RunID, "the newest first")

	require.NoError(t, s.Client.TerminateWorkflow(t.Context(), ids[4], "", "ended first"))
	s.await(ids[4], func(l runs.Listed) bool { return l.State == runs.Terminated })
	all.Limit = 2
	list = read(all)
	require.True(t, list.More)
	require.Equal(t, []string{ids[4], ids[3]}, []string{list.Runs[0].RunID, list.Runs[1].RunID}, "also when it has ended")
	require.Equal(t, "terminated", list.Runs[0].Outcome())

	all.Limit, all.Text = 5, "größe 3"
	list = read(all)
	require.Len(t, list.Runs, 1)
	require.Equal(t, ids[3], list.Runs[0].RunID)
	require.Empty(t, read(runs.Query{User: "o", Limit: 5}).Runs)
}
