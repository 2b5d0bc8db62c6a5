package activities

import (
	"context"
	"sync"
	"time"
)

// jobLooks are the shared looks of a worker, one for each cluster.
type jobLooks struct {
	mu     sync.Mutex
	shared map[string]*sharedLook
}

// of is the look at a cluster's jobs. It stays when nobody waits: clusters are few.
func (l *jobLooks) of(a *Activities, clusterID string) *sharedLook {
	l.mu.Lock()
	defer l.mu.Unlock()
	look := l.shared[clusterID]
	if look == nil {
		if l.shared == nil {
			l.shared = make(map[string]*sharedLook)
		}
		look = &sharedLook{activities: a, clusterID: clusterID, waiting: make(map[*heldWatch]*jobWatch)}
		l.shared[clusterID] = look
	}
	return look
}

// sharedLook looks at the jobs of a cluster for all that wait for one: one listing of the
// unfinished ones a look, and one of the finished ones when some are no longer in it. Its
// pace is that of the youngest job, stretched by what a look takes. Between two looks
// there is at least Pace.Look.Min.
type sharedLook struct {
	activities *Activities
	clusterID  string

	mu      sync.Mutex
	waiting map[*heldWatch]*jobWatch
	timer   *time.Timer
	due     time.Time // of the next look; zero when none is
	looking bool
	last    time.Time     // when the last look ended
	took    time.Duration // how long it took

	// foundAt is the page on which a finished job was found last, and skip how many pages
	// were read in vain since all that were sought were found. Only a look changes them.
	foundAt, skip int
}

// join adds a watch to those that the next look serves, which comes after the wait at the
// latest.
func (s *sharedLook) join(h *heldWatch, w *jobWatch, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[h] = w
	s.schedule(time.Now().Add(wait))
}

func (s *sharedLook) leave(h *heldWatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, h)
	if len(s.waiting) == 0 && s.timer != nil {
		s.timer.Stop()
		s.due = time.Time{}
	}
}

// schedule has a look come at a time, unless one comes before. The lock is held.
func (s *sharedLook) schedule(at time.Time) {
	if soonest := s.last.Add(max(s.activities.Pace.Look.Min, s.took)); at.Before(soonest) {
		at = soonest
	}
	if s.looking || !s.due.IsZero() && !at.Before(s.due) {
		return
	}
	s.due = at
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Until(at), s.look)
		return
	}
	s.timer.Reset(time.Until(at))
}

// look looks once, and tells everybody what concerns them.
func (s *sharedLook) look() {
	s.mu.Lock()
	if s.looking || len(s.waiting) == 0 || s.due.IsZero() || time.Now().Before(s.due) { // a timer that was stopped too late
		s.mu.Unlock()
		return
	}
	s.looking, s.due = true, time.Time{}
	served := make(map[*heldWatch]*jobWatch, len(s.waiting))
	slack := s.activities.Pace.Look.Max
	now := time.Now()
	for h, w := range s.waiting {
		served[h] = w
		slack = min(slack, w.untilLook(now))
	}
	s.mu.Unlock()

	// A watch that ends meanwhile does not end the look of the others.
	listed := s.list(context.Background(), served, slack, now)
	next := s.tell(served, listed, now)
	took := time.Since(now)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.looking, s.last, s.took = false, time.Now(), took
	if len(s.waiting) > 0 {
		s.schedule(s.last.Add(min(next, s.untilOthers(served))))
	}
}

// untilOthers is how long those may be left alone that came during the look. The lock is
// held.
func (s *sharedLook) untilOthers(served map[*heldWatch]*jobWatch) time.Duration {
	wait, now := s.activities.Pace.Look.Max, time.Now()
	for h, w := range s.waiting {
		if _, was := served[h]; !was {
			wait = min(wait, w.untilLook(now))
		}
	}
	return wait
}

// tell gives each watch what the look that began at a time saw of its job, and says when
// the next look is due for those that go on.
func (s *sharedLook) tell(served map[*heldWatch]*jobWatch, listed *jobListing, began time.Time) time.Duration {
	now, next := time.Now(), s.activities.Pace.Look.Max
	on := make(map[*heldWatch]*jobWatch)
	gap := 2 * max(s.activities.Pace.Look.Max, s.took) // of more than a look and the next
	for h, w := range served {
		if h.ctx.Err() != nil {
			continue
		}
		w.looked(began, now, gap)
		w.progress.Jobs = len(served)
		seen, err := w.see(listed)
		var report any
		if err == nil {
			w.progress.RefusedSince = time.Time{}
			report = w.report(seen, began)
		}
		switch {
		case err != nil:
			s.leave(h)
			failure := w.failed(err, now, h.attempt)
			h.show(w.progress)
			go h.complete(nil, failure)
		case report != nil:
			s.leave(h)
			h.show(w.progress)
			go h.complete(report, nil) // it may wait
		default:
			on[h] = w
			next = min(next, w.untilLook(now))
		}
	}
	for h, w := range on {
		w.progress.NextLook = now.Add(next).UTC()
		h.show(w.progress)
	}
	return next
}
