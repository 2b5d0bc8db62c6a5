package schedules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/encryption"
	"ehpcflow/internal/runs"
)

// Pause keeps a schedule from firing until it is resumed. The runs that go on do so. One
// whose key is not at hand is paused too.
func Pause(ctx context.Context, c client.Client, name, note string) error {
	if _, err := describe(ctx, c, name); err != nil && !encryption.Unreadable(err) {
		return err
	}
	return tell(c.ScheduleClient().GetHandle(ctx, name).Pause(ctx, client.SchedulePauseOptions{Note: signed(note, "paused")}), name)
}

// Resume lets a paused schedule fire again. What it did not fire meanwhile it does not
// make up for; see Backfill.
func Resume(ctx context.Context, c client.Client, name, note string) error {
	if _, err := describe(ctx, c, name); err != nil {
		return err
	}
	return tell(c.ScheduleClient().GetHandle(ctx, name).Unpause(ctx, client.ScheduleUnpauseOptions{Note: signed(note, "resumed")}), name)
}

// signed is a note with the name of who wrote it.
func signed(note, did string) string {
	if strings.TrimSpace(note) == "" {
		return did + " by " + runs.WhoAmI()
	}
	return fmt.Sprintf("%s (%s by %s)", note, did, runs.WhoAmI())
}

func tell(err error, name string) error {
	if err != nil {
		return unknown(err, name)
	}
	return nil
}

// Delete removes a schedule and returns the runs of it that go on, which it leaves alone;
// none of a schedule whose key is not at hand.
func Delete(ctx context.Context, c client.Client, name string) (running []string, err error) {
	described, err := describe(ctx, c, name)
	switch {
	case err == nil:
		running = scheduleOf(name, described).Running
	case !encryption.Unreadable(err):
		return nil, err
	}
	return running, tell(c.ScheduleClient().GetHandle(ctx, name).Delete(ctx), name)
}

// startPatience bounds the wait for the run of a trigger.
const startPatience = 10 * time.Second

// Triggered is what came of a trigger.
type Triggered struct {
	Run     string // "" when none was seen to begin within a few seconds
	Dropped bool   // it may have been left out, since another began meanwhile
}

// Trigger starts a run of the schedule now, whatever its times, also of a paused one.
// Overlap is the schedule's own policy unless it names another. A *runs.RefusedError says
// that a run goes on and the policy would drop the new one.
func Trigger(ctx context.Context, c client.Client, name, overlap string) (Triggered, error) {
	before, err := describe(ctx, c, name)
	if err != nil {
		return Triggered{}, err
	}
	s := scheduleOf(name, before)
	var options client.ScheduleTriggerOptions
	if overlap != "" {
		known, _ := overlapOf(overlap)
		options.Overlap, s.Overlap = known.policy, overlap
	}
	if len(s.Running) > 0 && s.Overlap == skip {
		return Triggered{}, &runs.RefusedError{Message: fmt.Sprintf(
			"run %s of schedule %s goes on, and with --overlap %s no other is started: wait for its end, or trigger with --overlap %s or %s", s.Running[0], name, skip, bufferOne, allowAll)}
	}
	if err := tell(c.ScheduleClient().GetHandle(ctx, name).Trigger(ctx, options), name); err != nil {
		return Triggered{}, err
	}
	run, err := awaitFiring(ctx, c, s)
	waited := err == nil && run == "" && !errors.Is(ctx.Err(), context.Canceled)
	return Triggered{Run: run, Dropped: waited && s.Overlap == skip}, err
}

// awaitFiring waits for a run that was not there before and is for none of the schedule's
// next times. Its name may be that of another, which was started in the same second.
func awaitFiring(ctx context.Context, c client.Client, before Schedule) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		described, err := describe(ctx, c, before.Name)
		var late *serviceerror.DeadlineExceeded
		switch {
		case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), errors.As(err, &late): // a call may end before its context does
			return "", nil
		case err != nil:
			return "", err
		}
		for _, firing := range firings(described.Info.RecentActions) {
			if !slices.ContainsFunc(before.Runs, func(f Firing) bool { return f.StartedAt.Equal(firing.StartedAt) }) &&
				!slices.ContainsFunc(before.Next, firing.ScheduledAt.Equal) {
				return firing.Run, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", nil
		}
	}
}
