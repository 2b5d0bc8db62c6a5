package ehpc

import (
	"context"
	"time"
)

// of is the budget of a cluster within the account's. Of all that wait, each cluster
// sends one to wait for the account's next token, its most urgent; so clusters take
// turns, however many requests one of them has.
//
// The quota is the account's as far as is known, but a throttle is not the others' fault
// at first: it slows its own cluster down, and the account only if the one before, not
// long ago, was another cluster's. When it is the quota that is short, throttles hit now
// this cluster and now that one.
//
// A budget is kept for every cluster that there was a request for, some hundred bytes
// each. A request for none, such as a list of clusters, is the account's own.
func (b *Budget) of(clusterID string) *Budget {
	if clusterID == "" {
		return b
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	cluster := b.clusters[clusterID]
	if cluster == nil {
		cluster = NewBudget(b.ceiling)
		cluster.account = b
		cluster.adjust(time.Now())
		if b.clusters == nil {
			b.clusters = make(map[string]*Budget)
		}
		b.clusters[clusterID] = cluster
	}
	return cluster
}

// accountAllows takes a token of the account's if there is one and nobody waits for it.
// The lock is held, of a cluster's before that of the account's.
func (b *Budget) accountAllows(now time.Time) bool {
	if b.account == nil {
		return true
	}
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	return b.account.atOnce(now)
}

// askAccount takes a token of the account's on behalf of the most urgent that waits,
// and says whether it had to wait for it. It is not allowed one when none waits any more.
func (b *Budget) askAccount() (waited, allowed bool) {
	if b.account == nil {
		return false, true
	}
	since := time.Now()
	for {
		ctx, giveUp := context.WithCancel(context.Background())
		b.mu.Lock()
		priority, due, found := b.mostUrgent()
		b.giveUp = giveUp
		if !found {
			b.giveUp = nil
			b.mu.Unlock()
			giveUp()
			return waited, false
		}
		b.mu.Unlock()
		hadTo, err := b.account.wait(ctx, priority, &waiter{due: later(due, since), since: since, asks: true})
		b.mu.Lock()
		b.giveUp = nil
		b.mu.Unlock()
		giveUp()
		waited = waited || hadTo
		if err == nil {
			return waited, true
		}
	}
}

// later keeps a cluster whose requests are long overdue from going before the others
// until it has caught up.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// mostUrgent is whom the next token is asked for. The lock is held.
func (b *Budget) mostUrgent() (priority Priority, due time.Time, found bool) {
	switch {
	case len(b.submits) > 0:
		return Submits, b.submits[0].due, true
	case len(b.reads) > 0:
		return Reads, b.reads[0].due, true
	}
	return Reads, due, false
}

// blame is told of a throttle of a cluster. It slows the account down when the cluster
// alone does not explain it, and says otherwise what the account bore, so that the
// cluster is slowed down from there.
func (b *Budget) blame(cluster *Budget, now time.Time, retryAfter time.Duration) (borne float64, alone bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Throttles++
	alone = b.blamed == nil || b.blamed == cluster || now.Sub(b.blamedFor) > recovery
	b.blamed, b.blamedFor = cluster, now
	if !alone {
		b.slowDown(now, retryAfter, b.ceiling)
	}
	return b.borne(now), alone
}

// Stats reports what the budget has seen, all clusters together.
func (b *Budget) Stats() BudgetStats {
	b.mu.Lock()
	stats := b.stats
	stats.Rate = b.rate()
	for _, queue := range []waiters{b.submits, b.reads} {
		for _, w := range queue {
			if !w.asks {
				stats.Waiting++
			}
		}
	}
	clusters := make([]*Budget, 0, len(b.clusters))
	for _, cluster := range b.clusters {
		clusters = append(clusters, cluster)
	}
	b.mu.Unlock()

	var rates float64
	for _, cluster := range clusters {
		own := cluster.Stats()
		stats.Waiting += own.Waiting
		stats.Waited += own.Waited
		rates += own.Rate
	}
	if len(clusters) > 0 {
		stats.Rate = min(stats.Rate, rates)
	}
	return stats
}
