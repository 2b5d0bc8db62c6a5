// Package taskqueue is where runs and workers meet: the name of the queue, the
// worker that serves it, and the question whether one does.
package taskqueue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// Default is the task queue that workers serve and runs are put on.
const Default = "ehpcflow"

const (
	// pollPeriod is how long a worker's poll lasts at most; one that has not
	// polled for longer is gone.
	pollPeriod = 70 * time.Second

	// stepsAtOnce bounds the steps of runs that are computed at a time. They wait
	// for nothing, so more would only take memory.
	stepsAtOnce = 50

	// deadlockPatience is how long a step of a run may compute: reading 10,000
	// nodes on a busy machine takes a while.
	deadlockPatience = 10 * time.Second
)

// Settings are how much a worker takes on. The zero value is DefaultSettings.
type Settings struct {
	// Watches is how many runs it watches at a time; further ones are offered to
	// other workers, and to it again. Each takes some kB of memory. Default 10,000.
	Watches int

	// Calls is how many activities run at a time. Each is a call or two, for a
	// watch is none while it waits. Default 200.
	Calls int

	// StopPatience is how long a stopping worker lets activities end: a submit under
	// way, which takes 25 seconds at most, needs its answer recorded. Default 30 s.
	StopPatience time.Duration

	// Deployment and BuildID are the worker's version; both or none. A worker with a
	// version gets runs once its version is the deployment's current one; see Served.
	Deployment, BuildID string

	// OnFatalError is told when the worker can no longer serve, such as of a namespace
	// that was deleted. Nil ignores it.
	OnFatalError func(error)
}

// DefaultSettings are those of a worker that has a small machine to itself.
var DefaultSettings = Settings{Watches: 10_000, Calls: 200, StopPatience: 30 * time.Second}

// WorkflowCache is how many runs a worker process keeps in memory between two of
// their steps. Others are replayed from their history, which is short, when they
// go on; so a small cache saves memory where most runs are being watched.
const WorkflowCache = 500

// Worker serves a task queue.
type Worker struct {
	worker.Worker
	watcher      *activities.Watcher
	stopPatience time.Duration
}

// NewWorker returns a worker for the queue with everything registered; it gives the
// activities their Watcher.
func NewWorker(c client.Client, queue string, acts activities.Activities, s Settings) *Worker {
	acts.Watcher = activities.NewWatcher(c, cmp.Or(s.Watches, DefaultSettings.Watches))
	asNeeded := worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{})
	patience := cmp.Or(s.StopPatience, DefaultSettings.StopPatience)
	w := worker.New(c, queue, worker.Options{
		WorkerStopTimeout:                      patience,
		MaxConcurrentActivityExecutionSize:     cmp.Or(s.Calls, DefaultSettings.Calls),
		MaxConcurrentWorkflowTaskExecutionSize: stepsAtOnce,
		ActivityTaskPollerBehavior:             asNeeded,
		WorkflowTaskPollerBehavior:             asNeeded,
		DeadlockDetectionTimeout:               deadlockPatience,
		DeploymentOptions:                      s.version(),
		OnFatalError:                           s.OnFatalError,
	})
	w.RegisterWorkflow(workflows.RunCommand)
	w.RegisterWorkflow(workflows.Rollout)
	w.RegisterWorkflow(workflows.PlanCommand)
	w.RegisterWorkflow(workflows.RunOnClusters)
	w.RegisterWorkflow(workflows.RunJob)
	w.RegisterWorkflow(workflows.RunPipeline)
	w.RegisterWorkflow(workflows.RunItems)
	w.RegisterWorkflow(workflows.AwaitApproval)
	w.RegisterWorkflow(workflows.AwaitTime)
	w.RegisterWorkflow(workflows.ShowClusters)
	w.RegisterWorkflow(workflows.ShowNodes)
	w.RegisterWorkflow(workflows.ShowCommands)
	w.RegisterWorkflow(workflows.ExamineWorker)
	w.RegisterActivity(&acts)
	return &Worker{w, acts.Watcher, patience}
}

// Stop hands the watches over and finishes what else is under way.
func (w *Worker) Stop() {
	var stopping sync.WaitGroup
	stopping.Go(w.Worker.Stop)
	stopping.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), w.stopPatience)
		defer cancel()
		w.watcher.Stop(ctx)
	})
	stopping.Wait()
}

// Served reports whether a worker takes both workflow and activity tasks from the
// queue. Workers of versions of which none is current do not, see Stalled.
func Served(ctx context.Context, c client.Client, queue string) (bool, error) {
	for _, kind := range []enumspb.TaskQueueType{enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY} {
		described, err := c.DescribeTaskQueue(ctx, queue, kind)
		if err != nil {
			return false, fmt.Errorf("describe task queue %s: %w", queue, err)
		}
		pollers := polling(described)
		if len(pollers) == 0 {
			return false, nil
		}
		if current(queue, described.GetVersioningInfo(), pollers) != nil {
			return false, nil
		}
	}
	return true, nil
}

// polling are those that have not been gone for longer than a poll lasts.
func polling(described *workflowservice.DescribeTaskQueueResponse) []*taskqueuepb.PollerInfo {
	return slices.DeleteFunc(slices.Clone(described.GetPollers()), func(p *taskqueuepb.PollerInfo) bool {
		return time.Since(p.GetLastAccessTime().AsTime()) >= pollPeriod
	})
}
