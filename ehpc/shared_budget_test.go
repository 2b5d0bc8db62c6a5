package ehpc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// sharedQuota is what the service allows all workers of a sharing together, a second.
// Each of their budgets would take as much for itself.
const sharedQuota = DefaultCeiling

// sharing is workers that know nothing of each other, each with a budget of its own
// and always more to ask than it may, at a service with a quota.
type sharing struct {
	t        *testing.T
	clusters int // that each works on; 0 does without

	mu      sync.Mutex
	allow   func(now time.Time) (ok bool, retryAfter time.Duration)
	workers []*sharer
}

type sharer struct {
	budget         *Budget
	leave          context.CancelFunc
	sent, answered int
}

// tokenBucket is a quota that may be saved up for a second. It does not say when to
// come again.
func tokenBucket() func(time.Time) (bool, time.Duration) {
	limiter := rate.NewLimiter(sharedQuota, sharedQuota)
	return func(now time.Time) (bool, time.Duration) { return limiter.AllowN(now, 1), 0 }
}

// fixedWindow is a quota of each second by itself. It says when the next one begins.
func fixedWindow() func(time.Time) (bool, time.Duration) {
	var second time.Time
	seen := 0
	return func(now time.Time) (bool, time.Duration) {
		if this := now.Truncate(time.Second); !this.Equal(second) {
			second, seen = this, 0
		}
		seen++
		return seen <= sharedQuota, second.Add(time.Second).Sub(now)
	}
}

func (s *sharing) join(n int) {
	for range n {
		ctx, leave := context.WithCancel(s.t.Context())
		worker := &sharer{budget: NewBudget(sharedQuota), leave: leave}
		s.workers = append(s.workers, worker)
		for i := range 16 {
			budget := worker.budget
			if s.clusters > 0 {
				budget = budget.of(fmt.Sprint("ehpc-", i%s.clusters))
			}
			go func() {
				for budget.Wait(ctx, Reads, 0) == nil {
					s.ask(worker, budget)
				}
			}()
		}
	}
}

func (s *sharing) leave(n int) {
	for _, worker := range s.workers[:n] {
		worker.leave()
	}
	s.workers = s.workers[n:]
}

// ask is a request, its way to the service and back.
func (s *sharing) ask(worker *sharer, budget *Budget) {
	time.Sleep(10*time.Millisecond + rand.N(80*time.Millisecond))
	s.mu.Lock()
	ok, retryAfter := s.allow(time.Now())
	worker.sent++
	if ok {
		worker.answered++
	}
	s.mu.Unlock()
	time.Sleep(30 * time.Millisecond)
	if !ok {
		budget.Throttled(retryAfter)
	}
}

// observe lets the workers go on and returns which share of their requests was
// throttled, which share of the quota was used, and what the worker that got least
// got of its fair share.
func (s *sharing) observe(d time.Duration) (throttled, used, least float64) {
	s.mu.Lock()
	for _, worker := range s.workers {
		worker.sent, worker.answered = 0, 0
	}
	s.mu.Unlock()
	time.Sleep(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	sent, answered, fewest := 0, 0, s.workers[0].answered
	for _, worker := range s.workers {
		sent += worker.sent
		answered += worker.answered
		fewest = min(fewest, worker.answered)
	}
	return 1 - float64(answered)/float64(sent), float64(answered) / d.Seconds() / sharedQuota,
		float64(fewest*len(s.workers)) / float64(answered)
}

func (s *sharing) requireSettled(when string) {
	s.t.Helper()
	throttled, used, least := s.observe(10 * time.Minute)
	s.t.Logf("%d workers %s: %.2f %% throttled, %.0f %% used, least share %.2f", len(s.workers), when, 100*throttled, 100*used, least)
	most := 0.02
	if s.clusters > 1 { // it takes a throttle of two of them to slow the account down
		most = 0.03
	}
	require.Less(s.t, throttled, most, when)
	require.Greater(s.t, used, 0.85, when)
	require.Greater(s.t, least, 1./3, when)
}

func TestWorkersShareAQuotaThatNobodyToldThem(t *testing.T) {
	t.Parallel()
	for name, quota := range map[string]func() func(time.Time) (bool, time.Duration){"token bucket": tokenBucket, "fixed window": fixedWindow} {
		for _, tc := range []struct{ workers, clusters int }{{1, 0}, {3, 0}, {8, 0}, {3, 1}, {1, 2}, {8, 2}, {8, 16}} {
			t.Run(fmt.Sprintf("%s, %d workers, %d clusters", name, tc.workers, tc.clusters), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					n := tc.workers
					s := &sharing{t: t, clusters: tc.clusters, allow: quota()}
					t.Cleanup(func() { time.Sleep(time.Minute) }) // the budgets' own goroutines end
					s.join(n)
					time.Sleep(15 * time.Second)
					s.requireSettled("15 s after they started at once")
					if n > 1 {
						s.leave(1)
						time.Sleep(75 * time.Second)
						_, used, _ := s.observe(time.Minute)
						require.Greater(t, used, 0.8, "75 s after one left, its share is taken up")
						s.requireSettled("after one left")
						s.join(1)
						time.Sleep(15 * time.Second)
						s.requireSettled("15 s after one joined")
					}
				})
			})
		}
	}
}
