package activities

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
)

func TestAnArrayIsJudgedByAllOfItsTasks(t *testing.T) {
	t.Parallel()
	task := func(id, state string) ehpc.Job { return ehpc.Job{ID: id, Name: "sweep.1", State: state} }
	for name, c := range map[string]struct {
		open, finished []ehpc.Job
		want           JobState // "" is not shown
		tasks          map[JobState]int
	}{
		"one entry that runs":             {open: []ehpc.Job{task("7[].manager", "RUNNING")}, want: JobRunning},
		"one entry that is finished":      {finished: []ehpc.Job{task("7[].manager", "FINISHED")}, want: JobFinished},
		"tasks that wait":                 {open: []ehpc.Job{task("7[1].manager", "QUEUED"), task("7[2].manager", "QUEUED"), task("7[3].manager", "QUEUED")}, want: JobQueued, tasks: map[JobState]int{JobQueued: 3}},
		"one of them runs":                {open: []ehpc.Job{task("7[1].manager", "RUNNING"), task("7[2].manager", "QUEUED")}, want: JobRunning, tasks: map[JobState]int{JobRunning: 1, JobQueued: 1}},
		"one waits, others have finished": {open: []ehpc.Job{task("7[3].manager", "QUEUED")}, finished: []ehpc.Job{task("7[1].manager", "FINISHED"), task("7[2].manager", "FINISHED")}, want: JobRunning, tasks: map[JobState]int{JobQueued: 1, JobFinished: 2}},
		"two of three have finished":      {finished: []ehpc.Job{task("7[1].manager", "FINISHED"), task("7[2].manager", "FINISHED")}},
		"all have finished":               {finished: []ehpc.Job{task("7[1].manager", "FINISHED"), task("7[2].manager", "FINISHED"), task("7[3].manager", "FINISHED")}, want: JobFinished, tasks: map[JobState]int{JobFinished: 3}},
		"by Slurm's ids":                  {finished: []ehpc.Job{task("7_1", "FINISHED"), task("7_2", "FINISHED"), task("7_3", "FINISHED")}, want: JobFinished, tasks: map[JobState]int{JobFinished: 3}},
	} {
		id := "7[].manager"
		if name == "by Slurm's ids" {
			id = "7"
		}
		w := &jobWatch{activities: &Activities{Pace: DefaultPace()}, in: ListJobsInput{JobID: id, Name: "sweep.1", Tasks: 3, State: JobQueued}}
		listed := &jobListing{open: make(map[string][]ehpc.Job), finished: make(map[string][]ehpc.Job), openWhole: true, finishedWhole: true}
		index(listed.open, c.open)
		index(listed.finished, c.finished)
		seen, err := w.see(listed)
		require.NoError(t, err)
		require.Equal(t, c.want != "", seen.shown, name)
		require.Equal(t, c.want, seen.State, name)
		require.Equal(t, c.tasks, seen.Tasks, name)
		require.Empty(t, seen.Others, name)
	}
}

func TestAJobIsKnownByItsNameAndItsId(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		listed ehpc.Job
		own    bool
		other  string
	}{
		"both":                           {ehpc.Job{ID: "7.manager", Name: "solve.aaaa"}, true, ""},
		"a name that was cut":            {ehpc.Job{ID: "7.manager", Name: "solve.aa"}, true, ""},
		"no name":                        {ehpc.Job{ID: "7.manager"}, true, ""},
		"an id that was given once more": {ehpc.Job{ID: "7.manager", Name: "other.bbbb"}, false, ""},
		"another job of its name":        {ehpc.Job{ID: "8.manager", Name: "solve.aaaa"}, false, "8.manager"},
		"another array of its name":      {ehpc.Job{ID: "8[2].manager", Name: "solve.aaaa"}, false, "8[].manager"},
		"no host in the listing":         {ehpc.Job{ID: "7", Name: "solve.aaaa"}, true, ""},
		"another host":                   {ehpc.Job{ID: "7.other", Name: "solve.aaaa"}, false, "7.other"},
		"another job":                    {ehpc.Job{ID: "8.manager", Name: "other.bbbb"}, false, ""},
		"an id that begins alike":        {ehpc.Job{ID: "77.manager", Name: "other.bbbb"}, false, ""},
	} {
		w := &jobWatch{in: ListJobsInput{JobID: "7.manager", Name: "solve.aaaa"}}
		listed := make(map[string][]ehpc.Job)
		index(listed, []ehpc.Job{c.listed})
		own, others := w.entries(listed)
		require.Equal(t, c.own, len(own) == 1, name)
		w.in.JobID = "7" // as a person may adopt it
		adopted, _ := w.entries(listed)
		require.Equal(t, c.own || name == "another host", len(adopted) == 1, name)
		if c.other != "" {
			require.Equal(t, []string{c.other}, others, name)
		} else {
			require.Empty(t, others, name)
		}
	}
}

// Were it not found, it would be submitted once more.
func TestAJobOfWhichOnlyTheNameIsKnownIsFoundWhereNamesAreCut(t *testing.T) {
	t.Parallel()
	const name = "jaaaabbbbcccc7.solve"
	for shown, found := range map[string]bool{name: true, name[:15]: true, name[:14]: true, name[:13]: false, "": false, "jaaaabbbbcccc8.solve": false} {
		w := &jobWatch{in: ListJobsInput{Name: name}}
		listed := make(map[string][]ehpc.Job)
		index(listed, []ehpc.Job{{ID: "7.manager", Name: shown}})
		own, others := w.entries(listed)
		require.Equal(t, found, len(own) == 1, shown)
		require.Empty(t, others, shown)

		w.in.JobID = "6.manager"
		own, others = w.entries(listed)
		require.Empty(t, own, shown)
		require.Equal(t, found, len(others) == 1, shown)
	}
}

func TestAWordThatIsNotDocumentedIsTold(t *testing.T) {
	t.Parallel()
	listed := &jobListing{open: make(map[string][]ehpc.Job), openWhole: true}
	index(listed.open, []ehpc.Job{{ID: "7.manager", Name: "solve.aaaa", State: "SUSPENDED"}})
	w := &jobWatch{activities: &Activities{Pace: DefaultPace()}, in: ListJobsInput{JobID: "7.manager", Name: "solve.aaaa", State: JobRunning}}
	seen, err := w.see(listed)
	require.NoError(t, err)
	require.Equal(t, JobRunning, seen.State, "it goes on")
	require.Equal(t, "SUSPENDED", seen.Word)
	require.NotNil(t, w.report(seen, time.Now()))
	w.in.Word = "SUSPENDED"
	require.Nil(t, w.report(seen, time.Now()), "told once")
}

func TestAJobIsMissingOnlyAfterLooksWithoutAGapOfWhichTwoReadEveryPage(t *testing.T) {
	t.Parallel()
	const gap = 2 * time.Minute
	type look struct {
		at    time.Duration
		whole bool
		err   error
	}
	for name, c := range map[string]struct {
		looks []look
		want  JobState
	}{
		"for five minutes":           {[]look{{0, true, nil}, {2 * time.Minute, true, nil}, {4 * time.Minute, true, nil}, {5 * time.Minute, true, nil}}, JobMissing},
		"for four":                   {[]look{{0, true, nil}, {2 * time.Minute, true, nil}, {4 * time.Minute, true, nil}}, JobRunning},
		"two looks far apart":        {[]look{{0, true, nil}, {6 * time.Minute, true, nil}}, JobRunning},
		"an error in between":        {[]look{{0, true, nil}, {2 * time.Minute, true, nil}, {4 * time.Minute, true, errors.New("no answer")}, {5 * time.Minute, true, nil}}, JobRunning},
		"one that read every page":   {[]look{{0, false, nil}, {2 * time.Minute, false, nil}, {4 * time.Minute, false, nil}, {5 * time.Minute, true, nil}}, JobRunning},
		"two that read every page":   {[]look{{0, false, nil}, {2 * time.Minute, false, nil}, {4 * time.Minute, false, nil}, {5 * time.Minute, true, nil}, {6 * time.Minute, true, nil}}, JobMissing},
		"the last did not read all":  {[]look{{0, true, nil}, {2 * time.Minute, true, nil}, {4 * time.Minute, true, nil}, {6 * time.Minute, false, nil}}, JobRunning},
		"a gap, and then five again": {[]look{{0, true, nil}, {9 * time.Minute, true, nil}, {11 * time.Minute, true, nil}, {13 * time.Minute, true, nil}, {14 * time.Minute, true, nil}}, JobMissing},
	} {
		start := time.Now()
		w := &jobWatch{activities: &Activities{Pace: DefaultPace()}, in: ListJobsInput{
			JobID: "7.manager", Name: "solve.aaaa", State: JobRunning, Milestones: Milestones{SubmittedAt: start.Add(-time.Hour)},
		}}
		for _, l := range c.looks {
			at := start.Add(l.at)
			w.looked(at, at, gap)
			if l.err != nil {
				require.Error(t, w.failed(l.err, at, 1))
				continue
			}
			w.report(sight{whole: l.whole}, at)
		}
		require.Equal(t, c.want, w.progress.State, name)
	}
}

func TestATaskOfAnArrayIsToldByTheNumberOfItsIdOnly(t *testing.T) {
	t.Parallel()
	for id, c := range map[string]struct {
		whole, base string
		task        bool
	}{
		"7[1].manager": {"7[].manager", "7.manager", true},
		"7[].manager":  {"7[].manager", "7.manager", false},
		"7[12]":        {"7[]", "7", true},
		"7_1":          {"7", "7", true},
		"7_1.cluster":  {"7.cluster", "7.cluster", true},
		"7":            {"7", "7", false},
		"123.mgr_1":    {"123.mgr_1", "123.mgr_1", false},
		"123.mgr[1]":   {"123.mgr[1]", "123.mgr[1]", false},
		"7[1].mgr_1":   {"7[].mgr_1", "7.mgr_1", true},
	} {
		require.Equal(t, c.whole, wholeID(id), id)
		require.Equal(t, c.base, baseID(id), id)
		require.Equal(t, c.task, isTask(id), id)
	}
}

func TestAFurtherCopyIsToldAlsoWhenAnotherIsNoLongerListed(t *testing.T) {
	t.Parallel()
	w := &jobWatch{activities: &Activities{Pace: DefaultPace()}, in: ListJobsInput{JobID: "7.manager", Name: "solve.aaaa", State: JobRunning, Others: []string{"8.manager"}}}
	seen := sight{shown: true, ListJobsResult: ListJobsResult{State: JobRunning, Others: []string{"8.manager"}}}
	require.Nil(t, w.report(seen, time.Now()))
	seen.Others = []string{"9.manager"}
	require.NotNil(t, w.report(seen, time.Now()))
}
