package e2e

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

var soak = flag.Bool("soak", false, "run the long forms of the tests")

// It measures time, so it is not one of the parallel ones.
func TestThreeWorkersShareAQuotaOfTheAPI(t *testing.T) {
	const quota = 20 // requests a second; a command takes three at least: submit, look, result
	commands, settling, longest, mostThrottled := 120, 10*time.Second, 3., 0.1
	if *soak {
		commands, settling, longest, mostThrottled = 500, 15*time.Second, 1.5, 0.02
	}
	s := newSystemWith(t, stack.Options{
		Pace: activities.DefaultPace(), APIRate: ehpc.DefaultCeiling, Logger: zap.NewNop(),
		Script: &ehpcsim.Script{Duration: [2]time.Duration{2 * time.Second, 8 * time.Second}},
	})
	require.NoError(t, s.StartWorker())
	require.NoError(t, s.StartWorker())
	s.Simulator.SetFaults(ehpcsim.Faults{Quota: quota})

	started := time.Now()
	nodes := s.nodes()
	var begun []client.WorkflowRun
	for i := range commands {
		run, err := s.Client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: runs.NewID(), TaskQueue: s.queue},
			workflows.RunCommand, workflows.RunCommandInput{
				ClusterID:      stack.ClusterID,
				Target:         workflows.Target{Nodes: []string{nodes[i%len(nodes)]}},
				Command:        fmt.Sprintf("echo %d", i),
				TimeoutSeconds: 600,
			})
		require.NoError(t, err)
		begun = append(begun, run)
	}
	t.Logf("%d runs were started in %v", commands, time.Since(started))
	time.Sleep(time.Until(started.Add(settling)))
	unsettled := s.Simulator.Stats()

	for _, run := range begun {
		var result workflows.RunCommandResult
		require.NoError(t, run.Get(t.Context(), &result))
		require.Equal(t, workflows.Succeeded, result.Verdict)
	}
	took := time.Since(started)
	stats := s.Simulator.Stats()
	requests := requestsIn(stats) - requestsIn(unsettled)
	throttled := float64(stats.Throttled-unsettled.Throttled) / float64(requests)
	least := time.Duration(3*commands) * time.Second / quota
	t.Logf("%v of at least %v; %v; %.2f %% of %d requests throttled after %v, %.2f %% of %d before",
		took, least, stats.Requests, 100*throttled, requests, settling,
		100*float64(unsettled.Throttled)/float64(requestsIn(unsettled)), requestsIn(unsettled))
	require.Less(t, throttled, mostThrottled)
	require.Less(t, took.Seconds(), longest*least.Seconds())
}

func requestsIn(stats ehpcsim.Stats) int {
	sum := 0
	for _, n := range stats.Requests {
		sum += n
	}
	return sum
}
