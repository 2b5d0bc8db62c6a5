package ehpc

import (
	"container/heap"
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Priority says who goes first when requests have to wait for each other.
type Priority int

// The priorities.
const (
	// Submits start and stop something. They go before the others, the one that
	// came first before the next; but while one of the others is overdue, that has
	// every fourth turn.
	Submits Priority = iota

	// Reads are everything else. The one that is due first goes first.
	Reads
)

// submitsInRow is how many submits may go before a read that is overdue. A flood of
// submits takes a third longer so at most, and what it started is seen to end
// meanwhile.
const submitsInRow = 3

// DefaultCeiling of a Budget, in requests a second. E-HPC publishes no request quota;
// comparable products of the vendor allow several times as much.
const DefaultCeiling = 20

// How a budget finds its share of a quota. The numbers are chosen by trial, for one to
// eight workers at a quota of the default ceiling: the test of sharing shows what they
// achieve.
const (
	// A budget starts at this share of its ceiling, so that several which start at
	// once do not flood the service, and doubles until the first throttle, so that
	// one alone has all of it in two seconds.
	startShare = 0.25
	doubling   = time.Second

	// A throttle takes this share of the rate away. Less would be throttled more
	// often; more would leave more of the quota unused.
	cut = 0.3

	// The rate is back after this time and grows ever more slowly until then, and
	// ever faster afterwards: twice the rate takes two and a half times as long.
	// One of eight workers has 2.5 requests a second, so that a throttle in this
	// time is 1.3 % of them. Sooner would be throttled more often; later would
	// leave the share of a worker that stopped unused for longer.
	recovery = 30 * time.Second

	// Throttles within this time are one: they were sent at the same rate.
	throttleWindow = time.Second

	// burst is how many seconds' worth of requests may go at once after a quiet
	// time. It adds to what a quota counts within its second.
	burst = 0.25

	// minRate, in requests a second, is where a budget ends up that is throttled
	// for minutes. The way from there to the default ceiling takes four minutes.
	minRate = 0.2
)

// Budget shares an account's request quota in a region among everything in this
// process, and with the other processes that use the account. The quota is not
// published and nobody tells a budget of the others, so it feels for its share: its
// rate falls when the service throttles, returns to where that happened, stays about
// there for a while, and then goes beyond. Those who have more are throttled more
// often, which evens the shares out. A rate that is not used proves nothing and does
// not grow. Give one Budget to every Client of the account and region. It is safe for
// concurrent use.
//
// Within it each cluster has a budget of its own, so that one that is busy, or throttled
// more than others, leaves the others their turns; see of.
type Budget struct {
	ceiling float64
	limiter *rate.Limiter
	account *Budget // that the budget of a cluster is part of; nil of the account's own

	mu             sync.Mutex
	submits, reads waiters
	row            int // of submits before a read that is overdue
	pumping        bool
	arrivals       uint64
	knee           float64       // requests a second when it was last throttled; 0 before
	used           time.Duration // for which the rate was used in full, since then
	spent          time.Time     // when a request was last let through
	grown          time.Time     // when used last grew
	throttled      time.Time
	pausedUntil    time.Time
	stats          BudgetStats

	// Of the account's own: the budgets of clusters, and which was throttled last.
	clusters  map[string]*Budget
	blamed    *Budget
	blamedFor time.Time

	// Of a cluster's: gives up asking the account on behalf of one that is no longer
	// the most urgent; nil while it does not ask.
	giveUp context.CancelFunc
}

// BudgetStats is what a budget has seen.
type BudgetStats struct {
	Rate      float64       // requests a second that are allowed now
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
	b := &Budget{ceiling: ceiling, limiter: rate.NewLimiter(0, 1)}
	b.adjust(time.Now())
	return b
}

// Wait returns when a request of this priority may be sent, or when the context
// ends, with its error; the request must not be sent then. A read is due after its
// slack, which is how late it may go without harm; a submit has none.
func (b *Budget) Wait(ctx context.Context, priority Priority, slack time.Duration) error {
	if priority == Submits {
		slack = 0
	}
	now := time.Now()
	_, err := b.wait(ctx, priority, &waiter{due: now.Add(slack), since: now})
	return err
}

// wait lets a waiter wait for its turn, and says whether it had to.
func (b *Budget) wait(ctx context.Context, priority Priority, w *waiter) (waited bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	b.mu.Lock()
	if b.atOnce(time.Now()) {
		b.mu.Unlock()
		return false, nil
	}
	queue := &b.reads
	if priority == Submits {
		queue = &b.submits
	}
	w.arrival, w.ready = b.arrivals, make(chan struct{})
	b.arrivals++
	heap.Push(queue, w)
	if b.giveUp != nil && w.index == 0 && (priority == Submits || len(b.submits) == 0) {
		b.giveUp()
	}
	if !b.pumping {
		b.pumping = true
		go b.pump()
	}
	b.mu.Unlock()

	select {
	case <-w.ready:
		return true, nil
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		if w.index < 0 { // let through at the same moment
			return true, nil
		}
		heap.Remove(queue, w.index)
		return true, ctx.Err()
	}
}

// atOnce lets a request through when nobody waits and there is a token. The lock is
// held.
func (b *Budget) atOnce(now time.Time) bool {
	if b.pumping || now.Before(b.pausedUntil) || b.limiter.TokensAt(now) < 1 || !b.accountAllows(now) || !b.limiter.AllowN(now, 1) {
		return false
	}
	b.spent = now
	b.stats.Requests++
	return true
}

// pump lets the waiters through, each with a token, until none is left. It takes
// the token first and chooses then, so that the most urgent goes first even if it
// came last.
func (b *Budget) pump() {
	for {
		b.mu.Lock()
		if b.waiting() == 0 {
			b.pumping = false
			b.mu.Unlock()
			return
		}
		pause := time.Until(b.pausedUntil)
		b.mu.Unlock()

		if pause > 0 {
			time.Sleep(pause)
			continue
		}
		time.Sleep(b.limiter.Reserve().Delay())
		waited, allowed := b.askAccount()

		b.mu.Lock()
		if allowed && b.waiting() > 0 {
			b.letThrough(time.Now(), !waited)
		}
		b.mu.Unlock()
	}
}

// letThrough gives a token to the waiter whose turn it is. When nothing but the token
// was waited for, the rate was used in full since the one before, for as long as a token
// takes. The lock is held.
func (b *Budget) letThrough(now time.Time, inFull bool) {
	w := heap.Pop(b.next(now)).(*waiter)
	b.stats.Requests++
	if !w.asks {
		b.stats.Waited += now.Sub(w.since)
	}
	if inFull {
		b.used += min(now.Sub(b.spent), time.Duration(float64(time.Second)/b.rate()))
		b.grown = now
	}
	b.spent = now
	b.adjust(now)
	close(w.ready)
}

// next is the queue whose turn it is. Somebody waits. The lock is held.
func (b *Budget) next(now time.Time) *waiters {
	overdue := len(b.reads) > 0 && !b.reads[0].due.After(now)
	if len(b.submits) == 0 || overdue && b.row == submitsInRow {
		b.row = 0
		return &b.reads
	}
	if overdue {
		b.row++
	}
	return &b.submits
}

func (b *Budget) waiting() int { return len(b.submits) + len(b.reads) }

// Throttled tells the budget that the service throttled a request, and how long it
// asked to wait; 0 when it did not. Several within a second are one event: they
// were sent at the same rate.
func (b *Budget) Throttled(retryAfter time.Duration) {
	now, most, alone := time.Now(), b.ceiling, true
	if b.account != nil {
		most, alone = b.account.blame(b, now, retryAfter)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Throttles++
	if alone {
		b.slowDown(now, retryAfter, most)
	}
}

// slowDown takes some of the rate away, or of what was borne at the most if that is
// less. The lock is held.
func (b *Budget) slowDown(now time.Time, retryAfter time.Duration, most float64) {
	if until := now.Add(retryAfter); until.After(b.pausedUntil) {
		b.pausedUntil = until
	}
	if now.Sub(b.throttled) < throttleWindow {
		return
	}
	b.throttled = now
	b.knee, b.used = min(b.borne(now), most), 0
	b.adjust(now)
}

// borne is the rate of a moment ago: what the service had enough of. A budget that was
// still doubling knows no other that it bore. The lock is held.
func (b *Budget) borne(now time.Time) float64 {
	if now.Sub(b.grown) < doubling {
		defer func(used time.Duration) { b.used = used }(b.used)
		b.used -= doubling
	}
	return b.rate()
}

// rate is what the budget allows a second. The lock is held.
func (b *Budget) rate() float64 {
	var perSecond float64
	switch {
	case b.knee == 0 && b.account != nil: // the account's own starts slowly for it
		perSecond = b.ceiling
	case b.knee == 0:
		perSecond = b.ceiling * startShare * math.Exp2(b.used.Seconds()/doubling.Seconds())
	default:
		past := (b.used - recovery).Seconds() / recovery.Seconds()
		perSecond = b.knee * (1 + cut*past*past*past)
	}
	return min(max(perSecond, minRate), b.ceiling)
}

// adjust gives the limiter the rate. The lock is held.
func (b *Budget) adjust(now time.Time) {
	b.limiter.SetLimitAt(now, rate.Limit(b.rate()))
	b.limiter.SetBurstAt(now, max(int(b.rate()*burst), 1))
}
