package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
)

// readyPatience is how long Temporal may take to answer a worker that is ready.
const readyPatience = 3 * time.Second

// readiness says whether a worker can take work.
type readiness struct {
	mu     sync.Mutex
	client client.Client // nil before the worker polls, and when it no longer does
	why    string
}

func (r *readiness) serving(c client.Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.client = c
}

func (r *readiness) stopping() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.client, r.why = nil, "stopping"
}

// check is nil when the worker polls and Temporal answers.
func (r *readiness) check(ctx context.Context) error {
	r.mu.Lock()
	c, why := r.client, r.why
	r.mu.Unlock()
	switch {
	case why != "":
		return errors.New(why)
	case c == nil:
		return errors.New("starting")
	}
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return errors.New("Temporal does not answer") //nolint:staticcheck // a name
	}
	return nil
}
