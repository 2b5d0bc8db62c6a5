package workflows_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
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

// What these are kept for is in them: the timer, and the run that follows.
func TestGoldenHistoriesOfWhatIsTriedAgainHoldTheTimerAndTheRunsAfterIt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"pipeline-cut-off":                  "slow, timer, cancel, next",
		"pipeline-job-tried-again":          "solve, timer, solve.2",
		"pipeline-tried-again":              "sub, timer, sub.2",
		"pipeline-went-on-between-attempts": "timer, sub.2",
		"pipeline-took-over":                "each, inner, use, clean",
		"pipeline-items-took-over":          "2",
	} {
		file, err := os.Open("testdata/histories/" + name + ".json")
		require.NoError(t, err)
		history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
		require.NoError(t, err)
		require.NoError(t, file.Close())
		var held []string
		for _, event := range history.GetEvents() {
			switch event.GetEventType() { //nolint:exhaustive // others are no part of the story
			case enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
				held = append(held, path.Base(event.GetStartChildWorkflowExecutionInitiatedEventAttributes().GetWorkflowId()))
			case enumspb.EVENT_TYPE_TIMER_FIRED:
				held = append(held, "timer")
			case enumspb.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
				held = append(held, "cancel")
			}
		}
		require.Equal(t, want, strings.Join(held, ", "), name)
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
