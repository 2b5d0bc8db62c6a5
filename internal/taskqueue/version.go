package taskqueue

import (
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
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

// current is an error when what polls is of versions only and no version is current, nor
// gets a share.
func current(queue string, info *taskqueuepb.TaskQueueVersioningInfo, polling []*taskqueuepb.PollerInfo) error {
	if info.GetCurrentDeploymentVersion() != nil || info.GetRampingDeploymentVersion() != nil {
		return nil
	}
	for _, poller := range polling {
		if poller.GetDeploymentOptions().GetWorkerVersioningMode() != enumspb.WORKER_VERSIONING_MODE_VERSIONED {
			return nil
		}
	}
	newest := polling[0]
	for _, poller := range polling {
		if poller.GetLastAccessTime().AsTime().After(newest.GetLastAccessTime().AsTime()) {
			newest = poller
		}
	}
	return &NotCurrentError{queue, newest.GetDeploymentOptions().GetDeploymentName(), newest.GetDeploymentOptions().GetBuildId()}
}
