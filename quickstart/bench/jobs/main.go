// Command jobs compares one look at all jobs of a cluster with one look for each job, in
// the same run, at the same pace and with the same request budget: requests, and how late
// an end is known. It writes docs/bench/jobs.md and jobs.json.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
	"ehpcflow/pipeline"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// Measurement is a way to wait under a load.
type Measurement struct {
	Way      string  `json:"way"`
	Jobs     int     `json:"jobs"`
	Looks    int     `json:"lookRequests"` // ListJobs and DescribeJob, those for exit statuses included
	PerJob   float64 `json:"lookRequestsPerJob"`
	LagP50   float64 `json:"endLagSecondsP50"`
	LagP99   float64 `json:"endLagSecondsP99"`
	Seconds  float64 `json:"wallSeconds"`
	Failures int     `json:"failures"`
}

// Report is what was measured, and with what.
type Report struct {
	MeasuredAt time.Time `json:"measuredAt"`
	Cores      int       `json:"cores"`
	APIRate    float64   `json:"apiRate"` // most requests a second
	JobSeconds [2]int    `json:"jobSeconds"`

	Measurements []Measurement `json:"measurements"`
}

type load struct {
	jobs    int
	rate    float64
	seconds [2]int
}

var ways = []struct {
	name     string
	workflow any
}{{"one look for each job", OneLookPerJob}, {"one look for all", workflows.RunJob}}

func main() {
	out := flag.String("out", "../docs/bench", "directory to write jobs.md and jobs.json to")
	rate := flag.Float64("rate", 100, "most requests a second of the worker")
	jobs := flag.Int("jobs", 500, "most jobs to run at once; a tenth of them is measured too")
	flag.Parse()
	if err := run(context.Background(), *out, *rate, []int{max(*jobs/10, 1), *jobs}); err != nil {
		fmt.Fprintln(os.Stderr, "jobs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, rate float64, loads []int) error {
	report := Report{MeasuredAt: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(), APIRate: rate, JobSeconds: [2]int{20, 60}}
	for _, jobs := range loads {
		for _, way := range ways {
			m, err := measure(ctx, way.name, way.workflow, load{jobs, rate, report.JobSeconds})
			if err != nil {
				return fmt.Errorf("%s, %d jobs: %w", way.name, jobs, err)
			}
			fmt.Fprintf(os.Stderr, "%+v\n", m)
			report.Measurements = append(report.Measurements, m)
		}
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "jobs.json"), append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "jobs.md"), report.page(), 0o600)
}

// measure runs the jobs, all at once, on a cluster that has a node for each.
func measure(ctx context.Context, name string, way any, l load) (Measurement, error) {
	m := Measurement{Way: name, Jobs: l.jobs}
	server, err := devserver.Start(devserver.Options{})
	if err != nil {
		return m, err
	}
	defer server.Stop() //nolint:errcheck // measured
	s, err := stack.Start(ctx, stack.Options{
		Temporal: server.Address(), SimulatorAddress: "127.0.0.1:0", Nodes: l.jobs, APIRate: l.rate, Pace: activities.DefaultPace(),
		TaskQueue: ours, Logger: zap.NewNop(),
		Script: &ehpcsim.Script{Duration: [2]time.Duration{time.Duration(l.seconds[0]) * time.Second, time.Duration(l.seconds[1]) * time.Second}, Seed: 7},
	})
	if err != nil {
		return m, err
	}
	defer s.Stop() //nolint:errcheck // measured
	queue, stop, err := serve(s, name, l)
	if err != nil {
		return m, err
	}
	defer stop()

	began := time.Now()
	closed := make([]time.Time, l.jobs)
	names := make([]string, l.jobs)
	var group errgroup.Group
	for i := range l.jobs {
		group.Go(func() error {
			id := fmt.Sprintf("run%07d.%02d", i, l.jobs%100)
			run, err := s.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, way,
				workflows.JobInput{ClusterID: stack.ClusterID, Job: pipeline.Job{Run: fmt.Sprintf("./solve %d", i), User: "bench"}})
			if err != nil {
				return err
			}
			var told json.RawMessage
			if err := run.Get(ctx, &told); err != nil {
				return err
			}
			described, err := s.Client.DescribeWorkflowExecution(ctx, id, "")
			if err != nil {
				return err
			}
			closed[i], names[i] = described.GetWorkflowExecutionInfo().GetCloseTime().AsTime(), nameIn(told)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return m, err
	}
	m.Seconds = time.Since(began).Seconds()
	m.Looks = s.Simulator.Requests("ListJobs") + s.Simulator.Requests("DescribeJob")
	m.PerJob = float64(m.Looks) / float64(l.jobs)
	ends := s.Simulator.JobEnds()
	var lags []time.Duration
	for i, name := range names {
		if end, found := ends[name]; found {
			lags = append(lags, closed[i].Sub(end))
		} else {
			m.Failures++
		}
	}
	slices.Sort(lags)
	if len(lags) > 0 {
		m.LagP50, m.LagP99 = lags[(len(lags)*50-1)/100].Seconds(), lags[(len(lags)*99-1)/100].Seconds()
	}
	return m, nil
}

// nameIn is the job's name in what a run returned.
func nameIn(told json.RawMessage) string {
	var name string
	var result workflows.JobResult
	if json.Unmarshal(told, &name) == nil {
		return name
	}
	_ = json.Unmarshal(told, &result) // of ours
	return result.Name
}

// serve has a worker serve the queue of a way; that of ehpcflow is the stack's.
func serve(s *stack.Stack, way string, l load) (queue string, stop func(), err error) {
	if way == ways[1].name {
		return ours, func() {}, nil
	}
	api, err := ehpc.New(ehpc.Config{
		Region: "cn-hangzhou", Endpoint: s.API.URL(), Budget: ehpc.NewBudget(l.rate),
		Credentials: credentials.NewStaticAKCredentialsProvider(s.Key.ID, s.Key.Secret),
	})
	if err != nil {
		return "", nil, err
	}
	w := worker.New(s.Client, theirs, worker.Options{
		MaxConcurrentActivityExecutionSize: 2 * l.jobs,
		WorkflowTaskPollerBehavior:         worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		ActivityTaskPollerBehavior:         worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
	})
	w.RegisterWorkflow(OneLookPerJob)
	w.RegisterActivity(&lookers{api, activities.DefaultPace()})
	return theirs, w.Stop, w.Start()
}

// The task queues.
const (
	ours   = "ours"
	theirs = "theirs"
)

// page is the report as a page.
func (r Report) page() []byte {
	var b bytes.Buffer
	write := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	write("# Waiting for jobs: one look for all, or one for each\n\n")
	write("Jobs of %d to %d seconds, all at once, each on a node of its own; ehpcflow's pace for both ways, and at most %.0f requests a second.\n",
		r.JobSeconds[0], r.JobSeconds[1], r.APIRate)
	write("The other way asks `DescribeJob` for each job, one request a look. Measured on %d cores, %s, by `make bench-jobs`.\n\n", r.Cores, r.MeasuredAt.Format("2006-01-02"))
	write("| jobs | way | requests of looks | for each job | end known after, median | 99%% |\n|---|---|---|---|---|---|\n")
	for _, m := range r.Measurements {
		write("| %d | %s | %d | %.1f | %.2f s | %.2f s |\n", m.Jobs, m.Way, m.Looks, m.PerJob, m.LagP50, m.LagP99)
	}
	write("\nAn end is known when its run has ended: for one look for all that includes `DescribeJob` for the exit status, and the log.\n")
	return b.Bytes()
}
