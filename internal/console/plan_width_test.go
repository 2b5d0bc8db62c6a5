package console

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/forecast"
	"ehpcflow/pipeline"
)

func TestAPlanOfAPipelineFitsTheTerminal(t *testing.T) {
	t.Parallel()
	plan := forecast.Plan{Steps: []forecast.PlannedStep{
		{Name: "upgrade", Kind: pipeline.RunsCommand, Layer: 1, Clusters: []string{"ehpc-hz-1"}, Does: strings.Repeat("x", 70), When: strings.Repeat("y", 50)},
	}}
	table := planTable(plan, 100)
	require.Contains(t, table, "…")
	for line := range strings.Lines(table) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), 100)
	}
	require.Equal(t, planTable(plan, 500), planTable(plan, 0), "what is no terminal has all")
	require.Contains(t, planTable(plan, 0), plan.Steps[0].Does)
	require.Contains(t, planTable(plan, 500), plan.Steps[0].When)
}
