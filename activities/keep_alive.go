package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

// beatEvery is how often an activity shows that it lives: twice within the
// shortest heartbeat timeout in use, so that one may get lost.
const beatEvery = 20 * time.Second

// pulse heartbeats for an activity until it is stopped, also while a call or the
// request budget is waited for. Each beat carries the latest details.
type pulse[D any] struct {
	ctx     context.Context //nolint:containedctx // it lives as long as the activity does
	mu      sync.Mutex
	details D
	timer   *time.Timer
	stopped bool
}

func keepAlive[D any](ctx context.Context, details D) *pulse[D] {
	p := &pulse[D]{ctx: ctx, details: details}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(beatEvery, func() { p.record(nil) })
	return p
}

// set changes what the next beat carries.
func (p *pulse[D]) set(details D) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.details = details
}

// beat shows new details at once.
func (p *pulse[D]) beat(details D) { p.record(&details) }

func (p *pulse[D]) record(details *D) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	if details != nil {
		p.details = *details
	}
	activity.RecordHeartbeat(p.ctx, p.details)
	p.timer.Reset(beatEvery)
}

func (p *pulse[D]) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.timer.Stop()
}
