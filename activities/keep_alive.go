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

// keepAlive heartbeats for an activity until it is stopped, also while a call or
// the request budget is waited for.
func keepAlive(ctx context.Context, details string) (stop func()) {
	var mu sync.Mutex
	stopped := false
	var timer *time.Timer
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(beatEvery, func() {
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			activity.RecordHeartbeat(ctx, details)
			timer.Reset(beatEvery)
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}
