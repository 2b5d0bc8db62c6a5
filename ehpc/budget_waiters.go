package ehpc

import "time"

// waiter is a request that waits.
type waiter struct {
	due     time.Time
	arrival uint64
	since   time.Time
	ready   chan struct{}
	index   int  // in the heap; -1 when it left
	asks    bool // for a cluster's, where it is counted
}

// waiters is a heap: the one that is due first, then the one that came first.
type waiters []*waiter

func (w waiters) Len() int { return len(w) }
func (w waiters) Less(i, j int) bool {
	if !w[i].due.Equal(w[j].due) {
		return w[i].due.Before(w[j].due)
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
