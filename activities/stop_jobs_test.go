package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
)

func TestAJobThatIsTooYoungToBeKnownIsToldToStopAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age   time.Duration
		retry bool
	}{
		"young": {0, true}, "old": {2 * time.Minute, false},
	} {
		b := newBundle(t, 1)
		in := activities.StopJobsInput{ClusterID: clusterID, JobIDs: []string{"77.manager"}, SubmittedAt: time.Now().Add(-c.age)}
		told, err := execute[activities.StopJobsResult](b, b.acts.StopJobs, in)
		if !c.retry {
			require.NoError(t, err, name)
			require.Equal(t, activities.StopJobsResult{Ended: in.JobIDs}, told, name)
			continue
		}
		failure := applicationError(t, err)
		require.Equal(t, "ObjectNotFound", failure.Type(), name)
		require.False(t, failure.NonRetryable(), name)
	}
}

func TestTheSchedulerSaysThatItTookAStop(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmitJob("sleep 600")
	told, err := execute[activities.StopJobsResult](b, b.acts.StopJobs, activities.StopJobsInput{
		ClusterID: clusterID, JobIDs: []string{submitted.JobID}, SubmittedAt: submitted.SubmittedAt,
	})
	require.NoError(t, err)
	require.Equal(t, activities.StopJobsResult{Accepted: []string{submitted.JobID}}, told)
}
