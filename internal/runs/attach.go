package runs

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// Attach starts a run that follows a command which was submitted elsewhere, and returns its
// name. One run at a time follows a command: while it goes on, an *ExistsError says so.
// After its end another may be started under the same name, for nothing is submitted.
func Attach(ctx context.Context, c client.Client, place Place, in workflows.RunCommandInput) (id string, err error) {
	id = workflows.AttachedRunID(in.ClusterID, in.Attach.CommandID)
	launch := LaunchOf(workflows.RolloutInput{RunCommandInput: in})
	launch.Options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	return id, launch.start(ctx, c, place, id)
}

// notOurs refuses to run a command again that was submitted elsewhere: how it was meant to
// be run is not known, only its text.
func (p Past) notOurs() error {
	if p.Input.Attach == nil {
		return nil
	}
	return fmt.Errorf("run %s followed a command that was submitted elsewhere, and does not know how it is to be run again: "+
		"start it as a run of its own, such as starter run --from failed,lost:%s -- COMMAND", p.RunID, p.RunID)
}
