package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"ehpcflow/internal/runs"
	"ehpcflow/pipeline"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/workflows"
)

const (
	mostHistoryEvents = 51_200 // that Temporal takes
	mostHistoryBytes  = 50 << 20
)

// largePipeline has as many steps as there may be, one of them with as many items.
func largePipeline(t *testing.T) pipeline.Pipeline {
	t.Helper()
	var text strings.Builder
	text.WriteString("name: large\nconcurrency: 100\nsteps:\n")
	const inChain = 10
	for i := range pipeline.MaxSteps - 1 {
		fmt.Fprintf(&text, "  s%d:\n    wait: 1s\n", i)
		if i%inChain > 0 {
			fmt.Fprintf(&text, "    needs: [s%d]\n", i-1)
		}
	}
	fmt.Fprintf(&text, "  each:\n    foreach: {in: \"1..%d\", concurrency: 100}\n    wait: 1s\n", pipeline.MaxItems)
	file, err := pipeline.Read(fstest.MapFS{"large.yaml": {Data: []byte(text.String())}}, "large.yaml")
	require.NoError(t, err)
	return file.Pipeline
}

// A pipeline as large as there may be stays within what Temporal takes, and finishes.
func TestALargePipelineStaysWithinTemporalsLimits(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := runs.NewID()
	began := time.Now()
	require.NoError(t, runs.StartPipeline(t.Context(), s.Client, s.place(), id, workflows.PipelineInput{Pipeline: largePipeline(t)}))
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	var result workflows.PipelineResult
	require.NoError(t, s.Client.GetWorkflow(ctx, id, "").Get(ctx, &result))
	require.Equal(t, workflows.Succeeded, result.Verdict, result.Reason)
	require.Len(t, result.Steps, pipeline.MaxSteps)
	each := result.Steps[len(result.Steps)-1]
	require.Equal(t, map[workflows.StepState]int{workflows.StepSucceeded: pipeline.MaxItems}, each.Items)
	t.Logf("%d steps and %d items in %v", pipeline.MaxSteps, pipeline.MaxItems, time.Since(began).Round(time.Second))
	for _, run := range []string{id, workflows.StepRunID(id, "each")} {
		s.withinLimits(run)
	}
}

// withinLimits looks at every part of a run, that it went on as included.
func (s *system) withinLimits(id string) {
	s.t.Helper()
	query := fmt.Sprintf("WorkflowId = '%s'", id)
	var parts *workflowservice.ListWorkflowExecutionsResponse
	await(s.t, 30*time.Second, "its parts are listed", func() bool {
		var err error
		parts, err = s.Client.ListWorkflow(s.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: devserver.Namespace, Query: query})
		return err == nil && len(parts.GetExecutions()) > 0
	})
	for _, part := range parts.GetExecutions() {
		s.t.Logf("%s: %d events, %d kB", id, part.GetHistoryLength(), part.GetHistorySizeBytes()>>10)
		require.Less(s.t, part.GetHistoryLength(), int64(mostHistoryEvents))
		require.Less(s.t, part.GetHistorySizeBytes(), int64(mostHistoryBytes))
	}
}
