package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beatEvery is how often an activity shows that it lives: well within the shortest
// heartbeat timeout in use.
const beatEvery = 10 * time.Second

// keepAlive heartbeats until it is stopped, also while a call or the request budget
// is waited for; beat does so at once, with new details.
func keepAlive[D any](ctx context.Context, details D) (beat func(D), stop func()) {
	updates := make(chan D)
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case details = <-updates:
			case <-tick.C:
			case <-done:
				return
			}
			activity.RecordHeartbeat(ctx, details)
		}
	}()
	return func(d D) { updates <- d }, func() { close(done) }
}
