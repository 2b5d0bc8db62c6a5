package policy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnOptionIsSetByItsWordInAFile(t *testing.T) {
	t.Parallel()
	var p Policy
	for key, value := range map[string]string{"waves": "1,10%", "maxFailuresPerWave": "3", "soak": "10m", "retryElsewhere": "true", "pause": "first,failed"} {
		require.NoError(t, Set(&p, key, value), key)
	}
	three := Number(3)
	require.Equal(t, Policy{
		Waves: []Size{Number(1), {share: 1000}}, SoakSeconds: 600, Pause: []Pause{PauseFirst, PauseFailed},
		Budget: Budget{PerWave: &three}, Retry: Retry{Elsewhere: true},
	}, p)
}

func TestAWordThatIsNoOptionIsAnsweredWithThoseThatAre(t *testing.T) {
	t.Parallel()
	var p Policy
	require.EqualError(t, Set(&p, "max-failures", "5%"), `a rollout has no "max-failures": use waves, concurrency, soak, pause, approvals, approveWithin, `+
		"maxFailures, maxFailuresPerWave, count, onBreach, quorum, onQuorum, attempts, retryOn, retryExitCodes, retryBackoff, retryElsewhere")
	require.EqualError(t, Set(&p, "soak", "1500ms"), "it is 1.5s: use whole seconds")
	require.Zero(t, p)
}
