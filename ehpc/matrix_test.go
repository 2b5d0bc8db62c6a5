package ehpc_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// calls is every action of the client.
var calls = map[string]func(context.Context, *ehpc.Client) error{
	"InvokeShellCommand": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.InvokeShellCommand(ctx, submitRequest()))
	},
	"ListInvocationStatus": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.ListInvocationStatus(ctx, statusRequest()))
	},
	"ListInvocationResults": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.ListInvocationResults(ctx, resultsRequest()))
	},
	"ListCommands": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.ListCommands(ctx, ehpc.ListCommandsRequest{ClusterID: "ehpc-hz-1", PageNumber: 1, PageSize: 1}))
	},
	"ListClusters": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.ListClusters(ctx, ehpc.ListClustersRequest{PageNumber: 1, PageSize: 1}))
	},
	"DescribeCluster": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.DescribeCluster(ctx, ehpc.DescribeClusterRequest{ClusterID: "ehpc-hz-1"}))
	},
	"ListNodes": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.ListNodes(ctx, ehpc.ListNodesRequest{ClusterID: "ehpc-hz-1", PageNumber: 1, PageSize: 1}))
	},
	"ListNodesByQueue": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.ListNodesByQueue(ctx, ehpc.ListNodesByQueueRequest{ClusterID: "ehpc-hz-1", QueueName: "q", PageNumber: 1, PageSize: 1}))
	},
	"SubmitJob": func(ctx context.Context, c *ehpc.Client) error { return second(c.SubmitJob(ctx, jobRequest())) },
	"ListJobs": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.ListJobs(ctx, ehpc.ListJobsRequest{ClusterID: "ehpc-hz-1", PageNumber: 1, PageSize: 1}))
	},
	"DescribeJob": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.DescribeJob(ctx, ehpc.DescribeJobRequest{ClusterID: "ehpc-hz-1", JobID: "1"}))
	},
	"GetJobLog": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.GetJobLog(ctx, ehpc.GetJobLogRequest{ClusterID: "ehpc-hz-1", JobID: "1", Size: 1}))
	},
	"StopJobs": func(ctx context.Context, c *ehpc.Client) error {
		return second(c.StopJobs(ctx, ehpc.StopJobsRequest{ClusterID: "ehpc-hz-1", JobIDs: []string{"1"}}))
	},
}

func TestEveryActionReportsEveryCodeAlike(t *testing.T) {
	t.Parallel()
	for _, entry := range catalogue.Entries() {
		if entry.HTTP == 0 || entry.Code == catalogue.HTTPCode(407) {
			continue
		}
		t.Run(entry.Code, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"Code":%q,"Message":"as the service says it.","RequestId":"R-1","HostId":"h"}`, entry.Code)
			s := serveBody(t, entry.HTTP, body)
			c := connect(t, s.URL)
			for action, call := range calls {
				err := call(t.Context(), c)
				e := failure(t, err)
				require.Equal(t, entry.Code, e.Code, action)
				require.Equal(t, action, e.Action)
				require.Equal(t, entry.HTTP, e.HTTPStatus, action)
				require.Equal(t, ehpc.Judgement{
					Code: entry.Code, Read: entry.Class.Read, Submit: entry.Class.Submit, MayHaveRun: entry.Class.MayHaveRun,
				}, ehpc.Judge(err), action)
				require.Contains(t, err.Error(), fmt.Sprintf("%s (HTTP %d): as the service says it [request R-1]; ", entry.Code, entry.HTTP))
				require.NotContains(t, err.Error(), "<action>")
			}
			require.Len(t, s.received(), len(calls), "each was sent once")
		})
	}
}

func TestEveryActionRefusesAnAnswerWithoutWhatMatters(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "{}", "[]", "<html>", `{"Unrelated":1}`} {
		c := connect(t, serveBody(t, 200, body).URL)
		for action, call := range calls {
			require.Equal(t, catalogue.BadResponse, failure(t, call(t.Context(), c)).Code, "%s %q", action, body)
		}
	}
}
