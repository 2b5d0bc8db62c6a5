package activities

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

func TestAListingIsComparedWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	const id = "i-a"
	for name, tc := range map[string]struct {
		known NodeStatus
		word  string // "" is not listed
		want  *NodeStatus
	}{
		"accepted, running":      {NodeStatus{id, Running, ""}, "Running", nil},
		"pending, running":       {NodeStatus{id, Pending, ""}, "Running", &NodeStatus{id, Running, ""}},
		"running, finished":      {NodeStatus{id, Running, ""}, "Finished", &NodeStatus{id, Finished, ""}},
		"running, failed":        {NodeStatus{id, Running, ""}, "Failed", &NodeStatus{id, Failed, ""}},
		"running, stopped":       {NodeStatus{id, Running, ""}, "Stopped", &NodeStatus{id, Stopped, ""}},
		"running, timeout":       {NodeStatus{id, Running, ""}, "Timeout", &NodeStatus{id, TimedOut, ""}},
		"running, gone":          {NodeStatus{id, Running, ""}, "", &NodeStatus{id, Unknown, ""}},
		"gone, still gone":       {NodeStatus{id, Unknown, ""}, "", nil},
		"gone, back":             {NodeStatus{id, Unknown, ""}, "Running", &NodeStatus{id, Running, ""}},
		"a new word":             {NodeStatus{id, Running, ""}, "Dreaming", &NodeStatus{id, Unknown, "Dreaming"}},
		"the same new word":      {NodeStatus{id, Unknown, "Dreaming"}, "Dreaming", nil},
		"ended, running again":   {NodeStatus{id, Finished, ""}, "Running", nil},
		"ended, gone":            {NodeStatus{id, Failed, ""}, "", nil},
		"finished, failed later": {NodeStatus{id, Finished, ""}, "Failed", nil},
	} {
		var listed []ehpc.InvokeInstance
		if tc.word != "" {
			listed = append(listed, ehpc.InvokeInstance{InstanceID: id, Status: tc.word})
		}
		listed = append(listed, ehpc.InvokeInstance{InstanceID: "i-somebody-elses", Status: "Finished"})
		got := changes([]NodeStatus{tc.known}, listed)
		if tc.want == nil {
			require.Empty(t, got, name)
			continue
		}
		require.Equal(t, []NodeStatus{*tc.want}, got, name)
	}
}

func TestOnlyWordsOfAnEndAreEnds(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"Running", "Pending", "Scheduled", "Stopping", "", "running", "SomethingNew"} {
		require.False(t, statusOf(ehpc.InvokeInstance{Status: word}).State.Ended(), word)
	}
	for word := range statusWords {
		require.Contains(t, NodeStates, statusWords[word])
	}
	require.Equal(t, Finished, statusWords["Success"], "the exit code decides, not the word")
}

func TestTheTimeBetweenLooksGrowsWithTheRuntimeWithinBounds(t *testing.T) {
	t.Parallel()
	pace := DefaultPace()
	for running, want := range map[time.Duration]time.Duration{
		0: time.Second, 5 * time.Second: time.Second, time.Minute: 6 * time.Second, time.Hour: 20 * time.Second,
	} {
		for range 100 {
			got := pace.nextLook(running)
			require.GreaterOrEqual(t, got, want)
			require.LessOrEqual(t, got, want+want/5)
		}
	}
}

func TestBackOffDoublesUpToItsBound(t *testing.T) {
	t.Parallel()
	pace := DefaultPace()
	for attempt, limit := range map[int32]time.Duration{1: 30 * time.Second, 2: time.Minute, 1000: time.Minute} {
		var most time.Duration
		for range 200 {
			got := pace.backoff(catalogue.Later, attempt)
			require.GreaterOrEqual(t, got, 15*time.Second, "a conflict is waited out for long")
			require.LessOrEqual(t, got, limit)
			most = max(most, got)
		}
		require.Greater(t, most, limit-limit/5, "the whole range is used")
	}
	require.LessOrEqual(t, pace.backoff(catalogue.Soon, 1), 2*time.Second)
	require.GreaterOrEqual(t, pace.backoff(catalogue.Throttled, 1), 2*time.Second)
}

func TestWhatIsKeptOfAnOutputFitsItsPayloadWhereverItGrows(t *testing.T) {
	t.Parallel()
	plain := strings.Repeat("x", 50_000)
	nuls := strings.Repeat("\x00", 5_000)
	for name, output := range map[string]string{
		"nuls": nuls, "nuls at the ends": nuls + plain + nuls, "nuls in the middle": plain + nuls + plain,
		"signs": strings.Repeat("<&>", 9_000), "quotes": strings.Repeat("\"", 9_000), "no text": strings.Repeat("\xff", 9_000),
		"wide": strings.Repeat("界", 9_000), "lines": strings.Repeat("a\n", 9_000),
	} {
		encoded, err := json.Marshal(cut(output, 10_000))
		require.NoError(t, err)
		require.LessOrEqual(t, len(encoded), 10_000+2*len(cutMark), name)
		require.GreaterOrEqual(t, len(encoded), 2_000, name)
	}
	require.Equal(t, "short\n", cut("short\n", 100))
}
