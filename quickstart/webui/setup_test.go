package webui

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"ehpcflow/activities"
	"ehpcflow/internal/connect"
	"ehpcflow/internal/runs"
	"ehpcflow/internal/setup"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/workflows"
)

// bareNamespace makes a namespace that has only these search attributes of its own.
func bareNamespace(t *testing.T, name string, attributes map[string]enumspb.IndexedValueType) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: temporal.Address(), Namespace: name})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Namespace: name})
		return err == nil
	}, time.Minute, 100*time.Millisecond)
	if attributes != nil {
		_, err = c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{Namespace: name, SearchAttributes: attributes})
		require.NoError(t, err)
	}
	return c
}

func startOf(user string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: runs.NewID(), TaskQueue: "nobody serves it", TypedSearchAttributes: workflows.StartAttributes(workflows.Resolving, []string{"ehpc-a"}, user, ""),
	}
}

func TestNothingIsStartedBeforeTheNamespaceIsSetUp(t *testing.T) {
	t.Parallel()
	c := bareNamespace(t, "bare", nil)
	w := taskqueue.NewWorker(c, t.Name(), activities.Activities{}, taskqueue.Settings{})
	require.NoError(t, w.Start())
	defer w.Stop()

	err := runs.Start(t.Context(), c, runs.Place{Namespace: "bare", TaskQueue: t.Name()}, runs.NewID(), workflows.RolloutInput{})
	var refused *connect.UnreachableError
	require.ErrorAs(t, err, &refused)
	require.Contains(t, err.Error(), `nothing was started: namespace "bare" lacks search attributes (EhpcflowCluster, `)
	require.Contains(t, err.Error(), "starter setup")
	count, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Namespace: "bare"})
	require.NoError(t, err)
	require.Zero(t, count.GetCount())

	state, err := setup.Ensure(t.Context(), c, "bare")
	require.NoError(t, err)
	require.Len(t, state.Missing, len(workflows.SearchAttributes), "all were created")
	_, err = c.ExecuteWorkflow(t.Context(), startOf("ann"), workflows.RunCommand, workflows.RunCommandInput{})
	require.NoError(t, err, "they can be used at once")
	state, err = setup.Ensure(t.Context(), c, "bare")
	require.NoError(t, err)
	require.Empty(t, state.Missing, "the second time there is nothing to do")
	require.NoError(t, state.Problem())
}

// A step of a run that sets an attribute which the namespace lacks would be tried for
// ever. The start is refused instead, whichever one is missing.
func TestTheServerRefusesAStartWhereOneAttributeIsMissing(t *testing.T) {
	t.Parallel()
	types := make(map[string]enumspb.IndexedValueType)
	for _, attribute := range workflows.SearchAttributes {
		types[attribute.Name] = attribute.Type
	}
	delete(types, workflows.AttributeCommandID.GetName())
	c := bareNamespace(t, "one-missing", types)
	require.Eventually(t, func() bool {
		_, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Namespace: "one-missing", Query: "EhpcflowCluster IS NULL"})
		return err == nil
	}, time.Minute, 100*time.Millisecond, "the others can be used")
	var invalid *serviceerror.InvalidArgument
	_, err := c.ExecuteWorkflow(t.Context(), startOf("ann"), workflows.RunCommand, workflows.RunCommandInput{})
	require.ErrorAs(t, err, &invalid)
	require.ErrorContains(t, err, workflows.AttributeCommandID.GetName())
}

func TestAnAttributeOfAnotherTypeIsNamedAndNothingIsCreated(t *testing.T) {
	t.Parallel()
	c := bareNamespace(t, "wrong-type", map[string]enumspb.IndexedValueType{"EhpcflowVerdict": enumspb.INDEXED_VALUE_TYPE_INT})
	_, err := setup.Ensure(t.Context(), c, "wrong-type")
	var config *connect.ConfigError
	require.ErrorAs(t, err, &config)
	require.Contains(t, err.Error(), "EhpcflowVerdict of namespace \"wrong-type\" is of type Int and has to be Keyword")
	state, err := setup.Check(t.Context(), c, "wrong-type")
	require.NoError(t, err)
	require.Len(t, state.Missing, len(workflows.SearchAttributes)-1)
}
