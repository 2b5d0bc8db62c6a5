package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAJobIsRunAgainOnlyWhenNothingOfItMayRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		result        JobResult
		again, mayRun bool
	}{
		"it finished":                      {result: JobResult{State: JobFinished}, again: true},
		"it was stopped":                   {result: JobResult{State: JobStopped}, again: true},
		"it finished, a copy may run":      {result: JobResult{State: JobFinished, Copies: []string{"8.manager"}}, mayRun: true},
		"it was stopped, a copy may run":   {result: JobResult{State: JobStopped, Copies: []string{"8.manager"}}, mayRun: true},
		"it is missing":                    {result: JobResult{State: JobMissing}, mayRun: true},
		"it could not be seen to stop":     {result: JobResult{State: JobUnknown}, mayRun: true},
		"it was never submitted":           {result: JobResult{State: JobPending}},
		"it runs":                          {result: JobResult{State: JobRunning}, mayRun: true},
		"a state of a version that is new": {result: JobResult{State: "held"}, mayRun: true},
	} {
		o := jobOutcome(c.result)
		require.Equal(t, c.again, o.again, name)
		require.Equal(t, c.mayRun, o.mayRun, name)
	}
}
