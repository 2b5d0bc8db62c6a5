package taskqueue

import (
	"context"
	"fmt"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// version is what Temporal is told of the worker's version, if it has one.
//
// Runs move to the current version at their next step. They may take weeks and their
// code replays every history that was ever recorded, so an upgrade is to take them
// along: pinned to the version that they began on, they would keep its workers needed
// until the last one has ended.
func (s Settings) version() worker.DeploymentOptions {
	if s.Deployment == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: s.Deployment, BuildID: s.BuildID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}

// NotCurrentError says that workers poll a queue but get no run, for none of them is of
// the current version.
type NotCurrentError struct{ Queue, Deployment, BuildID string }

func (e *NotCurrentError) Error() string {
	return fmt.Sprintf("a worker of deployment %s polls task queue %q, but no version of it is current, so that it gets no run: "+
		"temporal worker deployment set-current-version --deployment-name %s --build-id %s", e.Deployment, e.Queue, e.Deployment, e.BuildID)
}

// Stalled is a NotCurrentError when workers of versions poll a queue of which none is
// current, whatever else polls it, or seems to: a worker that has just ended does. An
// error of the question says nothing and is nil.
func Stalled(ctx context.Context, c client.Client, queue string) error {
	described, err := c.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return nil
	}
	versioned := slices.DeleteFunc(polling(described), func(p *taskqueuepb.PollerInfo) bool { return !ofVersion(p) })
	if len(versioned) == 0 {
		return nil
	}
	return current(queue, described.GetVersioningInfo(), versioned)
}

func ofVersion(p *taskqueuepb.PollerInfo) bool {
	return p.GetDeploymentOptions().GetWorkerVersioningMode() == enumspb.WORKER_VERSIONING_MODE_VERSIONED
}

// current is an error when what polls is of versions only and no version is current, nor
// gets a share.
func current(queue string, info *taskqueuepb.TaskQueueVersioningInfo, polling []*taskqueuepb.PollerInfo) error {
	if info.GetCurrentDeploymentVersion() != nil || info.GetRampingDeploymentVersion() != nil {
		return nil
	}
	if slices.ContainsFunc(polling, func(p *taskqueuepb.PollerInfo) bool { return !ofVersion(p) }) {
		return nil
	}
	newest := polling[0]
	for _, poller := range polling {
		if poller.GetLastAccessTime().AsTime().After(newest.GetLastAccessTime().AsTime()) {
			newest = poller
		}
	}
	return &NotCurrentError{queue, newest.GetDeploymentOptions().GetDeploymentName(), newest.GetDeploymentOptions().GetBuildId()}
}
