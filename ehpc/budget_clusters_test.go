package ehpc

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// busy has a cluster ask for more than any budget lets through, until the test ends, and
// counts what it gets.
func busy(t *testing.T, b *Budget, after func()) *atomic.Int64 {
	t.Helper()
	var sent atomic.Int64
	for range 10 {
		go func() {
			for b.Wait(t.Context(), Reads, 0) == nil {
				sent.Add(1)
				after()
			}
		}()
	}
	return &sent
}

// perSecond is what each gets from now on.
func perSecond(d time.Duration, of ...*atomic.Int64) (rates []float64) {
	for _, sent := range of {
		sent.Store(0)
	}
	time.Sleep(d)
	for _, sent := range of {
		rates = append(rates, float64(sent.Load())/d.Seconds())
	}
	return rates
}

func rateOf(b *Budget) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rate()
}

func newAccount(t *testing.T) *Budget {
	t.Helper()
	t.Cleanup(func() { time.Sleep(time.Minute) }) // the budgets' own goroutines end
	return NewBudget(20)
}

func TestAThrottledClusterDoesNotSlowAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := newAccount(t)
		throttled, other := account.of("ehpc-t"), account.of("ehpc-o")
		refused := busy(t, throttled, func() { throttled.Throttled(0) })
		served := busy(t, other, func() {})
		time.Sleep(30 * time.Second)
		rates := perSecond(time.Minute, refused, served)
		require.Less(t, rates[0], 1.0, "the one is slowed down")
		require.Greater(t, rates[1], 19.0, "the other has the rest")
	})
}

func TestAPauseThatTheServiceAsksOfAClusterIsItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := newAccount(t)
		account.of("ehpc-t").Throttled(time.Minute)
		require.Less(t, take(t, account.of("ehpc-o"), 10), 5*time.Second)
		require.GreaterOrEqual(t, take(t, account.of("ehpc-t"), 1), 55*time.Second)
	})
}

func TestThrottlesOfSeveralClustersSlowTheAccountDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := newAccount(t)
		busy(t, account.of("ehpc-a"), func() {})
		time.Sleep(10 * time.Second)
		require.InDelta(t, 20, rateOf(account), 0.1)
		account.of("ehpc-a").Throttled(0)
		require.InDelta(t, 20, rateOf(account), 0.1, "it may be the cluster's own")
		time.Sleep(2 * time.Second)
		account.of("ehpc-b").Throttled(0)
		require.InDelta(t, 14, rateOf(account), 0.5)
		time.Sleep(2 * time.Minute)
		account.of("ehpc-c").Throttled(0)
		require.Greater(t, rateOf(account), 17.0, "the one before was long ago")
	})
}

func TestABusyClusterLeavesOthersTheirTurnsWithinTheBoundOfTheAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := newAccount(t)
		a, b := busy(t, account.of("ehpc-a"), func() {}), busy(t, account.of("ehpc-b"), func() {})
		for range 20 { // as many more for one of them
			go func() { _ = account.of("ehpc-a").Wait(t.Context(), Submits, 0) }()
		}
		time.Sleep(10 * time.Second)
		rates := perSecond(time.Minute, a, b)
		require.InDelta(t, 20, rates[0]+rates[1], 0.5, "together they have what the account has")
		require.InDelta(t, rates[0], rates[1], 0.5, "each has half of it")

		started := time.Now()
		require.NoError(t, account.of("ehpc-c").Wait(t.Context(), Reads, 0))
		require.Less(t, time.Since(started), 300*time.Millisecond, "a third does not wait behind all that the others want")
		require.Positive(t, account.Stats().Waiting)
	})
}

func TestASubmitDoesNotWaitBehindAReadOfItsClusterThatIsNotDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := newAccount(t)
		busy(t, account.of("ehpc-a"), func() {})
		time.Sleep(5 * time.Second)
		cluster := account.of("ehpc-b")
		go func() { _ = cluster.Wait(t.Context(), Reads, time.Hour) }()
		synctest.Wait()
		started := time.Now()
		require.NoError(t, cluster.Wait(t.Context(), Submits, 0))
		require.Less(t, time.Since(started), 300*time.Millisecond)
	})
}
