package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// The tests of this file weigh on the machine, so they are none of the parallel
// ones.

// The long form has 10,000 nodes: make soak. The worker is the program, with its
// defaults, and is asked what it has used.
func TestAFleetInOneRunStaysSmall(t *testing.T) {
	nodes, shortest, longest := 1000, 5*time.Second, 15*time.Second
	if *soak {
		nodes, shortest, longest = workflows.MaxNodes, 10*time.Second, time.Minute
	}
	s := newSystemWith(t, stack.Options{
		Nodes: nodes, Pace: activities.DefaultPace(), Logger: zap.NewNop(),
		Script: &ehpcsim.Script{
			Duration: [2]time.Duration{shortest, longest}, OutputBytes: 500, ExitCodes: []int{0, 0, 0, 7},
		},
	})
	s.StopWorker()
	worker, said := background(t, s.forPrograms(), "worker")
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })

	id := s.startInput(func(in *workflows.RunCommandInput) { in.Command, in.TimeoutSeconds = "solve", 600 })
	mostBytes := 0
	for report := (runs.Report{State: runs.Running}); report.State == runs.Running; {
		var err error
		report, err = runs.Read(t.Context(), s.Client, id)
		require.NoError(t, err)
		text, err := json.Marshal(report.RunCommandStatus)
		require.NoError(t, err)
		mostBytes = max(mostBytes, len(text))
		time.Sleep(time.Second)
	}
	report := s.end(id)
	require.Equal(t, workflows.Partial, report.Verdict, "%s", report.Reason)
	require.Len(t, report.Nodes, nodes)
	counts := report.Counts()
	require.Equal(t, nodes, counts[activities.Succeeded]+counts[activities.Nonzero])
	require.InDelta(t, nodes/4, counts[activities.Nonzero], float64(nodes)/20)
	require.Equal(t, nodes/workflows.MaxPerCommand, s.Simulator.Requests("InvokeShellCommand"))
	for id, n := range s.Simulator.Stats().Executions {
		require.Equal(t, 1, n, id)
	}

	size, events, links := s.chain(id)
	proc, err := procfs.NewProc(worker.Process.Pid)
	require.NoError(t, err)
	status, err := proc.NewStatus()
	require.NoError(t, err)
	t.Logf("%d nodes: %.2f MiB and %d events of history in %d runs, %d MB of memory at most in the worker, %.0f s, a status of %d kB at most",
		nodes, float64(size)/(1<<20), events, links, status.VmHWM/1e6, report.EndedAt.Sub(report.StartedAt).Seconds(), mostBytes/1000)
	require.Less(t, size, int64(4<<20))
	require.Less(t, status.VmHWM, uint64(250e6))
}

// chain sums up the histories of a run that may have gone on as new ones.
func (s *system) chain(id string) (size, events int64, links int) {
	described, err := s.Client.DescribeWorkflowExecution(s.t.Context(), id, "")
	require.NoError(s.t, err)
	for runID := described.GetWorkflowExecutionInfo().GetExecution().GetRunId(); runID != ""; links++ {
		described, err := s.Client.DescribeWorkflowExecution(s.t.Context(), id, runID)
		require.NoError(s.t, err)
		size += described.GetWorkflowExecutionInfo().GetHistorySizeBytes()
		events += described.GetWorkflowExecutionInfo().GetHistoryLength()
		first := s.historyOf(id, runID).GetEvents()[0]
		runID = first.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
	}
	return size, events, links
}

// The long form has 10,000 runs: make soak. The commands outlast the start of all
// runs, so that all of them are watched at the same time.
func TestManyRunsShareOneWorker(t *testing.T) {
	commands, longest := 100, 15*time.Second
	if *soak {
		commands, longest = 10_000, 6*time.Minute
	}
	s := newSystemWith(t, stack.Options{
		Pace: activities.DefaultPace(), Logger: zap.NewNop(),
		Script: &ehpcsim.Script{Duration: [2]time.Duration{longest * 9 / 10, longest}},
	})
	s.StopWorker()
	worker, said := background(t, s.forPrograms(), "worker", "--api-rate", "500")
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	idle := resident(t, worker.Process.Pid)

	started := time.Now()
	begun := make([]client.WorkflowRun, commands)
	var group errgroup.Group
	group.SetLimit(16)
	for i := range begun {
		group.Go(func() (err error) {
			id := runs.NewID()
			for range 5 { // a busy server may not answer in time
				begun[i], err = s.Client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: s.queue},
					workflows.RunCommand, workflows.RunCommandInput{
						ClusterID: stack.ClusterID, Target: workflows.Target{Nodes: s.nodes()},
						Command: "solve " + strconv.Itoa(i), TimeoutSeconds: 3600,
					})
				if !errors.Is(err, context.DeadlineExceeded) {
					break
				}
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	t.Logf("%d runs were started in %v", commands, time.Since(started).Round(time.Second))
	most := uint64(0)
	var atOnce int
	for ended := 0; ended < commands; {
		time.Sleep(time.Second)
		stats := s.Simulator.Stats()
		atOnce = max(atOnce, stats.Running/4)
		most = max(most, resident(t, worker.Process.Pid))
		running, err := s.Client.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: devserver.Namespace, Query: `ExecutionStatus = "Running" AND TaskQueue = "` + s.queue + `"`,
		})
		require.NoError(t, err)
		ended = commands - int(running.GetCount())
	}
	for _, run := range begun {
		var result workflows.RunCommandResult
		require.NoError(t, run.Get(t.Context(), &result))
		require.Equal(t, workflows.Succeeded, result.Verdict)
	}
	require.Equal(t, commands, s.Simulator.Requests("InvokeShellCommand"))
	each := float64(most-idle) / float64(atOnce) / 1e3
	t.Logf("%d runs, %d at once: %d MB of memory in the worker, %d MB idle, %.1f kB a watch", commands, atOnce, most/1e6, idle/1e6, each)
	if *soak {
		require.Less(t, each, 20.)
	}
}

// resident is the memory of a process, in bytes.
func resident(t *testing.T, pid int) uint64 {
	t.Helper()
	proc, err := procfs.NewProc(pid)
	require.NoError(t, err)
	status, err := proc.NewStatus()
	require.NoError(t, err)
	return status.VmRSS
}

// The long form has 10,000 nodes: make soak. A quarter of the nodes fails and is tried
// again.
func TestARolloutOverAFleetStaysSmall(t *testing.T) {
	nodes, window, shortest, longest := 1000, 200, time.Second, 3*time.Second
	if *soak {
		nodes, window, shortest, longest = workflows.MaxNodes, 1000, 10*time.Second, 30*time.Second
	}
	s := newSystemWith(t, stack.Options{
		Nodes: nodes, Pace: activities.DefaultPace(), Logger: zap.NewNop(),
		Script: &ehpcsim.Script{Duration: [2]time.Duration{shortest, longest}, OutputBytes: 500, ExitCodes: []int{0, 0, 0, 7}},
	})
	id := s.startRollout(func(in *workflows.RolloutInput) {
		in.Command, in.TimeoutSeconds = "solve", 600
		in.Policy.Waves = sizes(t, "1,10%,100%")
		in.Policy.Concurrency = policy.Number(window)
		half := sizes(t, "50%")[0]
		in.Policy.Budget = policy.Budget{Whole: &half, OnBreach: policy.Stop}
		in.Policy.Retry = policy.Retry{Attempts: 3, On: []workflows.NodeState{activities.Nonzero}, BackoffSeconds: 1}
	})
	most := 0
	await(t, 30*time.Minute, "the rollout has ended", func() bool {
		most = max(most, s.Simulator.Stats().Running)
		return s.phase(id) == workflows.Ended
	})
	report := s.end(id)
	counts := report.Counts()
	require.Equal(t, nodes, counts[activities.Succeeded]+counts[activities.Nonzero], "%s", report.Reason)
	require.LessOrEqual(t, most, window, "never more at a time than allowed")
	tries := 0
	for _, node := range report.Nodes {
		tries += max(node.Tries, 1)
		require.Equal(t, max(node.Tries, 1), s.Simulator.Executions(node.InstanceID))
	}
	text, err := json.Marshal(report.RunCommandResult)
	require.NoError(t, err)
	size, events, links := s.chain(id)
	submits, looks := s.Simulator.Requests("InvokeShellCommand"), s.Simulator.Requests("ListInvocationStatus")
	t.Logf("%d nodes, %d executions, %d at a time, in %.0f s: %d submits, %d looks, %.2f MiB and %d events of history in %d runs, a result of %d kB",
		nodes, tries, most, report.EndedAt.Sub(report.StartedAt).Seconds(), submits, looks, float64(size)/(1<<20), events, links, len(text)/1000)
	require.Less(t, submits, tries/5, "places that become free are gathered")
	require.Less(t, len(text), 3<<19, "Temporal takes 2 MiB")
}
