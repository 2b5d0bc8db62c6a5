// Package taskqueue is where runs and workers meet: the name of the queue, the
// worker that serves it, and the question whether one does.
package taskqueue

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// Default is the task queue that workers serve and runs are put on.
const Default = "ehpcflow"

const (
	// stopPatience is how long a stopping worker lets activities end: a submit
	// under way, which takes 25 seconds at most, needs its answer recorded.
	stopPatience = 30 * time.Second

	// pollPeriod is how long a worker's poll lasts at most; one that has not
	// polled for longer is gone.
	pollPeriod = 70 * time.Second
)

// NewWorker returns a worker for the queue with everything registered.
func NewWorker(c client.Client, queue string, acts *activities.Activities) worker.Worker {
	w := worker.New(c, queue, worker.Options{WorkerStopTimeout: stopPatience})
	w.RegisterWorkflow(workflows.RunCommand)
	w.RegisterActivity(acts)
	return w
}

// Served reports whether a worker takes both workflow and activity tasks from the
// queue.
func Served(ctx context.Context, c client.Client, queue string) (bool, error) {
	for _, kind := range []enumspb.TaskQueueType{enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY} {
		described, err := c.DescribeTaskQueue(ctx, queue, kind)
		if err != nil {
			return false, fmt.Errorf("describe task queue %s: %w", queue, err)
		}
		served := false
		for _, poller := range described.GetPollers() {
			served = served || time.Since(poller.GetLastAccessTime().AsTime()) < pollPeriod
		}
		if !served {
			return false, nil
		}
	}
	return true, nil
}
