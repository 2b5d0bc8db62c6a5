package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var submitted = time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC)

func TestTheTimeBetweenLooksGrowsWithTheAgeOfTheCommandWithinBounds(t *testing.T) {
	t.Parallel()
	pace := DefaultPace()
	for age, want := range map[time.Duration]time.Duration{
		-time.Minute: time.Minute, 0: time.Second, 30 * time.Second: time.Second, 2 * time.Minute: 3 * time.Second,
		30 * time.Minute: 45 * time.Second, time.Hour: time.Minute, 24 * time.Hour: time.Minute,
	} {
		least, most := pace.Look.Max, time.Duration(0)
		for range 200 {
			got := pace.UntilLook(Milestones{SubmittedAt: submitted}, submitted.Add(age))
			least, most = min(least, got), max(most, got)
		}
		require.GreaterOrEqual(t, least, want-want/50, age)
		require.LessOrEqual(t, most, want, age)
		require.Less(t, least, want, "callers do not keep step")
	}
}

func TestLooksAreCloseAfterTheTimesWhenACommandIsLikelyToEnd(t *testing.T) {
	t.Parallel()
	pace := DefaultPace()
	m := Milestones{SubmittedAt: submitted, ExpectedAt: submitted.Add(time.Hour), KilledAt: submitted.Add(2 * time.Hour)}
	for age, want := range map[time.Duration]time.Duration{
		50 * time.Minute:                time.Minute,
		time.Hour - 10*time.Second:      11 * time.Second, // just beyond
		time.Hour + time.Second:         time.Second,      // and as if begun anew
		time.Hour + 2*time.Minute:       3 * time.Second,
		100 * time.Minute:               time.Minute,
		2*time.Hour - 5*time.Second:     6 * time.Second,
		2*time.Hour + 2*time.Second:     time.Second,
		4 * time.Hour:                   time.Minute,
		time.Hour - 59*time.Second:      time.Minute,
		time.Hour - 100*time.Second:     time.Minute,
		2*time.Hour - 100*time.Second:   time.Minute,
		2*time.Hour + 40*60*time.Second: time.Minute,
	} {
		require.Equal(t, want, pace.interval(m, submitted.Add(age)), "at %v", age)
	}
}

func TestAChangeIsHeldBackInProportionAndNeverLongerThanALookMayBeLate(t *testing.T) {
	t.Parallel()
	pace := DefaultPace()
	for age, want := range map[time.Duration]time.Duration{
		0: 20 * time.Second, 5 * time.Second: 20 * time.Second, 30 * time.Second: 30 * time.Second,
		2 * time.Minute: 57 * time.Second, 30 * time.Minute: 15 * time.Second, 2 * time.Hour: 0,
	} {
		seen := submitted.Add(age)
		require.Equal(t, want, pace.holdUntil(Milestones{SubmittedAt: submitted}, seen).Sub(seen), "at %v", age)
	}
}

func TestLooksAreForetold(t *testing.T) {
	t.Parallel()
	pace := DefaultPace()
	for _, m := range []Milestones{
		{SubmittedAt: submitted},
		{SubmittedAt: submitted, ExpectedAt: submitted.Add(time.Hour), KilledAt: submitted.Add(2 * time.Hour)},
	} {
		for _, runtime := range []time.Duration{time.Second, time.Minute, 61 * time.Minute, 26 * time.Hour} {
			least, most := pace.Looks(m, submitted.Add(runtime))
			require.LessOrEqual(t, least, most)
			for range 20 {
				looks := 0
				for now := submitted; now.Before(submitted.Add(runtime)); looks++ {
					now = now.Add(pace.UntilLook(m, now))
				}
				require.GreaterOrEqual(t, looks, least-2, "a wait that is shortened may end before a milestone")
				require.LessOrEqual(t, looks, most+2)
			}
		}
	}
	least, most := pace.Looks(Milestones{SubmittedAt: submitted}, submitted.Add(time.Millisecond))
	require.Equal(t, [2]int{1, 1}, [2]int{least, most})
}
