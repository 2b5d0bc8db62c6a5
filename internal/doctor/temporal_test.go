package doctor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"ehpcflow/activities/checks"
	"ehpcflow/internal/setup"
	"ehpcflow/workflows"
)

func TestAShortRetentionIsToldAndFailsNothing(t *testing.T) {
	t.Parallel()
	for retention, want := range map[time.Duration]checks.State{
		time.Hour: checks.Warned, 0: checks.Warned, 24 * time.Hour: checks.Passed, 72 * time.Hour: checks.Passed,
	} {
		require.Equal(t, want, retained("default", retention).State, retention)
	}
	require.Equal(t, `namespace "default" keeps ended runs for 3 days`, retained("default", 72*time.Hour).Finding)
	require.Equal(t, `namespace "default" keeps ended runs for 1 day`, retained("default", 24*time.Hour).Finding)
	require.Contains(t, retained("default", time.Hour).Finding, "for 1h0m0s: the name of a run")
}

func TestTwoClocksAreComparedAcrossTheTimeThatACallTakes(t *testing.T) {
	t.Parallel()
	before := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	after := before.Add(3 * time.Second)
	for name, tc := range map[string]struct {
		there time.Time
		state checks.State
		says  string
	}{
		"between":     {before.Add(time.Second), checks.Passed, "agree"},
		"a bit early": {before.Add(-50 * time.Second), checks.Passed, "agree"},
		"early":       {before.Add(-2 * time.Minute), checks.Failed, "the clock of this machine is 2m0s ahead of Temporal's"},
		"late":        {after.Add(time.Hour), checks.Failed, "the clock of this machine is 1h0m0s behind Temporal's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := apart(tc.there, before, after)
			require.Equal(t, tc.state, check.State)
			require.Contains(t, check.Finding, tc.says)
		})
	}
}

func TestMissingAndMistypedSearchAttributesAreNamed(t *testing.T) {
	t.Parallel()
	state := setup.State{There: workflows.SearchAttributes}
	require.Equal(t, checks.Passed, attributes(state).State)
	state.Missing = workflows.SearchAttributes[:1]
	require.Equal(t, "the namespace has no EhpcflowCluster", attributes(state).Finding)
	require.Equal(t, "run starter setup", attributes(state).Remedy)
	state.Wrong = []setup.WrongType{{SearchAttribute: workflows.SearchAttributes[1], Is: enumspb.INDEXED_VALUE_TYPE_TEXT}}
	require.Equal(t, "EhpcflowVerdict is of type Text, not Keyword", attributes(state).Finding)
}
