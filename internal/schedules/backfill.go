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
// these. A *workflows.InputError says what is wrong with the range. A *runs.RefusedError
// says that for one of the times there is a run already: Temporal would run the command
// once more, under the same name.
func Backfill(ctx context.Context, c client.Client, namespace, name string, r Range, now time.Time) ([]time.Time, error) {
	described, err := describe(ctx, c, name)
	if err != nil {
		return nil, err
	}
	from, to, err := r.bounds(described.Schedule.Spec.TimeZoneName, now)
	if err != nil {
		return nil, err
	}
	matching, err := c.WorkflowService().ListScheduleMatchingTimes(ctx, &workflowservice.ListScheduleMatchingTimesRequest{
		Namespace: namespace, ScheduleId: name, StartTime: timestamppb.New(from), EndTime: timestamppb.New(to),
	})
	if err != nil {
		return nil, unknown(err, name)
	}
	var due []time.Time
	for _, at := range matching.GetStartTime() {
		due = append(due, at.AsTime())
	}
	switch {
	case len(due) == 0:
		return nil, &runs.RefusedError{Message: fmt.Sprintf("schedule %s has no time between %s and %s: nothing was started", name, r.From, r.To)}
	case len(due) > MaxBackfill:
		return nil, &runs.RefusedError{Message: fmt.Sprintf("schedule %s has %d times or more between %s and %s, at most %d are made up for: choose a shorter time",
			name, len(due), r.From, r.To, MaxBackfill)}
	}
	if !r.Again {
		if err := refuseKnown(ctx, c, name, due); err != nil {
			return nil, err
		}
	}
	overlap, _ := overlapOf(r.overlap())
	return due, tell(c.ScheduleClient().GetHandle(ctx, name).Backfill(ctx, client.ScheduleBackfillOptions{
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
