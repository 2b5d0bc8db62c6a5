package taskqueue

import (
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
