package runs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

func TestARolloutThatWaitsForAPersonSaysWhatToType(t *testing.T) {
	t.Parallel()
	r := Report{RunID: "run-1"}
	require.Empty(t, r.awaited(), "a plain run")
	r.Rollout = &workflows.RolloutReport{}
	require.Empty(t, r.awaited())
	until := time.Date(2026, 11, 25, 12, 0, 0, 0, time.Local)
	for want, wait := range map[string]workflows.Wait{
		"for an approval of wave 2, until 2026-11-25 12:00:00. Say so:\n  starter approve run-1 --why TEXT\n  starter reject run-1 --why TEXT": {For: workflows.ForApproval, Wave: 2, Until: until},
		"for somebody to resume it. Say so:\n  starter resume run-1 --why TEXT":                                                                {For: workflows.ForResume, Wave: 2},
		"": {For: workflows.ForSoak, Until: until},
	} {
		r.Rollout.Wait = &wait
		require.Equal(t, want, r.awaited())
	}
}

func TestTheEndOfASoakIsNotTheEndOfTheTimeForAnApproval(t *testing.T) {
	t.Parallel()
	ended := time.Date(2026, 11, 25, 12, 0, 0, 0, time.Local)
	r := Report{RunID: "run-1"}
	r.Rollout = &workflows.RolloutReport{
		Policy: policy.Policy{SoakSeconds: 600},
		Waves:  []workflows.Wave{{EndedAt: ended}, {}},
		Wait:   &workflows.Wait{For: workflows.ForApproval, Wave: 2, Until: ended.Add(10 * time.Minute)},
	}
	require.Contains(t, r.awaited(), "for an approval of wave 2, which does not begin before 2026-11-25 12:10:00. Say so:\n")
	r.Rollout.Wait.Until = ended.Add(5 * time.Minute)
	require.Contains(t, r.awaited(), "for an approval of wave 2, until 2026-11-25 12:05:00. Say so:\n")
}

func TestANodeThatIsTriedAgainIsNotShownAsEnded(t *testing.T) {
	t.Parallel()
	var last, now Report
	last.Nodes = workflows.NodeResults{{InstanceID: "i-a", State: activities.Lost}, {InstanceID: "i-b", State: activities.Finished}}
	now.Nodes = workflows.NodeResults{
		{InstanceID: "i-a", State: activities.Running, Attempts: []workflows.Attempt{{State: activities.Lost}}}, {InstanceID: "i-b", State: activities.Running},
	}
	require.Equal(t, []activities.NodeStatus{{InstanceID: "i-b", State: activities.Finished}}, last.ended(now))
}
