package runs

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// Attach starts a run that follows a command which was submitted elsewhere, and returns its
// name. There is one run for each command: when one follows it already, or has followed it
// to its end, an *ExistsError says so. After one that was cancelled or failed, another may
// be started under the same name.
func Attach(ctx context.Context, c client.Client, place Place, in workflows.RunCommandInput) (id string, err error) {
	id = workflows.AttachedRunID(in.ClusterID, in.Attach.CommandID)
	launch := LaunchOf(workflows.RolloutInput{RunCommandInput: in})
	launch.Options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
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
