package runs

import (
	"cmp"
	"context"
	"errors"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/setup"
	"ehpcflow/workflows"
)

// User is who starts runs here, as they are listed: EHPCFLOW_USER, or the user and the
// machine.
func User() string { return cmp.Or(os.Getenv("EHPCFLOW_USER"), WhoAmI()) }

// searchAttributes are those that a run on one cluster starts with.
func searchAttributes(in workflows.RolloutInput) temporal.SearchAttributes {
	parent := ""
	if in.Lineage != nil {
		parent = in.Lineage.Run
	}
	return workflows.StartAttributes(workflows.Resolving, []string{in.ClusterID}, User(), parent)
}

// checkAttributes refuses to start a run where it could not be found. A server that does
// not let the starter ask is left to judge by itself.
func checkAttributes(ctx context.Context, c client.Client, namespace string) error {
	state, err := setup.Check(ctx, c, namespace)
	var closed *setup.NotAllowedError
	switch {
	case errors.As(err, &closed):
		return nil
	case err != nil:
		return err
	}
	if problem := state.Problem(); problem != nil {
		return &connect.UnreachableError{Message: "nothing was started: " + problem.Error()}
	}
	return nil
}
