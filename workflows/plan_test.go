package workflows_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
	"ehpcflow/ehpc"
	"ehpcflow/workflows"
)

func (b *bundle) plan(in workflows.RunCommandInput) (workflows.PlanCommandResult, error) {
	return b.planRollout(workflows.RolloutInput{RunCommandInput: in})
}

func (b *bundle) planRollout(in workflows.RolloutInput) (workflows.PlanCommandResult, error) {
	b.ExecuteWorkflow(workflows.PlanCommand, in)
	require.True(b.t, b.IsWorkflowCompleted())
	var plan workflows.PlanCommandResult
	if err := b.GetWorkflowError(); err != nil {
		return plan, err
	}
	require.NoError(b.t, b.GetWorkflowResult(&plan))
	return plan, nil
}

func TestAPlanSaysWhatTheRunWouldDo(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	in := selecting(workflows.Selector{HostNames: []string{"c*"}})
	in.NodesPerCommand, in.Target.SkipUnfit = 60, true
	listed := activities.ListNodesResult{
		LeftOut: activities.Nodes{{InstanceID: "i-l", LeftOut: activities.OtherHostName}},
		Cluster: &activities.ClusterNodes{Nodes: 151},
	}
	for _, id := range manyNodes(150) {
		listed.Nodes = append(listed.Nodes, activities.Node{InstanceID: id, Roles: []string{"Compute"}, Status: "running"})
	}
	listed.Nodes[7].Unfit = "stopped"
	asked := b.listing(listed)
	plan, err := b.plan(in)
	require.NoError(t, err)
	require.Equal(t, []activities.ListNodesInput{{ClusterID: "ehpc-1", Select: in.Target.Select, Whole: true}}, *asked)

	require.Equal(t, workflows.RolloutInput{RunCommandInput: in}, plan.Input)
	require.Equal(t, listed.LeftOut, plan.LeftOut)
	require.Equal(t, listed.Nodes[7:8], plan.Skipped)
	require.Len(t, plan.Nodes, 149)
	require.Equal(t, []string{"Compute"}, plan.Nodes[0].Roles)
	require.Equal(t, []workflows.PlannedCommand{{From: 0, Nodes: 60}, {From: 60, Nodes: 60}, {From: 120, Nodes: 29}}, plan.Commands)
	require.Equal(t, 2, plan.Calls.ListNodes)
	require.Equal(t, 3, plan.Calls.InvokeShellCommand)
	require.Equal(t, 2+2+1, plan.Calls.ListInvocationResults)
	require.Equal(t, guard.Wrap(workflows.PlannedToken, "uptime"), plan.Text)
	require.Equal(t, len("uptime")+guard.Cost("uptime"), plan.TextLength)
	require.Nil(t, plan.Refused)
	require.Equal(t, "would run on 149 nodes of ehpc-1, and skip 1", plan.Headline())
}

func TestThePlanOfLooksIsThatOfTheCommandsTimes(t *testing.T) {
	t.Parallel()
	looks := func(change func(*workflows.RunCommandInput)) workflows.Looks {
		b := newBundle(t)
		in := onNodes("i-a")
		change(&in)
		plan, err := b.plan(in)
		require.NoError(t, err)
		return plan.Calls.ListInvocationStatus
	}
	minute := looks(func(*workflows.RunCommandInput) {})
	require.Equal(t, 1, minute.Least)
	require.InDelta(t, 210, minute.Most, 30, "a second apart for a minute, then for 40 s after the timeout, then slower and slower")
	require.Zero(t, minute.ExpectedMost)

	day := looks(func(in *workflows.RunCommandInput) { in.TimeoutSeconds, in.ExpectedSeconds = 24*3600, 3600 })
	require.InDelta(t, 1440+2*165+115, day.Most, 60, "one a minute, and more after the start, the expected end and the timeout")
	require.InDelta(t, 204+20, day.ExpectedMost, 10)
	require.LessOrEqual(t, day.ExpectedLeast, day.ExpectedMost)
	require.Greater(t, day.ExpectedLeast, 210)

	short := looks(func(in *workflows.RunCommandInput) {
		in.TimeoutSeconds, in.ExpectedSeconds, in.DeadlineSeconds = 24*3600, 3600, 60
	})
	require.InDelta(t, 60, short.Most, 3, "the run's own deadline ends it")
	require.Equal(t, short.Most, short.ExpectedMost)

	two := looks(func(in *workflows.RunCommandInput) { in.Target.Nodes, in.NodesPerCommand = []string{"i-a", "i-b"}, 1 })
	require.Equal(t, workflows.Looks{Least: 2, Most: 2 * minute.Most}, two)
}

func TestAPlanOfNamedNodesLooksAtNothingAsTheRunDoes(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	in := onNodes("i-a", "i-b")
	in.Raw = true
	plan, err := b.plan(in)
	require.NoError(t, err)
	require.Equal(t, activities.Nodes{{InstanceID: "i-a"}, {InstanceID: "i-b"}}, plan.Nodes)
	require.Nil(t, plan.Cluster)
	require.Zero(t, plan.Calls.ListNodes)
	require.Equal(t, "uptime", plan.Text, "raw text is sent as it is")
	require.Equal(t, 6, plan.TextLength)
}

func TestAPlanThatTheRunWouldRefuseSaysSoAndShowsTheNodes(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.listing(activities.ListNodesResult{Nodes: activities.Nodes{{InstanceID: "i-a"}, {InstanceID: "i-b", Unfit: "stopped"}}, Cluster: sixNodes})
	plan, err := b.plan(onAll())
	require.NoError(t, err)
	require.Equal(t, workflows.ErrUnfitNodes, plan.Refused.Code)
	require.Contains(t, plan.Headline(), "the run would be refused: not every node of cluster ehpc-1 can run a command (i-b is stopped)")
	require.Len(t, plan.Nodes, 2)
	require.Empty(t, plan.Commands)
	require.Zero(t, plan.Calls.InvokeShellCommand)
}

func TestAPlanThatCannotBeMadeFailsUnderTheCodeOfTheAPI(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.OnActivity(acts.ListNodes, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.ListNodesInput) (*activities.ListNodesResult, error) {
			return nil, temporal.NewNonRetryableApplicationError("no such cluster", "ClusterNotFound", nil)
		})
	_, err := b.plan(onAll())
	requireCode(t, err, "ClusterNotFound")

	b = newBundle(t)
	_, err = b.plan(workflows.RunCommandInput{Command: strings.Repeat("x", 3000)})
	requireCode(t, err, workflows.ErrInvalidInput)
	require.ErrorContains(t, err, "no cluster")
	require.ErrorContains(t, err, "no target")
	require.ErrorContains(t, err, "has 3000 characters")
}

func TestThePagesOfAPlanAreThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.listing(activities.ListNodesResult{
		Nodes: make(activities.Nodes, ehpc.MaxNodesPage+1), Cluster: &activities.ClusterNodes{Nodes: ehpc.MaxNodesPage + 1},
	})
	in := onAll()
	in.NodesPerCommand = ehpc.MaxResultsPage + 1
	plan, err := b.plan(in)
	require.NoError(t, err)
	require.Equal(t, 2, plan.Calls.ListNodes)
	require.Zero(t, plan.Calls.ListNodesByQueue)
	require.Equal(t, 2+1, plan.Calls.ListInvocationResults)
	require.Len(t, workflows.PlannedToken, guard.TokenLength)

	b = newBundle(t)
	b.listing(activities.ListNodesResult{Nodes: activities.Nodes{{InstanceID: "i-a"}}, Cluster: &activities.ClusterNodes{
		Nodes: 200, Queues: []activities.WordCount{{Word: "a", Nodes: ehpc.MaxQueueNodesPage}, {Word: "b", Nodes: ehpc.MaxQueueNodesPage + 1}, {Word: "c"}},
	}})
	plan, err = b.plan(selecting(workflows.Selector{Queues: []string{"a", "b", "c"}}))
	require.NoError(t, err)
	require.Equal(t, 1+2+1, plan.Calls.ListNodesByQueue)
}
