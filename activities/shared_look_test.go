package activities

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
)

// crowd are many watches of jobs of one worker, which a test plays Temporal to.
type crowd struct {
	t       *testing.T
	sim     *ehpcsim.Simulator
	acts    *Activities
	mu      sync.Mutex
	ends    map[string]chan watchEnd
	beats   map[string]JobProgress
	looking int // watches that were begun
}

type watchEnd struct {
	result any
	err    error
}

func (c *crowd) RecordActivityHeartbeat(_ context.Context, token []byte, details ...any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beats[string(token)] = details[0].(JobProgress)
	return nil
}

func (c *crowd) CompleteActivity(_ context.Context, token []byte, result any, err error) error {
	c.mu.Lock()
	ends := c.ends[string(token)]
	c.mu.Unlock()
	ends <- watchEnd{result, err}
	return nil
}

func newCrowd(t *testing.T, cfg ehpcsim.Config, nodes int) *crowd {
	t.Helper()
	key := ehpcsim.NewAccessKey()
	cfg.Clusters, cfg.AccessKeys, cfg.Unconfined = []ehpcsim.Cluster{ehpcsim.DemoCluster("ehpc-1", nodes)}, []ehpcsim.AccessKey{key}, true
	sim, err := ehpcsim.New(cfg)
	require.NoError(t, err)
	server, err := sim.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.NoError(t, sim.Close())
	})
	client, err := ehpc.New(ehpc.Config{
		Region: "cn-hangzhou", Endpoint: server.URL(), Budget: ehpc.NewBudget(10_000),
		Credentials: credentials.NewStaticAKCredentialsProvider(key.ID, key.Secret),
	})
	require.NoError(t, err)
	pace := DefaultPace()
	pace.Look = Bounds{50 * time.Millisecond, 100 * time.Millisecond}
	pace.Soon, pace.Later = Bounds{time.Millisecond, 2 * time.Millisecond}, Bounds{5 * time.Millisecond, 10 * time.Millisecond}
	c := &crowd{t: t, sim: sim, ends: make(map[string]chan watchEnd), beats: make(map[string]JobProgress)}
	c.acts = &Activities{EHPC: client, Pace: pace, Watcher: NewWatcher(c, 10_000)}
	return c
}

func (c *crowd) submit(name string) string {
	c.t.Helper()
	submitted, err := c.acts.EHPC.SubmitJob(c.t.Context(), ehpc.SubmitJobRequest{ClusterID: "ehpc-1", CommandLine: "./solve", RunasUser: "user1", Name: name})
	require.NoError(c.t, err)
	return submitted.JobID
}

// begin begins a watch.
func (c *crowd) begin(in ListJobsInput) (token string, end <-chan watchEnd) {
	c.t.Helper()
	c.mu.Lock()
	c.looking++
	token = strconv.Itoa(c.looking)
	ends := make(chan watchEnd, 2) // one more than there may be
	c.ends[token] = ends
	c.mu.Unlock()
	w := &jobWatch{activities: c.acts, in: in, progress: JobProgress{State: in.State}, shared: c.acts.Watcher.jobs.of(c.acts, in.ClusterID)}
	h := &heldWatch{watcher: c.acts.Watcher, looker: w, token: []byte(token), attempt: 1, progress: w.progress}
	h.ctx, h.end = context.WithCancel(context.Background())
	require.NoError(c.t, h.begin(c.acts.Pace.Look.Min))
	return token, ends
}

func input(name, id string) ListJobsInput {
	return ListJobsInput{
		ClusterID: "ehpc-1", JobID: id, Name: name, User: "user1", State: JobQueued,
		Milestones: Milestones{SubmittedAt: time.Now()}, Deadline: time.Now().Add(time.Hour),
	}
}

func TestOneLookServesAllJobsOfACluster(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, ehpcsim.Config{Script: &ehpcsim.Script{Duration: [2]time.Duration{time.Hour, time.Hour}}}, 1)
	const jobs = 221
	for i := range jobs {
		in := input(fmt.Sprintf("solve.%d", i), c.submit(fmt.Sprintf("solve.%d", i)))
		if i == 0 {
			in.State = JobRunning
		}
		c.begin(in)
	}
	look := c.acts.Watcher.jobs.of(c.acts, "ehpc-1")
	looks := func() (n int) {
		look.mu.Lock()
		defer look.mu.Unlock()
		for _, w := range look.waiting {
			n = max(n, w.progress.Looks)
		}
		return n
	}
	before := c.sim.Requests("ListJobs")
	began := time.Now()
	require.Eventually(t, func() bool { return c.sim.Requests("ListJobs")-before >= 50 }, 2*time.Minute, 10*time.Millisecond)
	pages := (jobs + ehpc.MaxJobsPage - 1) / ehpc.MaxJobsPage
	require.LessOrEqual(t, c.sim.Requests("ListJobs"), int(time.Since(began)/c.acts.Pace.Look.Min+20)*pages)
	c.acts.Watcher.Stop(t.Context())
	require.Zero(t, looks(), "nobody waits any more")
	after := c.sim.Requests("ListJobs")
	require.Never(t, func() bool { return c.sim.Requests("ListJobs") > after+pages }, 300*time.Millisecond, 50*time.Millisecond)
	require.Greater(t, c.beats["1"].Looks, 3)
	require.Equal(t, jobs, c.beats["1"].Jobs)
}

func TestAPageThatFailsDoesNotTakeTheJobsOfTheOthersWithIt(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, ehpcsim.Config{Script: &ehpcsim.Script{Duration: [2]time.Duration{time.Hour, time.Hour}}}, 1)
	const jobs = 150
	var ends []<-chan watchEnd
	c.sim.Inject(ehpcsim.Fault{Action: "ListJobs", Code: "ConflictOpt"}) // which is not asked for again at once
	for i := range jobs {
		in := input(fmt.Sprintf("solve.%d", i), c.submit(fmt.Sprintf("solve.%d", i)))
		_, end := c.begin(in)
		ends = append(ends, end)
	}
	failed := 0
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(ends, func(end <-chan watchEnd) bool { return len(end) > 0 })
	}, time.Minute, 10*time.Millisecond)
	time.Sleep(500 * time.Millisecond) // in which the other jobs of the page end, and others must not
	for _, end := range ends {
		select {
		case told := <-end:
			var failure *temporal.ApplicationError
			if errors.As(told.err, &failure) {
				require.Equal(t, "ConflictOpt", failure.Type())
				failed++
			}
		default:
		}
	}
	require.LessOrEqual(t, failed, ehpc.MaxJobsPage*2, "not those of the other pages")
	require.Positive(t, failed)
}

// TestSharedLooksKeepTheirPromises plays random schedulers: jobs run for a random time,
// vanish, are listed late and task by task; the API fails. Each watch is completed once,
// with what is true by then.
func TestSharedLooksKeepTheirPromises(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(seed, 1))
			c := newCrowd(t, ehpcsim.Config{
				Script: &ehpcsim.Script{Duration: [2]time.Duration{0, 3 * time.Second}, Seed: seed},
				Jobs:   ehpcsim.JobSettings{ListTasks: seed%2 == 0},
			}, 40+dice.IntN(80))
			c.acts.Pace.NewFor, c.acts.Pace.RefusedFor = 900*time.Millisecond, 900*time.Millisecond
			c.sim.SetFaults(ehpcsim.Faults{ListLate: time.Duration(dice.IntN(700)) * time.Millisecond, Faults: []ehpcsim.Fault{
				{Action: "ListJobs", Code: "ServiceUnavailable", Probability: 0.1, Times: -1},
				{Action: "ListJobs", Drop: ehpcsim.DropAfter, Probability: 0.03, Times: -1},
				{Action: "ListJobs", Code: "ConflictOpt", Probability: 0.03, Times: -1},
			}})
			jobs := 50 + dice.IntN(150)
			var all sync.WaitGroup
			var mu sync.Mutex
			vanished := make(map[string]bool)
			states := make(map[JobState]int)
			for i := range jobs {
				name := fmt.Sprintf("solve.%d", i)
				id := c.submit(name)
				vanish := dice.IntN(10) == 0
				if vanish {
					mu.Lock()
					vanished[id] = true
					mu.Unlock()
					time.AfterFunc(time.Duration(dice.IntN(1000))*time.Millisecond, func() { c.sim.RemoveJob("ehpc-1", id) })
				}
				all.Go(func() {
					state := c.follow(name, id)
					mu.Lock()
					defer mu.Unlock()
					states[state]++
					if state == JobMissing && !vanished[id] {
						t.Errorf("%s is said to be missing, and it is there", id)
					}
				})
			}
			all.Wait()
			require.Equal(t, jobs, states[JobFinished]+states[JobMissing], "%v", states)
			require.GreaterOrEqual(t, len(vanished), states[JobMissing])
		})
	}
}

// follow watches a job to its end, as a run does.
func (c *crowd) follow(name, id string) JobState {
	in := input(name, id)
	began := time.Now()
	var seen []JobState
	for time.Since(began) < 45*time.Second {
		_, end := c.begin(in)
		told := <-end
		var failure *temporal.ApplicationError
		if errors.As(told.err, &failure) {
			if failure.NonRetryable() {
				c.t.Errorf("%s: given up: %v", id, told.err)
				return ""
			}
			time.Sleep(failure.NextRetryDelay())
			continue
		}
		result := told.result.(*ListJobsResult)
		if result.State == in.State {
			c.t.Errorf("%s: told without a change: %+v", id, result)
		}
		if slices.Contains(seen, result.State) {
			c.t.Errorf("%s: went from %v back to %s", id, seen, result.State)
		}
		in.State, in.Word = result.State, result.Word
		seen = append(seen, in.State)
		if in.State.Ended() {
			return in.State
		}
	}
	c.t.Errorf("%s: not seen to end", id)
	return ""
}

// hardOfHearing is a Temporal that wants a watch no longer and cannot be told of its end.
type hardOfHearing struct{ deaf bool }

func (*hardOfHearing) RecordActivityHeartbeat(context.Context, []byte, ...any) error {
	return temporal.NewCanceledError()
}

func (d *hardOfHearing) CompleteActivity(context.Context, []byte, any, error) error {
	if d.deaf {
		return errors.New("no answer")
	}
	return nil
}

func TestAWatchWhoseCancellationTemporalCouldNotBeToldIsToldAgain(t *testing.T) {
	t.Parallel()
	told := &hardOfHearing{deaf: true}
	a := &Activities{Pace: DefaultPace(), Watcher: NewWatcher(told, 1)}
	w := &jobWatch{activities: a, shared: a.Watcher.jobs.of(a, "ehpc-1")}
	h := &heldWatch{watcher: a.Watcher, looker: w}
	h.ctx, h.end = context.WithCancel(t.Context())
	require.NoError(t, h.begin(time.Hour))
	h.beat.Stop()
	h.beatNow()
	require.True(t, h.beat.Stop(), "another heartbeat is due")
	told.deaf = false
	h.beatNow()
	require.False(t, h.beat.Stop())
	require.Empty(t, a.Watcher.held)
}
