package ehpc

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Priority says who goes first when requests have to wait for each other.
type Priority int

// The priorities, the most urgent first. Within one it is first come, first served.
const (
	Submits Priority = iota // starting and stopping
	Watches                 // looking at what was started
	Results                 // everything else
)

// Defaults of a Budget. E-HPC publishes no request quota; comparable products of
// the vendor allow several times as much.
const (
	DefaultCeiling = 20          // requests a second
	minRate        = 0.2         // requests a second
	regrowth       = time.Minute // from nothing to the ceiling
	throttleWindow = time.Second // throttles within it count once
)

// Budget shares an account's request quota in a region among everything in this
// process. The quota is not published and is shared with whoever else uses the
// account, so the budget feels for it: its rate halves when the service throttles,
// and grows back over a minute. Give one Budget to every Client of the account and
// region. It is safe for concurrent use.
type Budget struct {
	ceiling float64
	limiter *rate.Limiter

	mu          sync.Mutex
	waiting     waiters
	pumping     bool
	arrivals    uint64
	changed     time.Time // when the rate was last set
	throttled   time.Time
	pausedUntil time.Time
	stats       BudgetStats
}

// BudgetStats is what a budget has seen.
type BudgetStats struct {
	Rate      float64       // requests a second, now
	Waiting   int           // requests that wait now
	Requests  int           // that were let through
	Waited    time.Duration // by all of them together
	Throttles int           // requests that the service throttled
}

// NewBudget makes a budget that never exceeds a ceiling of requests a second;
// DefaultCeiling when it is not positive.
func NewBudget(ceiling float64) *Budget {
	if ceiling <= 0 {
		ceiling = DefaultCeiling
	}
	return &Budget{
		ceiling: ceiling,
		limiter: rate.NewLimiter(rate.Limit(ceiling), max(int(ceiling), 1)),
		changed: time.Now(),
	}
}

// Wait returns when a request of this priority may be sent, or when the context
// ends, with its error; the request must not be sent then.
func (b *Budget) Wait(ctx context.Context, priority Priority) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	if b.atOnce(time.Now()) {
		b.mu.Unlock()
		return nil
	}
	w := &waiter{priority: priority, since: time.Now(), ready: make(chan struct{})}
	w.arrival = b.arrivals
	b.arrivals++
	heap.Push(&b.waiting, w)
	if !b.pumping {
		b.pumping = true
		go b.pump()
	}
	b.mu.Unlock()

	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		if w.index < 0 { // let through at the same moment
			return nil
		}
		heap.Remove(&b.waiting, w.index)
		return ctx.Err()
	}
}

// atOnce lets a request through when nobody waits and there is a token. The lock is
// held.
func (b *Budget) atOnce(now time.Time) bool {
	if b.pumping || now.Before(b.pausedUntil) {
		return false
	}
	b.regrow(now)
	if !b.limiter.AllowN(now, 1) {
		return false
	}
	b.stats.Requests++
	return true
}

// pump lets the waiters through, each with a token, until none is left. It takes
// the token first and chooses then, so that the most urgent goes first even if it
// came last.
func (b *Budget) pump() {
	for {
		b.mu.Lock()
		if len(b.waiting) == 0 {
			b.pumping = false
			b.mu.Unlock()
			return
		}
		b.regrow(time.Now())
		pause := time.Until(b.pausedUntil)
		b.mu.Unlock()

		if pause > 0 {
			time.Sleep(pause)
			continue
		}
		time.Sleep(b.limiter.Reserve().Delay())

		b.mu.Lock()
		if len(b.waiting) > 0 {
			w := heap.Pop(&b.waiting).(*waiter)
			b.stats.Requests++
			b.stats.Waited += time.Since(w.since)
			close(w.ready)
		}
		b.mu.Unlock()
	}
}

// Throttled tells the budget that the service throttled a request, and how long it
// asked to wait; 0 when it did not. Several within a second are one event: they
// were sent at the same rate.
func (b *Budget) Throttled(retryAfter time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.stats.Throttles++
	if until := now.Add(retryAfter); until.After(b.pausedUntil) {
		b.pausedUntil = until
	}
	if now.Sub(b.throttled) < throttleWindow {
		return
	}
	b.throttled = now
	b.regrow(now)
	b.set(float64(b.limiter.Limit())/2, now)
}

// Stats reports what the budget has seen.
func (b *Budget) Stats() BudgetStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.regrow(time.Now())
	stats := b.stats
	stats.Rate = float64(b.limiter.Limit())
	stats.Waiting = len(b.waiting)
	return stats
}

// regrow raises the rate by the time that has passed. The lock is held.
func (b *Budget) regrow(now time.Time) {
	perSecond := float64(b.limiter.Limit())
	if perSecond < b.ceiling {
		b.set(perSecond+b.ceiling*now.Sub(b.changed).Seconds()/regrowth.Seconds(), now)
	}
}

func (b *Budget) set(perSecond float64, now time.Time) {
	perSecond = min(max(perSecond, minRate), b.ceiling)
	b.limiter.SetLimitAt(now, rate.Limit(perSecond))
	b.limiter.SetBurstAt(now, max(int(perSecond), 1))
	b.changed = now
}

// waiter is a request that waits.
type waiter struct {
	priority Priority
	arrival  uint64
	since    time.Time
	ready    chan struct{}
	index    int // in the heap; -1 when it left
}

// waiters is a heap: the most urgent first, then the one that came first.
type waiters []*waiter

func (w waiters) Len() int { return len(w) }
func (w waiters) Less(i, j int) bool {
	if w[i].priority != w[j].priority {
		return w[i].priority < w[j].priority
	}
	return w[i].arrival < w[j].arrival
}
func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}
func (w *waiters) Push(x any) {
	item := x.(*waiter)
	item.index = len(*w)
	*w = append(*w, item)
}
func (w *waiters) Pop() any {
	last := len(*w) - 1
	item := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	item.index = -1
	return item
}
