package activities

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

const (
	// pageTries is how often a page is asked for in a look before its jobs are given up
	// for this time: it serves many.
	pageTries = 2

	// finishedPages of a cluster's finished jobs are read in a look, further ones in the
	// next. All are read before a job is believed to be missing.
	finishedPages = 20

	// The states that ListJobs lists by.
	openJobs     = "notfinish"
	finishedJobs = "finished"
)

// jobListing is what a look listed: jobs by "name NAME" and by "id NUMBER", see numberOf.
type jobListing struct {
	open, finished           map[string][]ehpc.Job
	openWhole, finishedWhole bool  // every page was read
	short                    bool  // the service counted more jobs than could be read
	err                      error // the first one; the pages that were read count
}

// count is how many jobs pages held, and what the service said that there are.
type count struct{ read, least int }

func (c *count) add(first bool, read, total int) {
	if c.read += read; first || total < c.least {
		c.least = total
	}
}

func (c count) short() bool { return c.read < c.least }

// list lists the unfinished jobs of the cluster and, when some of those that are looked
// for are not among them, the finished ones.
func (s *sharedLook) list(ctx context.Context, served map[*heldWatch]*jobWatch, slack time.Duration, now time.Time) *jobListing {
	ask := ehpc.ListJobsRequest{ClusterID: s.clusterID, Owner: owner(served), State: openJobs, PageSize: ehpc.MaxJobsPage, Slack: slack}
	listed := &jobListing{}
	s.readOpen(ctx, ask, listed)
	var sought []*jobWatch
	most := finishedPages
	for _, w := range served {
		if own, _ := w.entries(listed.open); len(own) > 0 {
			continue
		}
		sought = append(sought, w)
		if w.ripe(now) {
			most = math.MaxInt
		}
	}
	if len(sought) == 0 || !listed.openWhole {
		return listed
	}
	ask.State = finishedJobs
	listed.readFinished(ctx, s, ask, sought, most)
	return listed
}

// owner is the one user of all jobs that are looked for; "" when there are several, or
// when one is not known.
func owner(of map[*heldWatch]*jobWatch) string {
	first, begun := "", false
	for _, w := range of {
		if begun && w.in.User != first {
			return ""
		}
		first, begun = w.in.User, true
	}
	return first
}

// readOpen reads every page, several at a time. A page that fails does not take the jobs
// of the others with it.
func (s *sharedLook) readOpen(ctx context.Context, ask ehpc.ListJobsRequest, listed *jobListing) {
	listed.open = make(map[string][]ehpc.Job)
	var mu sync.Mutex
	var counted count
	total := 0
	read := func(number int) {
		ask := ask
		ask.PageNumber = number
		page, err := s.readPage(ctx, ask)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			listed.err = firstOf(listed.err, err)
			return
		}
		total = max(total, page.TotalCount)
		counted.add(number == 1, index(listed.open, page.Items), page.TotalCount)
	}
	read(1)
	for from := 2; from <= pages(total); { // more of them when jobs come meanwhile
		until := pages(total)
		var group errgroup.Group
		group.SetLimit(looksAtOnce)
		for ; from <= until; from++ {
			number := from
			group.Go(func() error { read(number); return nil })
		}
		_ = group.Wait() // it has none
	}
	listed.openWhole, listed.short = listed.err == nil, counted.short()
}

// readFinished reads pages until every job that is sought was found. The order of the
// listing is not documented: it begins at its ends and where jobs were found before, and
// goes on where the last look left off that did not find them all.
func (l *jobListing) readFinished(ctx context.Context, s *sharedLook, ask ehpc.ListJobsRequest, sought []*jobWatch, most int) {
	l.finished = make(map[string][]ehpc.Job)
	missing := len(sought)
	found := func() bool {
		left := 0
		for _, w := range sought {
			if own, _ := w.entries(l.finished); !w.whole(own) {
				left++
			}
		}
		if left < missing {
			missing, s.foundAt = left, ask.PageNumber
		}
		return left == 0
	}
	var counted count
	numbers := []int{1}
	for read := 0; read < len(numbers); read++ {
		if read == most {
			s.skip += read
			return
		}
		ask.PageNumber = numbers[read]
		page, err := s.readPage(ctx, ask)
		if err != nil {
			l.err = firstOf(l.err, err)
			return
		}
		counted.add(read == 0, index(l.finished, page.Items), page.TotalCount)
		if read == 0 {
			numbers = append(numbers, further(pages(page.TotalCount), s.foundAt, s.skip)...)
		}
		if found() {
			s.skip = 0
			return
		}
	}
	l.finishedWhole, l.short, s.skip = true, l.short || counted.short(), 0
}

// further are the numbers of the pages after the first, those first that are near to an end
// or to a place, and of these some last.
func further(pages, place, last int) []int {
	var numbers []int
	for number := 2; number <= pages; number++ {
		numbers = append(numbers, number)
	}
	distance := func(number int) int { return min(number-1, pages-number, max(number-place, place-number)) }
	slices.SortStableFunc(numbers, func(a, b int) int { return cmp.Compare(distance(a), distance(b)) })
	if len(numbers) == 0 {
		return nil
	}
	last %= len(numbers)
	return append(numbers[last:], numbers[:last]...)
}

// readPage reads a page, and once more after an error that may pass at once.
func (s *sharedLook) readPage(ctx context.Context, ask ehpc.ListJobsRequest) (*ehpc.Page[ehpc.Job], error) {
	for tries := 1; ; tries++ {
		page, err := s.activities.EHPC.ListJobs(ctx, ask)
		if err == nil || tries == pageTries || ehpc.Judge(err).Read != catalogue.Soon {
			return page, err
		}
		select {
		case <-time.After(s.activities.Pace.backoff(catalogue.Soon, 1)):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// index says how many jobs of a page it took: none can be followed that has no id.
func index(into map[string][]ehpc.Job, jobs []ehpc.Job) (took int) {
	for _, job := range jobs {
		if job.ID == "" {
			continue
		}
		took++
		for _, key := range []string{"name " + job.Name, "id " + numberOf(job.ID)} {
			into[key] = append(into[key], job)
		}
	}
	return took
}

func pages(jobs int) int { return (jobs + ehpc.MaxJobsPage - 1) / ehpc.MaxJobsPage }

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
