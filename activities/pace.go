package activities

import (
	"math/rand/v2"
	"time"

	"ehpcflow/ehpc/catalogue"
)

// Pace says how soon something is done again. Looking again at a running command
// and retrying after an error are two clocks, never mixed.
type Pace struct {
	// Look bounds the time between two looks at a command. Within them it is the
	// time that the command has run, divided by LooksPerAge.
	Look Bounds

	// LooksPerAge bounds how late an end is noticed, relative to how long the
	// command ran: a fortieth with 40.
	LooksPerAge int

	// LeastHold is how long a change may wait to be reported with others even
	// when its command is young, so that one of less than a minute is mostly
	// reported once. The end of the last node never waits.
	LeastHold time.Duration

	// Soon, Throttled and Later are the back-offs after an error of that kind. A
	// wait is anywhere between the least and a limit that doubles with each
	// failure, from twice the least up to the most.
	Soon, Throttled, Later Bounds

	// NewFor is how long after its submit an object that the service does not
	// find is taken for one that is not visible yet. How late it can be is not
	// documented.
	NewFor time.Duration

	// RefusedFor is how long a read about a command that was submitted is made again
	// although it is refused, before the refusal is believed.
	RefusedFor time.Duration

	// ResultsWithin is how long results may lag behind the status before those
	// that are missing are given up.
	ResultsWithin time.Duration
}

// Bounds are the least and the most of a time.
type Bounds struct{ Min, Max time.Duration }

// DefaultPace is the pace for the real service, which publishes no request quota.
// Its looks are where the trade-off curve of docs/pace.md bends.
func DefaultPace() Pace {
	return Pace{
		Look:          Bounds{time.Second, time.Minute},
		LooksPerAge:   40,
		LeastHold:     20 * time.Second,
		Soon:          Bounds{time.Second, time.Minute},
		Throttled:     Bounds{2 * time.Second, time.Minute},
		Later:         Bounds{15 * time.Second, time.Minute},
		NewFor:        time.Minute,
		RefusedFor:    5 * time.Minute,
		ResultsWithin: 20 * time.Second,
	}
}

// Milestones are the moments around which a command is likely to end. Those that
// are not known are zero.
type Milestones struct {
	SubmittedAt time.Time `json:"submittedAt"`

	// ExpectedAt is when it should end, by what its user knows.
	ExpectedAt time.Time `json:"expectedAt,omitzero"`

	// KilledAt is when the service kills it.
	KilledAt time.Time `json:"killedAt,omitzero"`
}

// UntilLook says how long after now the next look at a command is due. The wait
// grows with the time since each milestone, begins anew at one that passes, and
// does not go beyond one that is ahead.
func (p Pace) UntilLook(m Milestones, now time.Time) time.Duration {
	return jittered(p.interval(m, now))
}

func (p Pace) interval(m Milestones, now time.Time) time.Duration {
	wait := p.Look.Max
	for _, milestone := range []time.Time{m.SubmittedAt, m.ExpectedAt, m.KilledAt} {
		since := now.Sub(milestone)
		switch {
		case milestone.IsZero():
		case since >= 0:
			wait = min(wait, max(since/time.Duration(p.LooksPerAge), p.Look.Min))
		default:
			wait = min(wait, p.Look.Min-since)
		}
	}
	return wait
}

// Looks says about how many looks a command takes that is seen to end at a time: the
// least and the most that the waits, which vary, come to. An error, or a change that
// is told apart, may cost a look more.
func (p Pace) Looks(m Milestones, end time.Time) (least, most int) {
	count := func(shortened func(time.Duration) time.Duration) (n int) {
		for now := m.SubmittedAt; now.Before(end); n++ {
			now = now.Add(shortened(p.interval(m, now)))
		}
		return n
	}
	return count(func(wait time.Duration) time.Duration { return wait }), count(func(wait time.Duration) time.Duration { return wait - wait/jitter })
}

// holdUntil says until when a change that was first seen at a time may wait for
// others, so that they are reported together: until the command is twice as old or
// for LeastHold, but never so long that it is known later than the longest wait for a look.
func (p Pace) holdUntil(m Milestones, seen time.Time) time.Time {
	age := max(seen.Sub(m.SubmittedAt), p.LeastHold)
	return seen.Add(max(0, min(age, p.Look.Max-p.interval(m, seen))))
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

// jitter is up to which part of a wait is taken away: a fiftieth.
const jitter = 50

// jittered spreads callers that would otherwise keep step.
func jittered(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/jitter+1)) //nolint:gosec // spreading load needs no secrecy
}
