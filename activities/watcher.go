package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"
)

const (
	// reportAgain is how long to wait when Temporal could not be told what a
	// watch saw.
	reportAgain = 5 * time.Second

	// placeAgain is how long a watch that a full worker did not take waits before
	// it is offered again, to whoever has a place.
	placeAgain = 5 * time.Second

	// handOver is how long a watch that left a stopping worker is left alone, for
	// that worker to have stopped asking for work.
	handOver = 500 * time.Millisecond

	// tellingAtOnce bounds the ends of watches that Temporal is told of at a time:
	// thousands may come at once, and each takes the memory of a call.
	tellingAtOnce = 64
)

// Temporal is what a Watcher needs of a Temporal client.
type Temporal interface {
	RecordActivityHeartbeat(ctx context.Context, taskToken []byte, details ...any) error
	CompleteActivity(ctx context.Context, taskToken []byte, result any, err error) error
}

// Watcher holds the watches of a worker. A watch mostly waits, so it is not an
// activity that runs but one that is completed later, by its Watcher: between two
// looks it is a timer and what is known of what it watches, a few kB. It is safe for
// concurrent use.
type Watcher struct {
	temporal Temporal
	most     int
	telling  chan struct{} // holds one for each end that is being told
	jobs     jobLooks

	mu       sync.Mutex
	held     map[*heldWatch]struct{}
	stopping bool
}

// NewWatcher makes a watcher of so many watches at a time, at the most.
func NewWatcher(t Temporal, most int) *Watcher {
	return &Watcher{temporal: t, most: most, telling: make(chan struct{}, tellingAtOnce), held: make(map[*heldWatch]struct{})}
}

// looker looks for a held watch, by itself or for several: it shows the watch what it
// saw, and completes it when there is something to tell. It is called under the lock of
// the Watcher.
type looker interface {
	// lookAfter has the watch looked at once after a wait, the first time or again.
	lookAfter(h *heldWatch, wait time.Duration)

	// leave ends the looking.
	leave(h *heldWatch)
}

// heldWatch is a watch under way.
type heldWatch struct {
	watcher *Watcher
	looker  looker
	token   []byte
	attempt int32
	ctx     context.Context
	end     context.CancelFunc
	beat    *time.Timer

	mu       sync.Mutex
	progress any // as heartbeats show it
}

// hold takes a watch over from its activity, which then is to return
// activity.ErrResultPending.
func (r *Watcher) hold(ctx context.Context, l looker, progress any, untilLook time.Duration) error {
	info := activity.GetInfo(ctx)
	h := &heldWatch{watcher: r, looker: l, token: info.TaskToken, attempt: info.Attempt, progress: progress}
	// The activity's own context ends with it; looks are traced under its span all the same.
	h.ctx, h.end = context.WithCancel(trace.ContextWithSpan(context.Background(), trace.SpanFromContext(ctx)))
	return h.begin(untilLook)
}

// begin takes a place for the watch.
func (h *heldWatch) begin(untilLook time.Duration) error {
	r := h.watcher
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.stopping:
		h.end()
		return workerStopping()
	case len(r.held) >= r.most:
		h.end()
		return noPlace(r.most)
	}
	r.held[h] = struct{}{}
	h.beat = time.AfterFunc(beatEvery, h.beatNow)
	h.looker.lookAfter(h, untilLook)
	return nil
}

func (h *heldWatch) again(wait time.Duration) {
	h.watcher.mu.Lock()
	defer h.watcher.mu.Unlock()
	if h.ctx.Err() == nil {
		h.looker.lookAfter(h, wait)
	}
}

// show gives the heartbeats what the last look saw.
func (h *heldWatch) show(progress any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = progress
}

// beatNow shows that the watch lives, and hears whether it is still wanted.
func (h *heldWatch) beatNow() {
	err := h.watcher.temporal.RecordActivityHeartbeat(h.ctx, h.token, h.lastProgress())
	var gone *serviceerror.NotFound
	switch {
	case h.ctx.Err() != nil:
		return
	case temporal.IsCanceledError(err):
		h.complete(nil, temporal.NewCanceledError())
	case errors.As(err, &gone):
		h.leave()
		return
	case errors.Is(err, activity.ErrActivityPaused), errors.Is(err, activity.ErrActivityReset):
		h.complete(nil, err)
	}
	h.watcher.mu.Lock()
	defer h.watcher.mu.Unlock()
	if h.ctx.Err() == nil { // also of one whose end Temporal could not be told
		h.beat.Reset(beatEvery)
	}
}

// complete ends the watch and tells Temporal. If Temporal cannot be told, it looks
// again later: a watch is not lost while anybody waits for it.
func (h *heldWatch) complete(result any, failure error) {
	h.watcher.telling <- struct{}{}
	defer func() { <-h.watcher.telling }()
	if failure != nil && temporal.IsApplicationError(failure) {
		// The next attempt goes on from the last heartbeat.
		_ = h.watcher.temporal.RecordActivityHeartbeat(h.ctx, h.token, h.lastProgress())
	}
	err := h.watcher.temporal.CompleteActivity(h.ctx, h.token, result, failure)
	var gone *serviceerror.NotFound
	if err == nil || errors.As(err, &gone) {
		h.leave()
		return
	}
	h.again(reportAgain)
}

func (h *heldWatch) lastProgress() any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.progress
}

// leave forgets the watch. It may be called twice.
func (h *heldWatch) leave() {
	h.watcher.mu.Lock()
	defer h.watcher.mu.Unlock()
	if _, held := h.watcher.held[h]; !held {
		return
	}
	delete(h.watcher.held, h)
	h.drop()
}

// drop ends what the watch does here.
func (h *heldWatch) drop() {
	h.looker.leave(h)
	h.beat.Stop()
	h.end()
}

// Stop hands every watch over to other workers and takes no more. It returns when
// Temporal has been told, or has been tried to be told until the context ended.
func (r *Watcher) Stop(ctx context.Context) {
	var group errgroup.Group
	group.SetLimit(tellingAtOnce)
	r.mu.Lock()
	r.stopping = true
	held := r.held
	r.held = make(map[*heldWatch]struct{})
	for h := range held {
		h.drop()
	}
	r.mu.Unlock()
	for h := range held {
		group.Go(func() error {
			// A worker that cannot reach Temporal is missed after a heartbeat.
			_ = r.temporal.RecordActivityHeartbeat(ctx, h.token, h.lastProgress())
			_ = r.temporal.CompleteActivity(ctx, h.token, nil, workerStopping())
			return nil
		})
	}
	_ = group.Wait()
}

func workerStopping() error {
	return temporal.NewApplicationErrorWithOptions("the worker is stopping; another one goes on", WorkerStopping,
		temporal.ApplicationErrorOptions{NextRetryDelay: handOver, Category: temporal.ApplicationErrorCategoryBenign})
}

func noPlace(most int) error {
	return temporal.NewApplicationErrorWithOptions(
		fmt.Sprintf("this worker watches %d runs and may not watch more: start another worker, or raise --watches", most), NoPlace,
		temporal.ApplicationErrorOptions{NextRetryDelay: placeAgain, Category: temporal.ApplicationErrorCategoryBenign})
}
