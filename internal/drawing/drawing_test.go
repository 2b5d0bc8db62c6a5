package drawing

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/pipeline"
)

var update = flag.Bool("update", false, "write the drawings anew")

// solve has a step of each kind, one that runs on failure, and two at last.
func solve() pipeline.Pipeline {
	return pipeline.Pipeline{
		Name: "solve",
		Steps: []pipeline.Step{
			{Name: "stage", Kind: pipeline.RunsCommand, With: map[string]any{"run": "mkdir -p /data/case && echo \"<a>\" & \\n > /data/case/mesh\nmore"}},
			{Name: "licence", Kind: pipeline.RunsCommand, With: map[string]any{"run": "lmstat -a"}},
			{
				Name: "solve", Kind: pipeline.RunsJob, Needs: []string{"stage", "licence"}, Foreach: &pipeline.Foreach{Items: []any{"a", "b"}},
				With: map[string]any{"run": "./solver ${{ item }}", "user": "hpcuser"},
				OnFailure: pipeline.OnFailure{Run: []pipeline.Step{
					{Name: "cleanup", Kind: pipeline.RunsCommand, With: map[string]any{"run": "rm -rf /data/case"}},
					{Name: "tell", Kind: pipeline.RunsCommand, Needs: []string{"cleanup"}, With: map[string]any{"run": "wall failed"}},
				}},
			},
			{Name: "ask", Kind: pipeline.Approves, Needs: []string{"solve"}, With: map[string]any{"message": "Publish?"}},
			{Name: "pause", Kind: pipeline.Waits, Needs: []string{"ask"}, With: map[string]any{"for": "10m"}},
			{Name: "publish", Kind: pipeline.SubPipeline, Needs: []string{"pause"}, With: map[string]any{"file": "publish.yaml"}},
			{Name: "end", Kind: pipeline.RunsCommand, Needs: []string{"solve"}, With: map[string]any{"run": "true"}},
		},
		Finally: []pipeline.Step{
			{Name: "clean", Kind: pipeline.RunsCommand, With: map[string]any{"run": "rm -rf /data/case"}},
			{Name: "report", Kind: pipeline.RunsCommand, Needs: []string{"clean"}, With: map[string]any{"run": "mail"}},
		},
	}
}

func states(step string) string {
	return map[string]string{
		"stage": "succeeded", "licence": "succeeded", "solve": "failed", "cleanup": "running", "tell": "waiting",
		"ask": "skipped", "pause": "skipped", "publish": "canceled", "end": "skipped",
	}[step]
}

func TestADrawingIsAsItWas(t *testing.T) {
	t.Parallel()
	drawn := SVG(solve().Graph(), states)
	file := filepath.Join("testdata", "solve.svg")
	if *update {
		require.NoError(t, os.WriteFile(file, drawn, 0o600))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(kept), string(drawn), "go test ./internal/drawing -update, then look at it")
}

func TestAThousandStepsAreDrawnInTime(t *testing.T) {
	t.Parallel()
	var p pipeline.Pipeline
	for i := range 1000 {
		step := pipeline.Step{Name: fmt.Sprintf("step_%d", i), Kind: pipeline.Kinds[i%len(pipeline.Kinds)]}
		for need := i - 50; need >= 0 && len(step.Needs) < 3; need -= 17 {
			step.Needs = append(step.Needs, fmt.Sprintf("step_%d", need))
		}
		p.Steps = append(p.Steps, step)
	}
	p.Finally = []pipeline.Step{{Name: "clean", Kind: pipeline.RunsCommand}}
	start := time.Now()
	drawn := SVG(p.Graph(), func(string) string { return "" })
	require.Contains(t, string(drawn), "step_999")
	t.Logf("%d steps in %s, %d bytes", len(p.Steps), time.Since(start).Round(time.Millisecond), len(drawn))
	require.Less(t, time.Since(start), time.Minute)
}
