package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/quickstart/bench/peers"
	"ehpcflow/workflows"
)

// pattern is a way to wait for a command.
type pattern struct {
	name     string
	workflow any // takes a workflows.RunCommandInput
	most     int // runs at once that it is measured with; 0 is any number
	worker   func(c client.Client, api *ehpc.Client, runs int) service
}

// service is a worker.
type service interface {
	Start() error
	Stop()
}

// patterns in the order of the report. Those that go through the server for every
// poll are not measured with more runs than a small server can poll for.
var patterns = []pattern{
	peer("workflow-loop", peers.WorkflowLoop, 1000),
	peer("local-activity-loop", peers.LocalActivityLoop, 1000),
	peer("activity-retry", peers.ActivityRetry, 1000),
	peer("heartbeat-loop", peers.HeartbeatLoop, 0),
	{"ehpcflow", workflows.RunCommand, 0, ehpcflow},
}

func patternNames() []string {
	var names []string
	for _, p := range patterns {
		names = append(names, p.name)
	}
	return names
}

func patternNamed(name string) (pattern, error) {
	i := slices.IndexFunc(patterns, func(p pattern) bool { return p.name == name })
	if i < 0 {
		return pattern{}, fmt.Errorf("there is no pattern %q, but %s", name, strings.Join(patternNames(), ", "))
	}
	return patterns[i], nil
}

// ehpcflow is a worker as it is shipped.
func ehpcflow(c client.Client, api *ehpc.Client, _ int) service {
	worker.SetStickyWorkflowCacheSize(taskqueue.WorkflowCache)
	return taskqueue.NewWorker(c, taskQueue, activities.Activities{EHPC: api, Pace: activities.DefaultPace()}, taskqueue.Settings{})
}

// peer gives a pattern a worker that is never short of slots or pollers.
func peer(name string, workflow any, most int) pattern {
	return pattern{name, workflow, most, func(c client.Client, api *ehpc.Client, runs int) service {
		slots := max(2*runs, 1000)
		w := worker.New(c, taskQueue, worker.Options{
			MaxConcurrentActivityExecutionSize:      slots,
			MaxConcurrentLocalActivityExecutionSize: slots,
			MaxConcurrentWorkflowTaskExecutionSize:  slots,
			WorkflowTaskPollerBehavior:              worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
			ActivityTaskPollerBehavior:              worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
			WorkerStopTimeout:                       time.Second,
		})
		w.RegisterWorkflow(workflow)
		w.RegisterActivity(&activities.Activities{EHPC: api, Pace: activities.DefaultPace()})
		w.RegisterActivity(&peers.Activities{EHPC: api})
		return w
	}}
}
