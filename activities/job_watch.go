package activities

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"ehpcflow/ehpc"
)

// jobWatch is the state of one attempt to watch a job. It is looked at together with the
// other jobs of its cluster.
type jobWatch struct {
	activities *Activities
	shared     *sharedLook
	in         ListJobsInput
	progress   JobProgress
	finds      bool          // it is over when the job is found
	goneAfter  time.Duration // 0 is Pace.RefusedFor
}

func (w *jobWatch) lookAfter(h *heldWatch, wait time.Duration) { w.shared.join(h, w, wait) }

func (w *jobWatch) leave(h *heldWatch) { w.shared.leave(h) }

// resume goes on from what an earlier attempt left.
func (w *jobWatch) resume(ctx context.Context) bool {
	var left JobProgress
	if !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &left) != nil {
		return false
	}
	left.State = w.progress.State
	w.progress = left
	return true
}

// sight is what a look saw of one job.
type sight struct {
	ListJobsResult
	shown bool // the job was in a listing that tells its state
	whole bool // it would have been, were it there
}

// see finds the job in what a look listed. Not being listed as unfinished says nothing
// of its end unless the finished ones show it.
func (w *jobWatch) see(listed *jobListing) (sight, error) {
	entries, others := w.entries(listed.open)
	finished, more := w.entries(listed.finished)
	seen := sight{ListJobsResult: ListJobsResult{Others: union(others, more)}}
	switch {
	case len(entries) > 0:
		seen.shown = true
		seen.open(w.in.State, entries, finished)
	case !listed.openWhole:
		return seen, listed.err
	case w.whole(finished):
		seen.shown = true
		seen.ended(finished)
	case listed.err != nil:
		return seen, listed.err
	}
	// Were one taken for not submitted that the listing only does not show, it would run twice.
	seen.whole = listed.finishedWhole && (!w.finds || !listed.short)
	seen.JobID = cmp.Or(w.in.JobID, seen.JobID)
	return seen, nil
}

// sureName is how many characters a listing has to show of a job's name for it to be that
// job: a name begins with a letter and a token of 13, and schedulers show 15 and more.
const sureName = 14

// entries are those of the job among listed ones, and the ids of other jobs of its name.
func (w *jobWatch) entries(listed map[string][]ehpc.Job) (own []ehpc.Job, others []string) {
	id := w.in.JobID
	var jobs []ehpc.Job
	for n := len(w.in.Name); n >= min(sureName, len(w.in.Name)); n-- {
		jobs = append(jobs, listed["name "+w.in.Name[:n]]...)
	}
	for _, job := range append(jobs, listed["id "+numberOf(id)]...) {
		if id == "" {
			id = job.ID // of several, the first is the one
		}
		switch same := sameJob(job.ID, id); {
		case same && !nameOf(job.Name, w.in.Name): // the id was given to another job
		case same && !slices.ContainsFunc(own, func(known ehpc.Job) bool { return known.ID == job.ID }):
			own = append(own, job)
		case !same && nameOf(job.Name, w.in.Name) && len(job.Name) >= min(sureName, len(w.in.Name)):
			others = union(others, []string{wholeID(job.ID)})
		}
	}
	return own, others
}

// nameOf says whether a listing shows a job's name, of which it may show the beginning
// only, or nothing.
func nameOf(shown, name string) bool { return strings.HasPrefix(name, shown) }

// whole says whether the finished entries are all of the job: an array may be listed task
// by task.
func (w *jobWatch) whole(finished []ehpc.Job) bool {
	tasks := 0
	for _, job := range finished {
		if !isTask(job.ID) {
			return true
		}
		tasks++
	}
	return tasks > 0 && tasks >= w.in.Tasks
}

// open takes entries of a job that is not finished, and those of its tasks that are.
func (s *sight) open(before JobState, entries, finished []ehpc.Job) {
	s.State = before
	if before == JobPending || before.Ended() {
		s.State = JobQueued
	}
	var words []string
	known := make(map[JobState]int)
	for _, job := range entries {
		s.add(job)
		if state, documented := jobState(job.State); documented {
			known[state]++
		} else {
			words = append(words, job.State)
		}
	}
	known[JobFinished] += len(finished)
	switch {
	case known[JobRunning] > 0, known[JobFinished] > 0:
		s.State = JobRunning
	case known[JobQueued] > 0:
		s.State = JobQueued
	default:
		s.Word = words[0]
	}
	s.count(known)
}

// ended takes the entries of a job that is finished. A word that is not the documented one
// is told: it may not mean a plain end.
func (s *sight) ended(entries []ehpc.Job) {
	s.State = JobFinished
	for _, job := range entries {
		s.add(job)
		if state, _ := jobState(job.State); state != JobFinished {
			s.Word = job.State
		}
	}
	s.count(map[JobState]int{JobFinished: len(entries)})
}

func (s *sight) add(job ehpc.Job) {
	s.JobID = cmp.Or(s.JobID, wholeID(job.ID))
	s.Nodes = union(s.Nodes, job.Nodes)
	if at := when(job.StartTime); !at.IsZero() && (s.StartedAt.IsZero() || at.Before(s.StartedAt)) {
		s.StartedAt = at
	}
}

// count tells the states of an array's tasks where there is more than one entry.
func (s *sight) count(states map[JobState]int) {
	total := 0
	for state, n := range states {
		if total += n; n == 0 {
			delete(states, state)
		}
	}
	if total > 1 {
		s.Tasks = states
	}
}

// report is what to tell after a look; nil is nothing yet.
func (w *jobWatch) report(seen sight, now time.Time) any {
	switch {
	case seen.shown:
		w.unsaid()
	case seen.whole && w.progress.MissingWhole && w.ripe(now):
		seen.State, seen.Word = JobMissing, ""
	default:
		seen.State, seen.Word = w.in.State, w.in.Word
		if w.progress.MissingSince.IsZero() {
			w.progress.MissingSince = now.UTC()
		}
		w.progress.MissingWhole = w.progress.MissingWhole || seen.whole
	}
	w.progress.State = seen.State
	seen.DeadlinePassed = !w.in.Deadline.IsZero() && now.After(w.in.Deadline)
	switch {
	case w.finds && (seen.shown || seen.State == JobMissing):
		return &FindJobResult{JobID: seen.JobID, Others: seen.Others}
	case w.finds:
		return nil
	case seen.DeadlinePassed, seen.State != w.in.State, seen.Word != w.in.Word, len(union(slices.Clone(w.in.Others), seen.Others)) > len(w.in.Others):
		return &seen.ListJobsResult
	}
	return nil
}

// unsaid has it that the looks so far which did not show the job say nothing.
func (w *jobWatch) unsaid() { w.progress.MissingSince, w.progress.MissingWhole = time.Time{}, false }

// looked counts a look that began and ended at a time. After a gap it says nothing what
// those before it did not show.
func (w *jobWatch) looked(began, ended time.Time, gap time.Duration) {
	if began.Sub(w.progress.LastLook) > gap {
		w.unsaid()
	}
	w.progress.Looks++
	w.progress.LastLook = ended.UTC()
}

// ripe says whether the job has not been shown for so long that another look which reads
// every page is enough, after one before it, to believe that the scheduler does not have it.
func (w *jobWatch) ripe(now time.Time) bool {
	since := w.progress.MissingSince
	return !since.IsZero() && now.Sub(w.in.SubmittedAt) >= w.activities.Pace.NewFor &&
		now.Sub(since) >= cmp.Or(w.goneAfter, w.activities.Pace.RefusedFor)
}

// failed turns the error of a look into that of the attempt.
func (w *jobWatch) failed(err error, now time.Time, attempt int32) error {
	w.unsaid()
	if !refuses(err) {
		w.progress.RefusedSince = time.Time{}
	} else if w.progress.RefusedSince.IsZero() {
		w.progress.RefusedSince = now.UTC()
	}
	return w.activities.attendedFailure(err, w.in.SubmittedAt, w.progress.RefusedSince, attempt)
}

// untilLook says how long the job may be left alone. A job that no look shows is looked
// for as if it were new.
func (w *jobWatch) untilLook(now time.Time) time.Duration {
	wait := w.activities.Pace.UntilLook(w.in.Milestones, now)
	if since := w.progress.MissingSince; !since.IsZero() {
		wait = min(wait, w.activities.Pace.UntilLook(Milestones{SubmittedAt: since}, now))
	}
	if left := w.in.Deadline.Add(w.activities.Pace.Look.Min).Sub(now); !w.in.Deadline.IsZero() && left > 0 {
		wait = min(wait, left)
	}
	return wait
}

// A task of an array is listed as 7[1].manager by PBS, as 7_1 by Slurm; the whole array as
// 7[].manager and 7.

// baseID is what the ids of an array and of its tasks have in common.
func baseID(id string) string {
	number, host, _ := strings.Cut(id, ".")
	if at := strings.IndexAny(number, "[_"); at >= 0 {
		number = number[:at]
	}
	if host == "" {
		return number
	}
	return number + "." + host
}

// numberOf is an id without its host, which a person who adopts a job may leave out.
func numberOf(id string) string {
	number, _, _ := strings.Cut(baseID(id), ".")
	return number
}

// sameJob says whether two ids are those of one job, or of tasks of one array.
func sameJob(a, b string) bool {
	a, b = baseID(a), baseID(b)
	return a == b || numberOf(a) == b || numberOf(b) == a
}

func isTask(id string) bool { return wholeID(id) != id }

// wholeID is the id of the whole array that a task is of, and any other id itself.
func wholeID(id string) string {
	number, host := id, ""
	if at := strings.IndexByte(id, '.'); at >= 0 {
		number, host = id[:at], id[at:]
	}
	if from, to := strings.IndexByte(number, '['), strings.IndexByte(number, ']'); from >= 0 && to > from+1 {
		return number[:from+1] + number[to:] + host
	}
	before, _, _ := strings.Cut(number, "_")
	return before + host
}

func union(a, b []string) []string {
	for _, text := range b {
		if !slices.Contains(a, text) {
			a = append(a, text)
		}
	}
	return a
}

// when reads a time of the service; zero of one without a zone, which tells nothing.
func when(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
