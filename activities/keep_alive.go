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
// request budget is waited for.
type pulse[D any] struct {
	ctx     context.Context
	mu      sync.Mutex
	details D
	timer   *time.Timer
	stopped bool
}

func keepAlive[D any](ctx context.Context, details D) *pulse[D] {
	p := &pulse[D]{ctx: ctx, details: details}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(beatEvery, p.beat)
	return p
}

func (p *pulse[D]) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
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
