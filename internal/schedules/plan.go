// Package schedules has Temporal start runs again and again: it makes schedules, reads
// how they stand, and tells them what to do. A schedule lives in Temporal and needs none
// of our programs to fire; its runs need a worker.
package schedules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones are known on a machine without them too
	"unicode/utf8"

	"go.temporal.io/sdk/client"
)

// MaxName is the longest name of a schedule, in bytes: a time, and the name of a cluster,
// stand behind it in the names of its runs, of which Temporal takes 1,000.
const MaxName = 900

const (
	// DefaultCatchUp lets a Temporal server be restarted, and does not start after an
	// outage what nobody expects any more.
	DefaultCatchUp = 5 * time.Minute

	// MinCatchUp is the least that Temporal takes.
	MinCatchUp = 10 * time.Second
)

// Plan says when a schedule starts its run, and by what rules. The zero value fires never.
type Plan struct {
	Crons []string // five fields, six with a year, or seven with seconds before them
	Every []string // such as 6h, or 6h/30m for half an hour past each sixth
	At    []string // single times

	// TimeZone of Crons, and of times that name none, such as Asia/Shanghai. "" is UTC.
	TimeZone string

	// Jitter is the most by which a firing is put off, by chance. 0 is not at all.
	Jitter time.Duration

	// Start and End are the times between which it fires. "" is without a bound.
	Start, End string

	// Overlap says what happens when the run before still goes on; see Overlaps. "" is
	// the first of them.
	Overlap string

	// CatchUp is how late a firing may be started that was missed because Temporal was
	// down; later it is left out. 0 is DefaultCatchUp.
	CatchUp time.Duration

	// PauseOnFailure pauses the schedule when a run of it did not succeed.
	PauseOnFailure bool

	Paused bool   // from the beginning
	Note   string // shown with the schedule
}

// Options are what Temporal is told of the plan; the problems are everything that is wrong
// with it, as far as that can be told before Temporal has seen it.
func (p Plan) Options(name string, now time.Time) (client.ScheduleOptions, []string) {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	options := client.ScheduleOptions{
		ID: name, CatchupWindow: cmp.Or(p.CatchUp, DefaultCatchUp), PauseOnFailure: p.PauseOnFailure, Paused: p.Paused, Note: p.Note,
		Memo: map[string]any{whenMemo: p.String()},
	}
	validateName(name, problem)
	options.Spec = p.spec(now, problem)
	overlap, known := overlapOf(p.Overlap)
	options.Overlap = overlap.policy
	switch {
	case p.Overlap == terminateOther:
		problem("--overlap %s is not to be had: terminating ends a run and leaves its command running on the nodes; use %s, which stops the command first", terminateOther, cancelOther)
	case !known:
		problem("--overlap is %q: use %s", p.Overlap, overlapNames())
	case p.PauseOnFailure && p.Overlap == allowAll:
		problem("--pause-on-failure does nothing with --overlap %s, for Temporal does not watch such runs: choose one", allowAll)
	}
	if options.CatchupWindow < MinCatchUp {
		problem("--catch-up is %v, the least that Temporal takes is %v", p.CatchUp, MinCatchUp)
	}
	return options, problems
}

func validateName(name string, problem func(string, ...any)) {
	switch {
	case strings.TrimSpace(name) == "":
		problem("the schedule has no name: give it first, such as starter schedule create nightly --cron '0 22 * * *' …")
	case len(name) > MaxName:
		problem("the name of the schedule has %d bytes, with a time behind it for each run Temporal takes %d: give a shorter name", len(name), MaxName)
	case !utf8.ValidString(name):
		problem("the name of the schedule is not valid UTF-8 text: give another name")
	}
}

func (p Plan) spec(now time.Time, problem func(string, ...any)) client.ScheduleSpec {
	spec := client.ScheduleSpec{CronExpressions: p.Crons, TimeZoneName: p.TimeZone, Jitter: p.Jitter}
	if len(p.Crons)+len(p.Every)+len(p.At) == 0 {
		problem("no time is given: say when it fires, with --cron '0 22 * * *', --every 6h or --at '2026-12-24 22:00'")
	}
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil || p.TimeZone == "Local" {
		problem("--time-zone is %q, which is no time zone: use a name such as Asia/Shanghai or UTC", p.TimeZone)
		zone = time.UTC
	}
	for _, cron := range p.Crons {
		validateCron(cron, problem)
	}
	for _, every := range p.Every {
		interval, err := parseEvery(every)
		if err != nil {
			problem("--every is %q: %v", every, err)
		}
		spec.Intervals = append(spec.Intervals, interval)
	}
	for _, text := range p.At {
		at := parseTime("--at", text, zone, problem)
		if !at.IsZero() && !at.After(now) {
			problem("--at is %s, which has passed: give a time to come", text)
		}
		if twice(at.In(zone)) {
			problem("--at is %s, which the clocks of %s show twice, so that it would fire twice: give it in UTC, such as %s, with --time-zone UTC",
				text, zone, at.UTC().Format("'2006-01-02 15:04:05'"))
		}
		spec.Calendars = append(spec.Calendars, once(at.In(zone)))
	}
	if p.Start != "" {
		spec.StartAt = parseTime("--start", p.Start, zone, problem)
	}
	if p.End != "" {
		spec.EndAt = parseTime("--end", p.End, zone, problem)
	}
	switch end := spec.EndAt; {
	case end.IsZero():
	case !end.After(now):
		problem("--end is %s, which has passed: it would never fire", p.End)
	case !end.After(spec.StartAt):
		problem("--end is %s, which is not after --start, %s: it would never fire", p.End, p.Start)
	}
	if p.Jitter < 0 {
		problem("--jitter is %v: use 0s or more", p.Jitter)
	}
	return spec
}

// String says in words when it fires.
func (p Plan) String() string {
	var parts []string
	for _, kind := range []struct {
		word  string
		texts []string
	}{{"cron", p.Crons}, {"every", p.Every}, {"at", p.At}} {
		for _, text := range kind.texts {
			parts = append(parts, kind.word+" "+text)
		}
	}
	text := strings.Join(parts, "; ")
	if p.TimeZone != "" && len(p.Crons)+len(p.At) > 0 {
		text += " " + p.TimeZone
	}
	return text
}

// layouts of a time that is given.
var layouts = []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"}

func parseTime(flag, text string, zone *time.Location, problem func(string, ...any)) time.Time {
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at
		}
	}
	problem("%s is %q, which is no time: use one such as '2026-12-24 22:00', of the time zone, or 2026-12-24T22:00:00+08:00", flag, text)
	return time.Time{}
}

func parseEvery(text string) (interval client.ScheduleIntervalSpec, err error) {
	every, offset, more := strings.Cut(text, "/")
	if interval.Every, err = time.ParseDuration(every); err == nil && more {
		interval.Offset, err = time.ParseDuration(offset)
	}
	switch {
	case err != nil:
		return interval, fmt.Errorf("use a length of time such as 6h, or 6h/30m for half an hour past each sixth")
	case interval.Every < time.Second || interval.Every%time.Second != 0 || interval.Offset%time.Second != 0:
		return interval, fmt.Errorf("use whole seconds, 1s or more")
	case interval.Offset < 0 || interval.Offset >= interval.Every:
		return interval, fmt.Errorf("what stands behind the slash has to be shorter than what stands before it")
	}
	return interval, nil
}

// validateCron finds what Temporal would refuse or take for something else; what is in
// the fields it says itself.
func validateCron(text string, problem func(string, ...any)) {
	fields := strings.Fields(text)
	names := []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
	switch {
	case strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ="):
		problem("--cron %q names a time zone: give it by --time-zone", text)
	case strings.HasPrefix(text, "@every"):
		problem("--cron %q: use --every", text)
	case slices.Contains(names, text):
	case len(fields) < 5 || len(fields) > 7:
		problem("--cron %q has %d fields: use 5, minute hour day month weekday, such as '0 22 * * *'", text, len(fields))
	}
}

// twice says that the clocks of the time's zone show it once more, since they are put back.
func twice(at time.Time) bool {
	for _, by := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		for _, other := range []time.Time{at.Add(-by), at.Add(by)} {
			if other.Format(time.DateTime) == at.Format(time.DateTime) {
				return true
			}
		}
	}
	return false
}

// once is the calendar of a single time.
func once(at time.Time) client.ScheduleCalendarSpec {
	is := func(n int) []client.ScheduleRange { return []client.ScheduleRange{{Start: n}} }
	return client.ScheduleCalendarSpec{
		Second: is(at.Second()), Minute: is(at.Minute()), Hour: is(at.Hour()),
		DayOfMonth: is(at.Day()), Month: is(int(at.Month())), Year: is(at.Year()),
	}
}
