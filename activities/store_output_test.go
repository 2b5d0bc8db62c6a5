package activities

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities/outputs"
	"ehpcflow/ehpc"
)

// storeStub is an output store that a test holds in its hand.
type storeStub struct {
	puts map[outputs.Key]string
	err  error
	hang bool
	n    int
}

func (s *storeStub) Put(ctx context.Context, key outputs.Key, output []byte) (outputs.Reference, error) {
	s.n++
	if s.hang {
		<-ctx.Done()
		return outputs.Reference{}, fmt.Errorf("put: %w", ctx.Err())
	}
	if s.err != nil {
		return outputs.Reference{}, s.err
	}
	if s.puts == nil {
		s.puts = make(map[outputs.Key]string)
	}
	s.puts[key] = string(output)
	return outputs.Reference{URI: "stub:" + key.InstanceID, SHA256: outputs.Digest(output)}, nil
}

func (*storeStub) Probe(context.Context) error { return nil }

func collectorWith(store outputs.Store, attempt int32) *collector {
	of := activity.Info{Attempt: attempt, ScheduledTime: time.Now(), ScheduleToCloseTimeout: 24 * time.Hour}
	of.WorkflowExecution.ID = "run-1"
	return &collector{
		Activities: &Activities{Pace: DefaultPace(), Outputs: store}, of: of, stored: make(map[string]outputs.Reference),
		in: ListInvocationResultsInput{ClusterID: "e-1", CommandID: "c-1", OutputLimit: 100},
	}
}

func finished(node, output string) ehpc.InvocationResult {
	return ehpc.InvocationResult{InstanceID: node, Status: "Finished", Output: output}
}

func TestTheCompleteOutputIsStoredOnceItIsFinal(t *testing.T) {
	t.Parallel()
	store := &storeStub{}
	c := collectorWith(store, 1)
	long := strings.Repeat("0123456789\xff\n", 100)

	record, err := c.recordOf(t.Context(), ehpc.InvocationResult{InstanceID: "i-a", Status: "Running", Output: "012"})
	require.NoError(t, err)
	require.Empty(t, record.OutputURI)
	record, err = c.recordOf(t.Context(), finished("i-b", ""))
	require.NoError(t, err)
	require.Empty(t, record.OutputURI)
	require.Empty(t, store.puts)

	for range 3 {
		record, err = c.recordOf(t.Context(), finished("i-a", long))
		require.NoError(t, err)
		require.Equal(t, "stub:i-a", record.OutputURI)
		require.Equal(t, outputs.Digest([]byte(long)), record.OutputSHA256)
		require.True(t, record.OutputCut)
	}
	require.Equal(t, 1, store.n, "not at every look")
	require.Equal(t, map[outputs.Key]string{{ClusterID: "e-1", RunID: "run-1", CommandID: "c-1", InstanceID: "i-a"}: long}, store.puts)

	record, err = c.recordOf(t.Context(), finished("i-a", long+"more"))
	require.NoError(t, err)
	require.Equal(t, outputs.Digest([]byte(long+"more")), record.OutputSHA256, "what is referenced is what was read last")
}

func TestWithoutAStoreNothingIsSaidOfOne(t *testing.T) {
	t.Parallel()
	record, err := collectorWith(nil, 1).recordOf(t.Context(), finished("i-a", "hi"))
	require.NoError(t, err)
	require.Equal(t, ResultRecord{
		NodeStatus: NodeStatus{InstanceID: "i-a", State: Finished}, Output: "hi", OutputBytes: 2,
	}, record)
}

func TestAnOutputThatCannotBeStoredIsTriedAgainAndThenDoneWithout(t *testing.T) {
	t.Parallel()
	full := fmt.Errorf("write i-a: %w", &fs.PathError{Op: "write", Path: "/data/e-1/run-1/c-1/i-a", Err: syscall.ENOSPC})
	for attempt := range int32(storeAttempts) {
		_, err := collectorWith(&storeStub{err: full}, attempt).recordOf(t.Context(), finished("i-a", "hi"))
		var failure *temporal.ApplicationError
		require.ErrorAs(t, err, &failure)
		require.Equal(t, OutputStore, failure.Type())
		require.False(t, failure.NonRetryable())
		require.Positive(t, failure.NextRetryDelay())
		for _, says := range []string{"node i-a", "command c-1", "/data/e-1/run-1/c-1/i-a", "no space left", "--output-store"} {
			require.Contains(t, failure.Message(), says)
		}
	}
	c := collectorWith(&storeStub{err: full}, storeAttempts)
	record, err := c.recordOf(t.Context(), finished("i-a", "hi"))
	require.NoError(t, err, "the run is not lost for it")
	require.Equal(t, "hi", record.Output)
	require.Empty(t, record.OutputURI)
	require.Equal(t, "the complete output could not be stored: no space left on device", record.OutputRemark)

	c.Outputs = &storeStub{}
	record, err = c.recordOf(t.Context(), finished("i-b", "hi"))
	require.NoError(t, err)
	require.NotEmpty(t, record.OutputURI, "others are stored all the same")
	require.Empty(t, record.OutputRemark)
}

func TestTheLastAttemptThatTimeAllowsDoesWithoutTheStore(t *testing.T) {
	t.Parallel()
	c := collectorWith(&storeStub{err: syscall.EIO}, 1)
	c.of.ScheduledTime = time.Now().Add(-23*time.Hour - 59*time.Minute - 35*time.Second)
	record, err := c.recordOf(t.Context(), finished("i-a", "hi"))
	require.NoError(t, err)
	require.Contains(t, record.OutputRemark, "input/output error")
}

func TestAStoreThatHangsIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	store := &storeStub{err: fmt.Errorf("put: %w", context.DeadlineExceeded)}
	c := collectorWith(store, storeAttempts)
	for _, node := range []string{"i-a", "i-b", "i-c"} {
		record, err := c.recordOf(ctx, finished(node, "hi"))
		require.NoError(t, err)
		require.Contains(t, record.OutputRemark, "deadline")
	}
	require.Equal(t, 1, store.n)
}

func TestACancelledRunDoesNotWaitForTheStore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err := collectorWith(&storeStub{hang: true}, storeAttempts).recordOf(ctx, finished("i-a", "hi"))
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheCauseOfManyRemarksIsOneShortText(t *testing.T) {
	t.Parallel()
	require.Equal(t, "no space left on device", cause(fmt.Errorf("a: %w", &fs.PathError{Op: "write", Path: "/b", Err: syscall.ENOSPC})))
	require.Len(t, []rune(cause(errors.New(strings.Repeat("ü", 1000)))), 201)
}

func TestALargeRunRefersToAListOfItsOutputs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := outputs.Open(dir)
	require.NoError(t, err)
	records := func(c *collector) *ListInvocationResultsResult {
		result := &ListInvocationResultsResult{}
		for node, output := range map[string]string{"i-a": "one", "i-b": "two", "an odd/node": "three", "i-quiet": ""} {
			record, err := c.recordOf(t.Context(), finished(node, output))
			require.NoError(t, err)
			result.Records = append(result.Records, record)
		}
		return result
	}
	c := collectorWith(store, 1)
	result := records(c)
	require.NoError(t, c.storeList(t.Context(), result))
	require.Empty(t, result.OutputsURI, "it was not asked for")

	c.in.OutputList = true
	require.NoError(t, c.storeList(t.Context(), result))
	for _, record := range result.Records {
		require.Empty(t, record.OutputURI+record.OutputSHA256+record.OutputRemark)
	}
	require.Equal(t, "file://"+dir+"/e-1/run-1/c-1/SHA256SUMS", result.OutputsURI)
	list, err := os.ReadFile(filepath.Join(dir, "e-1/run-1/c-1/SHA256SUMS"))
	require.NoError(t, err)
	require.Equal(t, outputs.Digest(list), result.OutputsSHA256)
	lines := strings.Split(strings.TrimSpace(string(list)), "\n")
	require.Len(t, lines, 3)
	for _, line := range lines {
		digest, name, _ := strings.Cut(line, "  ")
		output, err := os.ReadFile(filepath.Join(dir, "e-1/run-1/c-1", name))
		require.NoError(t, err)
		require.Equal(t, outputs.Digest(output), digest)
	}

	for attempt, fails := range map[int32]bool{1: true, storeAttempts: false} {
		c = collectorWith(store, attempt)
		c.in.OutputList = true
		result = records(c)
		c.Outputs = &storeStub{err: syscall.ENOSPC}
		err := c.storeList(t.Context(), result)
		require.Equal(t, fails, err != nil)
		if fails {
			require.ErrorContains(t, err, "the list of outputs, command c-1, could not be stored: no space left")
			continue
		}
		require.Empty(t, result.OutputsURI)
		for _, record := range result.Records {
			require.Equal(t, record.OutputBytes > 0, record.OutputRemark != "", record.InstanceID)
		}
	}
}
