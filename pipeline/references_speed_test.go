package pipeline

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReferencesOfTheLargestPipelineAreFoundSoonEnoughForAWorkflow(t *testing.T) {
	t.Parallel()
	var p Pipeline
	for i := range MaxSteps {
		p.Steps = append(p.Steps, Step{
			Name: fmt.Sprint("s", i), Kind: RunsJob, When: Expression(fmt.Sprintf("steps.s%d.succeeded", i/2)),
			With: map[string]any{"run": fmt.Sprintf("echo ${{ steps.s%d.output }} ${{ steps.s%d.job.id }}", i/2, i/3), "user": "hpcuser"},
		})
	}
	began := time.Now()
	wanted := References(p)
	took := time.Since(began)
	require.Equal(t, Wanted{"succeeded": true, "output": true, "job.id": true}, wanted["s300"])
	t.Logf("took %v", took)
	require.Less(t, took, 5*time.Second, "a step of a workflow may compute for 10 seconds")
}
