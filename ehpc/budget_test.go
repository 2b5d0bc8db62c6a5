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
		require.NoError(t, b.Wait(t.Context(), Watches))
	}
	return time.Since(started)
}

func TestABudgetKeepsToItsCeiling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(10)
		require.InDelta(t, 9, take(t, b, 100).Seconds(), 0.5, "a burst of a second's worth, then 10 a second")
		require.Equal(t, 100, b.Stats().Requests)
	})
}

func TestTheMostUrgentGoFirstAndWithinThatTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1)
		take(t, b, 1)
		var all sync.WaitGroup
		var mu sync.Mutex
		var order []int
		for i, priority := range []Priority{Results, Results, Watches, Watches, Submits, Submits} {
			all.Go(func() {
				require.NoError(t, b.Wait(t.Context(), priority))
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			synctest.Wait()
		}
		all.Wait()
		require.Equal(t, []int{4, 5, 2, 3, 0, 1}, order)
	})
}

func TestABudgetHalvesWhenTheServiceThrottlesAndGrowsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(16)
		b.Throttled(0)
		b.Throttled(0)
		require.InDelta(t, 8, b.Stats().Rate, 0.1, "what comes together counts once")
		time.Sleep(2 * time.Second)
		b.Throttled(0)
		require.InDelta(t, 4.3, b.Stats().Rate, 0.1)
		time.Sleep(15 * time.Second)
		require.InDelta(t, 8.3, b.Stats().Rate, 0.2)
		time.Sleep(time.Minute)
		require.InDelta(t, 16, b.Stats().Rate, 0.01, "and never above its ceiling")
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
		require.ErrorIs(t, b.Wait(ctx, Submits), context.DeadlineExceeded)
		require.Zero(t, b.Stats().Waiting)
		require.ErrorIs(t, b.Wait(ctx, Submits), context.DeadlineExceeded, "one that is over is not let in")
		require.LessOrEqual(t, take(t, b, 1), 2*time.Second)
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
	require.Less(t, stats.Rate, 60.0)
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
