package workflows_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

	"ehpcflow/workflows"
)

// The histories were recorded from real runs by the end-to-end tests of
// quickstart/e2e (make histories). A change that makes one fail would break runs
// that are under way: version it instead of recording the history anew.

func replay(t *testing.T, file string) error {
	t.Helper()
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.RunCommand)
	return replayer.ReplayWorkflowHistoryFromJSONFile(nil, file)
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
