package ehpc

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc/catalogue"
)

// take lets n requests through and returns how long that took.
func take(t *testing.T, b *Budget, n int) time.Duration {
	t.Helper()
	started := time.Now()
	for range n {
		require.NoError(t, b.Wait(t.Context(), Reads, 0))
	}
	return time.Since(started)
}

func TestABudgetStartsSlowlyAndKeepsToItsCeiling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(16)
		require.InDelta(t, 4, b.Stats().Rate, 0.01, "a quarter at first")
		require.InDelta(t, 2, take(t, b, 19).Seconds(), 0.3, "twice as much each second")
		require.InDelta(t, 16, b.Stats().Rate, 2)
		take(t, b, 16)
		require.InDelta(t, 10, take(t, b, 160).Seconds(), 0.1)
		require.Equal(t, 195, b.Stats().Requests)
	})
}

func TestABudgetThatIsNotUsedDoesNotGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(20)
		for range 1000 {
			take(t, b, 1)
			time.Sleep(time.Second)
		}
		require.InDelta(t, 5, b.Stats().Rate, 0.01, "nothing had to wait")
		b.Throttled(0)
		was := b.Stats().Rate
		time.Sleep(time.Hour)
		require.InDelta(t, was, b.Stats().Rate, 0.01, "no request, no evidence")
		take(t, b, 2)
		require.InDelta(t, was, b.Stats().Rate, 0.2, "nor is the hour counted later")
		b.Throttled(time.Minute)
		was = b.Stats().Rate
		take(t, b, 1)
		require.InDelta(t, was, b.Stats().Rate, 0.2, "a pause that the service asked for is none either")
	})
}

func TestABudgetKeepsAQuarterOfASecondForAQuietTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(40)
		take(t, b, 200)
		require.InDelta(t, 40, b.Stats().Rate, 0.01)
		time.Sleep(time.Minute)
		require.Zero(t, take(t, b, 10))
		require.Equal(t, 25*time.Millisecond, take(t, b, 1).Round(time.Millisecond))
	})
}

// together makes requests wait, in this order, and returns in which they were let
// through.
func together(t *testing.T, b *Budget, requests ...waiting) []string {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	var order []string
	for _, r := range requests {
		all.Go(func() {
			require.NoError(t, b.Wait(t.Context(), r.priority, r.slack))
			mu.Lock()
			defer mu.Unlock()
			order = append(order, r.name)
		})
		synctest.Wait()
	}
	all.Wait()
	return order
}

type waiting struct {
	name     string
	priority Priority
	slack    time.Duration
}

func TestTheOneThatIsDueFirstGoesFirstAfterSubmits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1)
		take(t, b, 1)
		require.Equal(t, []string{"start", "stop", "result", "other result", "look", "late look"}, together(t, b,
			waiting{"late look", Reads, time.Minute}, waiting{"look", Reads, time.Second},
			waiting{"result", Reads, 0}, waiting{"other result", Reads, 0},
			waiting{"start", Submits, 0}, waiting{"stop", Submits, 0}))
	})
}

// crowd makes more requests than any budget lets through, until the test ends.
func crowd(t *testing.T, b *Budget) {
	t.Helper()
	t.Cleanup(func() { time.Sleep(time.Minute) }) // the budget's own goroutine ends
	for range 10 {
		go func() {
			for b.Wait(t.Context(), Reads, 0) == nil {
			}
		}()
	}
	synctest.Wait()
}

func TestALookThatCanWaitDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1)
		crowd(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		started := time.Now()
		require.NoError(t, b.Wait(ctx, Reads, 20*time.Second))
		require.InDelta(t, 30, time.Since(started).Seconds(), 5, "its slack, and those that were due before")
	})
}

func TestAFloodOfSubmitsLeavesAnOverdueRequestEveryFourthTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1)
		take(t, b, 1)
		requests := []waiting{{"result", Reads, 0}, {"result", Reads, 0}, {"look", Reads, time.Hour}}
		for range 12 {
			requests = append(requests, waiting{"start", Submits, 0})
		}
		require.Equal(t, []string{
			"start", "start", "start", "result", "start", "start", "start", "result",
			"start", "start", "start", "start", "start", "start", "look",
		}, together(t, b, requests...))
	})
}

func TestABudgetFallsWhenTheServiceThrottlesReturnsAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(40)
		crowd(t, b)
		time.Sleep(time.Second)
		require.InDelta(t, 20, b.Stats().Rate, 2)
		b.Throttled(0)
		b.Throttled(0)
		require.InDelta(t, 7, b.Stats().Rate, 1, "from what it bore a second before; what comes together counts once")
		time.Sleep(recovery)
		require.InDelta(t, 10, b.Stats().Rate, 1, "back to it")
		time.Sleep(recovery / 2)
		require.InDelta(t, 10.5, b.Stats().Rate, 1, "and not far beyond")
		b.Throttled(0)
		require.InDelta(t, 7.3, b.Stats().Rate, 1)
		time.Sleep(recovery * 5 / 2)
		require.InDelta(t, 20, b.Stats().Rate, 3, "unless nothing stops it")
		time.Sleep(recovery)
		require.InDelta(t, 40, b.Stats().Rate, 0.01, "and never above its ceiling")
		for range 100 {
			b.Throttled(0)
			time.Sleep(throttleWindow)
		}
		require.GreaterOrEqual(t, b.Stats().Rate, minRate, "it never stops for good")
		require.Equal(t, 103, b.Stats().Throttles)
	})
}

func TestABudgetPausesForAsLongAsTheServiceAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(10)
		b.Throttled(20 * time.Second)
		require.InDelta(t, 20, take(t, b, 1).Seconds(), 0.5)
	})
}

func TestARequestThatIsGivenUpLeavesTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1)
		take(t, b, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, b.Wait(ctx, Submits, 0), context.DeadlineExceeded)
		require.Zero(t, b.Stats().Waiting)
		require.ErrorIs(t, b.Wait(ctx, Submits, 0), context.DeadlineExceeded, "one that is over is not let in")
		require.LessOrEqual(t, take(t, b, 1), 8*time.Second)
	})
}

func TestAClientSpendsItsBudgetAndReportsThrottles(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ratelimit-user-api", "TimeLeft:1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"Code":"Throttling.User","Message":"x"}`))
	}))
	t.Cleanup(s.Close)
	budget := NewBudget(100)
	c, err := New(Config{
		Region: "cn-hangzhou", Endpoint: s.URL, Budget: budget,
		Credentials: credentials.NewStaticAKCredentialsProvider("id", "secret"),
	})
	require.NoError(t, err)
	_, err = c.ListInvocationStatus(t.Context(), ListInvocationStatusRequest{ClusterID: "c", CommandID: "d"})
	require.Equal(t, time.Millisecond, Judge(err).RetryAfter)
	stats := budget.Stats()
	require.Equal(t, 1, stats.Requests)
	require.Equal(t, 1, stats.Throttles)
	require.Less(t, stats.Rate, 25.0)
}

func TestALookWithSlackLetsAnotherGoFirst(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var order []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, r.URL.Query().Get("CommandId"))
		_, _ = w.Write([]byte(`{"InvokeStatus":"Running"}`))
	}))
	t.Cleanup(s.Close)
	budget := NewBudget(20)
	budget.Throttled(200 * time.Millisecond)
	c, err := New(Config{
		Region: "cn-hangzhou", Endpoint: s.URL, Budget: budget,
		Credentials: credentials.NewStaticAKCredentialsProvider("id", "secret"),
	})
	require.NoError(t, err)
	var all sync.WaitGroup
	for i, slack := range []time.Duration{time.Minute, 0} {
		all.Go(func() {
			_, err := c.ListInvocationStatus(t.Context(), ListInvocationStatusRequest{ClusterID: "c", CommandID: slack.String(), Slack: slack})
			require.NoError(t, err)
		})
		for budget.Stats().Waiting <= i {
			time.Sleep(time.Millisecond)
		}
	}
	all.Wait()
	require.Equal(t, []string{"0s", "1m0s"}, order)
}

func TestASubmitThatHasToWaitForLongIsGivenBackUnsent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(10)
		budget.Throttled(time.Minute)
		c, err := New(Config{
			Region: "cn-hangzhou", Budget: budget, Credentials: credentials.NewStaticAKCredentialsProvider("id", "secret"),
		})
		require.NoError(t, err)
		started := time.Now()
		_, err = c.InvokeShellCommand(t.Context(), InvokeShellCommandRequest{
			ClusterID: "c", Command: "uptime", InstanceIDs: []string{"i-a"}, Timeout: 60,
		})
		require.Equal(t, maxSubmitWait, time.Since(started))
		require.Equal(t, Judgement{Code: catalogue.NotSent, Read: catalogue.Soon, Submit: catalogue.Soon}, Judge(err))
		time.Sleep(time.Minute) // the budget's own goroutine ends
	})
}
