// Package activities is where the E-HPC API meets Temporal: one activity per API
// action, named as the action is. It turns API errors into application errors
// whose type is the API's code, and decides which of them may be retried and how
// soon. It takes no decision about a run; package workflows does.
package activities

import (
	"math/rand/v2"
	"time"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// Activities holds what the activities work with. Register it with a worker; its
// methods are the activities.
type Activities struct {
	EHPC *ehpc.Client
	Pace Pace
}

// Pace says how soon something is done again. Looking again at a running command
// and retrying after an error are two clocks, never mixed.
type Pace struct {
	// Look bounds the time between two looks at a command. Within them it is a
	// tenth of the time that the command has run, so that a change is noticed
	// late by a tenth at most.
	Look Bounds

	// Soon, Throttled and Later are the back-offs after an error of that kind. A
	// wait is anywhere between the least and a limit that doubles with each
	// failure, from twice the least up to the most.
	Soon, Throttled, Later Bounds

	// NewFor is how long after its submit an object that the service does not
	// find is taken for one that is not visible yet.
	NewFor time.Duration

	// ResultsWithin is how long results may lag behind the status before those
	// that are missing are given up.
	ResultsWithin time.Duration
}

// Bounds are the least and the most of a time.
type Bounds struct{ Min, Max time.Duration }

// DefaultPace is the pace for the real service. It publishes no request quota.
func DefaultPace() Pace {
	return Pace{
		Look:          Bounds{time.Second, 20 * time.Second},
		Soon:          Bounds{time.Second, time.Minute},
		Throttled:     Bounds{2 * time.Second, time.Minute},
		Later:         Bounds{15 * time.Second, time.Minute},
		NewFor:        time.Minute,
		ResultsWithin: 20 * time.Second,
	}
}

func (p Pace) nextLook(running time.Duration) time.Duration {
	return jittered(min(max(running/10, p.Look.Min), p.Look.Max))
}

func (p Pace) backoff(retry catalogue.Retry, attempt int32) time.Duration {
	bounds := p.Soon
	switch retry {
	case catalogue.Throttled:
		bounds = p.Throttled
	case catalogue.Later:
		bounds = p.Later
	case catalogue.Soon, catalogue.WhileNew, catalogue.Never:
	}
	limit := bounds.Min
	for range attempt {
		limit = min(2*limit, bounds.Max)
	}
	return bounds.Min + time.Duration(rand.Int64N(int64(limit-bounds.Min)+1)) //nolint:gosec // spreading load needs no secrecy
}

// jittered spreads callers that would otherwise keep step, by up to a fifth.
func jittered(d time.Duration) time.Duration {
	return d + time.Duration(rand.Int64N(int64(d)/5+1)) //nolint:gosec // spreading load needs no secrecy
}
