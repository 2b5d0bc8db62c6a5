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
		"accepted, running":      {NodeStatus{InstanceID: id, State: Running, Word: ""}, "Running", nil},
		"pending, running":       {NodeStatus{InstanceID: id, State: Pending, Word: ""}, "Running", &NodeStatus{InstanceID: id, State: Running, Word: ""}},
		"running, finished":      {NodeStatus{InstanceID: id, State: Running, Word: ""}, "Finished", &NodeStatus{InstanceID: id, State: Finished, Word: ""}},
		"running, failed":        {NodeStatus{InstanceID: id, State: Running, Word: ""}, "Failed", &NodeStatus{InstanceID: id, State: Failed, Word: ""}},
		"running, stopped":       {NodeStatus{InstanceID: id, State: Running, Word: ""}, "Stopped", &NodeStatus{InstanceID: id, State: Stopped, Word: ""}},
		"running, timeout":       {NodeStatus{InstanceID: id, State: Running, Word: ""}, "Timeout", &NodeStatus{InstanceID: id, State: TimedOut, Word: ""}},
		"running, gone":          {NodeStatus{InstanceID: id, State: Running, Word: ""}, "", &NodeStatus{InstanceID: id, State: Unknown, Word: ""}},
		"gone, still gone":       {NodeStatus{InstanceID: id, State: Unknown, Word: ""}, "", nil},
		"gone, back":             {NodeStatus{InstanceID: id, State: Unknown, Word: ""}, "Running", &NodeStatus{InstanceID: id, State: Running, Word: ""}},
		"a new word":             {NodeStatus{InstanceID: id, State: Running, Word: ""}, "Dreaming", &NodeStatus{InstanceID: id, State: Unknown, Word: "Dreaming"}},
		"the same new word":      {NodeStatus{InstanceID: id, State: Unknown, Word: "Dreaming"}, "Dreaming", nil},
		"ended, running again":   {NodeStatus{InstanceID: id, State: Finished, Word: ""}, "Running", nil},
		"ended, gone":            {NodeStatus{InstanceID: id, State: Failed, Word: ""}, "", nil},
		"finished, failed later": {NodeStatus{InstanceID: id, State: Finished, Word: ""}, "Failed", nil},
	} {
		var listed []ehpc.InvokeInstance
		if tc.word != "" {
			listed = append(listed, ehpc.InvokeInstance{InstanceID: id, Status: tc.word})
		}
		got := changes([]NodeStatus{tc.known}, listed)
		if tc.want == nil {
			require.Empty(t, got, name)
			continue
		}
		require.Equal(t, []NodeStatus{*tc.want}, got, name)
	}
}

func TestANodeThatNobodyAskedForIsAChange(t *testing.T) {
	t.Parallel()
	unasked := NodeStatus{InstanceID: "i-unasked", State: Running}
	got := changes([]NodeStatus{{InstanceID: "i-a", State: Running}}, []ehpc.InvokeInstance{{InstanceID: "i-unasked", Status: "Running"}, {InstanceID: "i-a", Status: "Running"}})
	require.Equal(t, []NodeStatus{unasked}, got)
	require.Empty(t, changes([]NodeStatus{unasked}, []ehpc.InvokeInstance{{InstanceID: "i-unasked", Status: "Running"}}), "once it is known it is a node like others")
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
		"some text": strings.Repeat("all went well \xff\n", 900), "half a character": strings.Repeat("界", 9_000)[1:],
		"no text in the middle": plain + "\xff" + plain, "no text and signs": strings.Repeat("\xff<\x00", 9_000),
		"wide": strings.Repeat("界", 9_000), "lines": strings.Repeat("a\n", 9_000),
	} {
		var record ResultRecord
		record.keepExcerpt(output, 10_000)
		require.True(t, record.OutputCut, name)
		require.Equal(t, len(output), record.OutputBytes, name)
		readable, err := json.Marshal(record.Output)
		require.NoError(t, err)
		exact, err := json.Marshal(record.OutputRaw)
		require.NoError(t, err)
		require.LessOrEqual(t, len(readable)+len(exact), 10_000+3*len(cutMark), name)
		require.GreaterOrEqual(t, len(readable)+len(exact), 2_500, name)
		kept := record.Output
		if record.OutputRaw != nil {
			kept = string(record.OutputRaw)
			require.Equal(t, strings.ToValidUTF8(kept, "\uFFFD"), record.Output, name)
		}
		front, back, found := strings.Cut(kept, cutMark)
		require.True(t, found, name)
		require.True(t, strings.HasPrefix(output, front) && strings.HasSuffix(output, back), name)
		require.NotEmpty(t, front, name)
		require.NotEmpty(t, back, name)
	}
	kept, left := cut("short\n", 100)
	require.Equal(t, "short\n", kept)
	require.False(t, left)
}

func TestAnOutputThatIsNotUTF8IsKeptReadableAndExact(t *testing.T) {
	t.Parallel()
	var record ResultRecord
	record.keepExcerpt("ok \xff\xfe\n", 100)
	require.Equal(t, ResultRecord{Output: "ok \uFFFD\n", OutputRaw: []byte("ok \xff\xfe\n"), OutputBytes: 6}, record)

	for _, text := range []string{"", "plain\n", "ü界 \uFFFD"} {
		record = ResultRecord{}
		record.keepExcerpt(text, 100)
		require.Equal(t, ResultRecord{Output: text, OutputBytes: len(text)}, record, "text is kept once")
	}
}
