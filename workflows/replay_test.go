package workflows_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/workflows"
)

// The histories were recorded from real runs by the end-to-end tests of
// quickstart/e2e (make histories). A change that makes one fail would break runs
// that are under way: version it instead of recording the history anew.

func replay(t *testing.T, file string) error {
	t.Helper()
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.RunCommand)
	replayer.RegisterWorkflow(workflows.Rollout)
	replayer.RegisterWorkflow(workflows.RunOnClusters)
	replayer.RegisterWorkflow(workflows.RunPipeline)
	replayer.RegisterWorkflow(workflows.RunItems)
	replayer.RegisterWorkflow(workflows.AwaitApproval)
	replayer.RegisterWorkflow(workflows.AwaitTime)
	replayer.RegisterWorkflow(workflows.RunJob)
	text, err := os.Open(file)
	require.NoError(t, err)
	defer text.Close() //nolint:errcheck // it was only read
	history, err := client.HistoryFromJSON(text, client.HistoryJSONOptions{})
	require.NoError(t, err)
	name := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId() // children are named after it
	return replayer.ReplayWorkflowHistoryWithOptions(nil, history, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: name},
	})
}

func TestEveryGoldenHistoryReplays(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(t, file))
		})
	}
}

// A replay test that accepted anything would guard nothing.
func TestHistoriesOfAnotherShapeAreRefused(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/bad/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			require.Error(t, replay(t, file))
		})
	}
}
