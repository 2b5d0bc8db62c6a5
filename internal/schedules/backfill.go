package schedules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// MaxBackfill is how many firings are made up for at a time: Temporal keeps no more waiting.
const MaxBackfill = 500

// Range is a time to make up for. From and To are read in the time zone of the schedule
// where they name none, and belong to it.
type Range struct {
	From, To string
	Overlap  string // "" is buffer-all: one run after the other
	Again    bool   // also where a run of that time is known
}

// Backfill starts a run for each time at which the schedule would have fired, and returns
// these; of one with a jitter they are not the times in the names of the runs. A
// *workflows.InputError says what is wrong with the range. A *runs.RefusedError says that
// for one of the times there is a run already, or may be: Temporal would run the command
// once more, under the same name.
func Backfill(ctx context.Context, c client.Client, namespace, name string, r Range, now time.Time) (due []time.Time, jittered bool, err error) {
	described, err := describe(ctx, c, name)
	if err != nil {
		return nil, false, err
	}
	from, to, err := r.bounds(described.Schedule.Spec.TimeZoneName, now)
	if err != nil {
		return nil, false, err
	}
	jittered = described.Schedule.Spec.Jitter > 0
	if !r.Again {
		if err := refuseUntold(scheduleOf(name, described)); err != nil {
			return nil, jittered, err
		}
	}
	matching, err := c.WorkflowService().ListScheduleMatchingTimes(ctx, &workflowservice.ListScheduleMatchingTimesRequest{
		Namespace: namespace, ScheduleId: name, EndTime: timestamppb.New(to),
		StartTime: timestamppb.New(from.Add(-time.Millisecond)), // which the list leaves out, and the backfill does not
	})
	if err != nil {
		return nil, jittered, unknown(err, name)
	}
	for _, at := range matching.GetStartTime() {
		due = append(due, at.AsTime())
	}
	switch {
	case len(due) == 0:
		return nil, jittered, &runs.RefusedError{Message: fmt.Sprintf("schedule %s has no time between %s and %s: nothing was started", name, r.From, r.To)}
	case len(due) > MaxBackfill:
		return nil, jittered, &runs.RefusedError{Message: fmt.Sprintf("schedule %s has %d times or more between %s and %s, at most %d are made up for: choose a shorter time",
			name, len(due), r.From, r.To, MaxBackfill)}
	}
	if !r.Again {
		if err := refuseKnown(ctx, c, name, due); err != nil {
			return nil, jittered, err
		}
	}
	overlap, _ := overlapOf(r.overlap())
	return due, jittered, tell(c.ScheduleClient().GetHandle(ctx, name).Backfill(ctx, client.ScheduleBackfillOptions{
		Backfill: []client.ScheduleBackfill{{Start: from, End: to, Overlap: overlap.policy}},
	}), name)
}

func (r Range) overlap() string {
	if r.Overlap == "" {
		return bufferAll
	}
	return r.Overlap
}

func (r Range) bounds(timeZone string, now time.Time) (from, to time.Time, err error) {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	zone, err := time.LoadLocation(timeZone)
	if err != nil {
		zone = time.UTC
	}
	from, to = parseTime("--from", r.From, zone, problem), parseTime("--to", r.To, zone, problem)
	switch {
	case from.IsZero() || to.IsZero():
	case to.Before(from):
		problem("--to is %s, which is before --from, %s: turn them round", r.To, r.From)
	case to.After(now):
		problem("--to is %s, which is yet to come: a backfill is for times that have passed", r.To)
	}
	if len(problems) > 0 {
		return from, to, &workflows.InputError{Problems: problems}
	}
	return from, to, nil
}

// refuseUntold refuses a backfill of a schedule of which it cannot be told what has run.
func refuseUntold(s Schedule) error {
	switch {
	case s.JitterSeconds > 0:
		return &runs.RefusedError{Message: fmt.Sprintf(
			"schedule %s has a jitter, so that which of its times have run cannot be told, and those would run the command again: look at its runs (starter schedule show %s), then say --again", s.Name, s.Name)}
	case len(s.Running) > 0:
		return &runs.RefusedError{Message: fmt.Sprintf(
			"run %s of schedule %s goes on, and which times wait behind it cannot be told, so that those would run the command again: wait for its end, or say --again", s.Running[0], s.Name)}
	}
	return nil
}

// refuseKnown refuses a backfill of times of which Temporal keeps a run.
func refuseKnown(ctx context.Context, c client.Client, name string, due []time.Time) error {
	var known []string
	for _, at := range due {
		id := RunName(name, at)
		_, err := c.DescribeWorkflowExecution(ctx, id, "")
		var notFound *serviceerror.NotFound
		switch {
		case err == nil:
			known = append(known, id)
		case !errors.As(err, &notFound):
			return fmt.Errorf("look for run %s: %w", id, err)
		}
	}
	if len(known) == 0 {
		return nil
	}
	return &runs.RefusedError{Message: fmt.Sprintf(
		"of %d times %d have run already, such as %s, and would run the command again: choose the times that were missed, or say --again", len(due), len(known), known[0])}
}

// RunName is the name of the run of a firing. Temporal makes it.
func RunName(schedule string, at time.Time) string {
	return schedule + "-" + at.UTC().Truncate(time.Second).Format(time.RFC3339)
}
