package e2e

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
	"ehpcflow/pipeline"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// waitingJobs wait on one cluster: 10 pages of its listing.
const waitingJobs = 500

// newJobCluster is a cluster whose nodes are down, so that its jobs wait until they are
// brought up.
func newJobCluster(t *testing.T) (s *system, up func()) {
	t.Helper()
	const nodes = 50
	cluster := ehpcsim.DemoCluster(stack.ClusterID, nodes)
	for i := range cluster.Nodes {
		cluster.Nodes[i].Status = "stopped"
	}
	pace := activities.DefaultPace()
	pace.Look = activities.Bounds{Min: time.Second, Max: time.Second} // so that ticks can be counted by the clock
	pace.NewFor = 4 * time.Second
	s = newSystemWith(t, stack.Options{
		Clusters: []ehpcsim.Cluster{cluster}, Pace: pace, Logger: zap.NewNop(),
		Script: &ehpcsim.Script{Duration: [2]time.Duration{time.Second / 2, time.Second}},
	})
	return s, func() {
		for _, node := range cluster.Nodes {
			s.Simulator.SetNodeStatus(stack.ClusterID, node.InstanceID, "running")
		}
	}
}

func (s *system) startJobs(n int) []string {
	s.t.Helper()
	ids := make([]string, n)
	var group errgroup.Group
	group.SetLimit(16)
	for i := range ids {
		group.Go(func() error {
			ids[i] = s.startJob(pipeline.Job{Run: fmt.Sprintf("./solve %d", i), Name: "wait"}, false)
			return nil
		})
	}
	require.NoError(s.t, group.Wait())
	return ids
}

// endJobs waits for the jobs, and requires that each succeeded and was submitted once.
func (s *system) endJobs(ids []string) {
	s.t.Helper()
	var group errgroup.Group
	group.SetLimit(16)
	for _, id := range ids {
		group.Go(func() error {
			result, err := s.endJob(id)
			if err == nil && result.Verdict != workflows.Succeeded {
				err = fmt.Errorf("%s: %+v", id, result)
			}
			return err
		})
	}
	require.NoError(s.t, group.Wait())
	named := s.Simulator.JobsNamed(".wait")
	require.Len(s.t, named, len(ids))
	for name, times := range named {
		require.Equal(s.t, 1, times, name)
	}
}

func TestOneListingATickServesAllWaitingJobs(t *testing.T) {
	if testing.Short() {
		t.Skip("500 runs")
	}
	s, up := newJobCluster(t)
	began := time.Now()
	ids := s.startJobs(waitingJobs)
	await(t, 2*time.Minute, "all of them wait", func() bool { return len(s.Simulator.JobsNamed(".wait")) == waitingJobs })
	submitted := time.Since(began)

	const seconds = 10
	before := s.Simulator.Requests("ListJobs")
	time.Sleep(seconds * time.Second) // what is counted is what happens meanwhile
	requests := s.Simulator.Requests("ListJobs") - before
	pages := (waitingJobs + ehpc.MaxJobsPage - 1) / ehpc.MaxJobsPage
	t.Logf("%d jobs wait: %d ListJobs in %d s, which is %.1f looks of %d pages; one look for each job would be %d requests",
		waitingJobs, requests, seconds, float64(requests)/float64(pages), pages, waitingJobs*seconds)
	require.LessOrEqual(t, requests, (seconds+2)*pages)
	require.GreaterOrEqual(t, requests, seconds/2*pages, "it looks")

	up()
	s.endJobs(ids)
	require.Equal(t, waitingJobs, s.Simulator.Requests("SubmitJob"))
	t.Logf("submitted in %.0f s, all ended after %.0f s; %d ListJobs, %d DescribeJob in all",
		submitted.Seconds(), time.Since(began).Seconds(), s.Simulator.Requests("ListJobs"), s.Simulator.Requests("DescribeJob"))
}

// A worker program with its own times, killed with jobs of which it does not know yet
// whether they were submitted, and an API that fails one time in ten. The long form, with as
// many jobs as wait above, is one of make soak.
func TestEveryJobIsSubmittedOnceAlthoughWorkersDieAndTheAPIFails(t *testing.T) {
	t.Parallel() // it mostly waits
	jobs := waitingJobs / 4
	if *soak {
		jobs = waitingJobs
	}
	s, up := newJobCluster(t)
	s.StopWorker()
	s.Simulator.SetFaults(ehpcsim.Faults{Faults: []ehpcsim.Fault{
		{Code: "ServiceUnavailable", Probability: 0.05, Times: -1},
		{Drop: ehpcsim.DropAfter, Probability: 0.03, Times: -1},
		{Drop: ehpcsim.DropBefore, Probability: 0.02, Times: -1},
	}})
	began := time.Now()
	worker := func() *exec.Cmd {
		w, _ := background(t, s.forPrograms(), "worker", "--api-rate", "500")
		return w
	}
	ids := s.startJobs(jobs)
	first := worker()
	await(t, time.Minute, "it is in the middle of submitting", func() bool { return len(s.Simulator.JobsNamed(".wait")) > jobs/4 })
	require.NoError(t, first.Process.Kill())
	_ = first.Wait()
	at := len(s.Simulator.JobsNamed(".wait"))
	worker()
	await(t, 8*time.Minute, "all of them wait", func() bool { return len(s.Simulator.JobsNamed(".wait")) == jobs })
	submitted := time.Since(began)
	up()
	s.endJobs(ids)
	took := time.Since(began)
	requests := s.Simulator.Requests("ListJobs")
	t.Logf("killed after %d submits; all %d submitted after %.0f s with %d SubmitJob, ended after %.0f s; %d ListJobs, %.1f a second",
		at, jobs, submitted.Seconds(), s.Simulator.Requests("SubmitJob"), took.Seconds(), requests, float64(requests)/took.Seconds())
	require.Less(t, requests, jobs*int(took.Seconds())/10, "far below a look a second for each job")
}
