// Package conformance drives the simulator with a client that was not written
// here: the last generated one of the vendor's SDK for API 2018-04-12.
package conformance

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ehpc"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
)

const clusterID = "ehpc-conform"

var (
	static    = ehpcsim.AccessKey{ID: "LTAIstatic", Secret: "static/secret+="}
	temporary = ehpcsim.AccessKey{ID: "STS.temporary", Secret: "temporary", SecurityToken: "CAIS/token+with=signs"}
)

func newSimulator(t *testing.T) (*ehpcsim.Simulator, string) {
	t.Helper()
	cluster := ehpcsim.DemoCluster(clusterID, 3)
	cluster.Nodes[1].Queue = "gpu"
	sim, err := ehpcsim.New(ehpcsim.Config{
		Clusters:   []ehpcsim.Cluster{cluster},
		AccessKeys: []ehpcsim.AccessKey{static, temporary},
	})
	require.NoError(t, err)
	server, err := sim.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.NoError(t, sim.Close())
	})
	return sim, strings.TrimPrefix(server.URL(), "http://")
}

// making keeps clients from being made side by side: the SDK races on a global map.
var making sync.Mutex

func newClient(tb testing.TB, address string, credential auth.Credential) *ehpc.Client {
	tb.Helper()
	making.Lock()
	defer making.Unlock()
	client, err := ehpc.NewClientWithOptions("cn-hangzhou", sdk.NewConfig().WithScheme("HTTP"), credential)
	require.NoError(tb, err)
	client.Domain = address
	return client
}

func staticCredential() auth.Credential {
	return credentials.NewAccessKeyCredential(static.ID, static.Secret)
}

func invoke(command string, instances ...string) *ehpc.InvokeShellCommandRequest {
	request := ehpc.CreateInvokeShellCommandRequest()
	request.ClusterId, request.Command, request.Timeout = clusterID, command, "60"
	if len(instances) > 0 {
		var list []ehpc.InvokeShellCommandInstance
		for _, id := range instances {
			list = append(list, ehpc.InvokeShellCommandInstance{Id: id})
		}
		request.Instance = &list
	}
	return request
}

func status(commandID string) *ehpc.ListInvocationStatusRequest {
	request := ehpc.CreateListInvocationStatusRequest()
	request.ClusterId, request.CommandId = clusterID, commandID
	return request
}

func TestACommandRunsFromTheGeneratedClient(t *testing.T) {
	t.Parallel()
	for name, credential := range map[string]auth.Credential{
		"static":    staticCredential(),
		"temporary": credentials.NewStsTokenCredential(temporary.ID, temporary.Secret, temporary.SecurityToken),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, address := newSimulator(t)
			client := newClient(t, address, credential)
			const text = "echo 'ü*~+ %&=\"界'; exit 3 # a comment"
			submitted, err := client.InvokeShellCommand(invoke(text, "i-sim000000000001", "i-sim000000000003"))
			require.NoError(t, err)
			require.NotEmpty(t, submitted.RequestId)
			require.Equal(t, []string{"i-sim000000000001", "i-sim000000000003"}, submitted.InstanceIds.InstanceId)

			require.Eventually(t, func() bool {
				got, err := client.ListInvocationStatus(status(submitted.CommandId))
				require.NoError(t, err)
				require.Len(t, got.InvokeInstances.InvokeInstance, 2)
				return got.InvokeStatus == "Finished"
			}, 20*time.Second, 20*time.Millisecond)

			results := ehpc.CreateListInvocationResultsRequest()
			results.ClusterId, results.CommandId, results.PageSize, results.PageNumber = clusterID, submitted.CommandId, "1", "2"
			got, err := client.ListInvocationResults(results)
			require.NoError(t, err)
			require.Equal(t, 2, got.TotalCount)
			require.Len(t, got.InvocationResults.InvocationResult, 1)
			record := got.InvocationResults.InvocationResult[0]
			require.Equal(t, "i-sim000000000003", record.InstanceId)
			require.Equal(t, 3, record.ExitCode)
			require.Equal(t, "ü*~+ %&=\"界\n", record.Message)
			require.True(t, record.Success)

			commands := ehpc.CreateListCommandsRequest()
			commands.ClusterId = clusterID
			listed, err := client.ListCommands(commands)
			require.NoError(t, err)
			require.Equal(t, text, listed.Commands.Command[0].CommandContent, "verbatim")
			require.Equal(t, "60", listed.Commands.Command[0].Timeout)
		})
	}
}

func TestClustersAndNodesAreReadByTheGeneratedClient(t *testing.T) {
	t.Parallel()
	_, address := newSimulator(t)
	client := newClient(t, address, staticCredential())
	clusters, err := client.ListClusters(ehpc.CreateListClustersRequest())
	require.NoError(t, err)
	require.Equal(t, clusterID, clusters.Clusters.ClusterInfoSimple[0].Id)
	require.Equal(t, 3, clusters.Clusters.ClusterInfoSimple[0].Computes.NormalCount)

	describe := ehpc.CreateDescribeClusterRequest()
	describe.ClusterId = clusterID
	cluster, err := client.DescribeCluster(describe)
	require.NoError(t, err)
	require.Equal(t, "running", cluster.ClusterInfo.Status)

	nodes := ehpc.CreateListNodesRequest()
	nodes.ClusterId, nodes.PageSize = clusterID, "100"
	listed, err := client.ListNodes(nodes)
	require.NoError(t, err)
	require.Len(t, listed.Nodes.NodeInfo, 3)
	require.Equal(t, "compute002", listed.Nodes.NodeInfo[2].HostName)
	require.Equal(t, []string{"Compute"}, listed.Nodes.NodeInfo[2].Roles.Role)

	queue := ehpc.CreateListNodesByQueueRequest()
	queue.ClusterId, queue.QueueName, queue.PageSize = clusterID, "gpu", "50"
	serving, err := client.ListNodesByQueue(queue)
	require.NoError(t, err)
	require.Equal(t, 1, serving.TotalCount)
	require.Equal(t, "compute001", serving.Nodes.NodeInfo[0].HostName)
	require.Equal(t, []string{"Compute"}, serving.Nodes.NodeInfo[0].Roles.Role)
}

func TestJobsAreSubmittedReadAndStoppedByTheGeneratedClient(t *testing.T) {
	t.Parallel()
	_, address := newSimulator(t)
	client := newClient(t, address, staticCredential())
	var ids []string
	for range 4 {
		submit := ehpc.CreateSubmitJobRequest()
		submit.ClusterId, submit.CommandLine, submit.RunasUser = clusterID, "./solve", "user1"
		submit.JobQueue = "nowhere" // so that it waits
		submitted, err := client.SubmitJob(submit)
		require.NoError(t, err)
		ids = append(ids, submitted.JobId)
	}
	list := ehpc.CreateListJobsRequest()
	list.ClusterId, list.State = clusterID, "notfinish"
	listed, err := client.ListJobs(list)
	require.NoError(t, err)
	require.Equal(t, 4, listed.TotalCount)
	require.Equal(t, "QUEUED", listed.Jobs.JobInfo[0].State)

	describe := ehpc.CreateDescribeJobRequest()
	describe.ClusterId, describe.JobId = clusterID, ids[0]
	described, err := client.DescribeJob(describe)
	require.NoError(t, err)
	require.Contains(t, described.Message.JobInfo, ids[0])

	stop := ehpc.CreateStopJobsRequest()
	stop.ClusterId, stop.Jobs = clusterID, `[{"Id":"`+ids[0]+`"}]`
	_, err = client.StopJobs(stop)
	require.NoError(t, err)
	listed, err = client.ListJobs(list)
	require.NoError(t, err)
	require.Equal(t, 3, listed.TotalCount)
}

func TestXMLIsReadByTheGeneratedClient(t *testing.T) {
	t.Parallel()
	_, address := newSimulator(t)
	client := newClient(t, address, staticCredential())
	submitted, err := client.InvokeShellCommand(invoke("echo hi"))
	require.NoError(t, err)
	request := status(submitted.CommandId)
	request.AcceptFormat = "XML"
	got, err := client.ListInvocationStatus(request)
	require.NoError(t, err)
	require.Equal(t, submitted.CommandId, got.CommandId)
	require.Len(t, got.InvokeInstances.InvokeInstance, 3)
}

// calls is every action that the generated client shares with the simulator.
var calls = map[string]func(*ehpc.Client) error{
	"InvokeShellCommand": func(c *ehpc.Client) error { _, err := c.InvokeShellCommand(invoke("echo hi")); return err },
	"ListInvocationStatus": func(c *ehpc.Client) error {
		_, err := c.ListInvocationStatus(status("c-1"))
		return err
	},
	"ListInvocationResults": func(c *ehpc.Client) error {
		request := ehpc.CreateListInvocationResultsRequest()
		request.ClusterId, request.CommandId = clusterID, "c-1"
		_, err := c.ListInvocationResults(request)
		return err
	},
	"ListCommands": func(c *ehpc.Client) error {
		request := ehpc.CreateListCommandsRequest()
		request.ClusterId = clusterID
		_, err := c.ListCommands(request)
		return err
	},
	"ListClusters": func(c *ehpc.Client) error {
		_, err := c.ListClusters(ehpc.CreateListClustersRequest())
		return err
	},
	"DescribeCluster": func(c *ehpc.Client) error {
		request := ehpc.CreateDescribeClusterRequest()
		request.ClusterId = clusterID
		_, err := c.DescribeCluster(request)
		return err
	},
	"ListNodes": func(c *ehpc.Client) error {
		request := ehpc.CreateListNodesRequest()
		request.ClusterId = clusterID
		_, err := c.ListNodes(request)
		return err
	},
	"ListNodesByQueue": func(c *ehpc.Client) error {
		request := ehpc.CreateListNodesByQueueRequest()
		request.ClusterId, request.QueueName = clusterID, "gpu"
		_, err := c.ListNodesByQueue(request)
		return err
	},
	"SubmitJob": func(c *ehpc.Client) error {
		request := ehpc.CreateSubmitJobRequest()
		request.ClusterId, request.CommandLine, request.RunasUser = clusterID, "./solve", "user1"
		_, err := c.SubmitJob(request)
		return err
	},
	"ListJobs": func(c *ehpc.Client) error {
		request := ehpc.CreateListJobsRequest()
		request.ClusterId = clusterID
		_, err := c.ListJobs(request)
		return err
	},
	"DescribeJob": func(c *ehpc.Client) error {
		request := ehpc.CreateDescribeJobRequest()
		request.ClusterId, request.JobId = clusterID, "1"
		_, err := c.DescribeJob(request)
		return err
	},
	"StopJobs": func(c *ehpc.Client) error {
		request := ehpc.CreateStopJobsRequest()
		request.ClusterId, request.Jobs = clusterID, `[{"Id":"1"}]`
		_, err := c.StopJobs(request)
		return err
	},
}

func TestEveryErrorOfEveryActionIsReadByTheGeneratedClient(t *testing.T) {
	t.Parallel()
	for code, status := range map[string]int{
		"InvalidParams": 400, "NotEnabled": 400, "InDebt": 400, "InvalidClusterStatus": 403, "ConflictOpt": 403, "ClusterNotFound": 404,
		"ObjectNotFound": 404, "NotAuthorized": 407, "EcsError": 406, "AgentError": 406, "AliyunError": 406, "PartFailure": 409,
		"UnknownError": 500, "ServiceUnavailable": 503, "ManagerNotFound": 404, "DbError": 406, "InternalError": 500,
		"Throttling": 400, "Throttling.User": 400, "Throttling.Api": 400, "SignatureNonceUsed": 400, "Forbidden.RAM": 403, "NoPermission": 403,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			sim, address := newSimulator(t)
			sim.Inject(ehpcsim.Fault{Code: code, Times: -1})
			client := newClient(t, address, staticCredential())
			for action, call := range calls {
				requireServerError(t, call(client), code, status, action)
			}
		})
	}
}

func TestTheGatewaysRefusalsAreReadByTheGeneratedClient(t *testing.T) {
	t.Parallel()
	_, address := newSimulator(t)
	for code, tc := range map[string]struct {
		credential auth.Credential
		status     int
	}{
		"SignatureDoesNotMatch":          {credentials.NewAccessKeyCredential(static.ID, "another"), 400},
		"InvalidAccessKeyId.NotFound":    {credentials.NewAccessKeyCredential("nobody", "another"), 404},
		"InvalidSecurityToken.Malformed": {credentials.NewStsTokenCredential(temporary.ID, temporary.Secret, "another"), 400},
	} {
		requireServerError(t, calls["ListNodes"](newClient(t, address, tc.credential)), code, tc.status, code)
	}
	unknown := requests.NewCommonRequest()
	unknown.Product, unknown.Version, unknown.ApiName, unknown.Domain, unknown.Scheme = "EHPC", "2018-04-12", "Dance", address, "HTTP"
	_, err := newClient(t, address, staticCredential()).ProcessCommonRequest(unknown)
	requireServerError(t, err, "InvalidAction.NotFound", 404, "an unknown action")
}

func requireServerError(t *testing.T, err error, code string, status int, about string) {
	t.Helper()
	var e *sdkerrors.ServerError
	require.True(t, errors.As(err, &e), "%s: %v", about, err)
	require.Equal(t, code, e.ErrorCode(), about)
	require.Equal(t, status, e.HttpStatus(), about)
	require.NotEmpty(t, e.RequestId(), about)
	require.NotEmpty(t, e.HostId(), about)
}

// BenchmarkCall is what one call costs beside the network; its namesake in the
// client's own package answers it. See make bench-client.
func BenchmarkCall(b *testing.B) {
	const body = `{"RequestId":"R","CommandId":"c-1","InvokeStatus":"Running","InvokeInstances":{"InvokeInstance":[` +
		`{"InstanceId":"i-a","InstanceInvokeStatus":"Running"},{"InstanceId":"i-b","InstanceInvokeStatus":"Finished"}]}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
	b.Cleanup(server.Close)
	client := newClient(b, strings.TrimPrefix(server.URL, "http://"), staticCredential())
	b.ReportAllocs()
	for b.Loop() {
		got, err := client.ListInvocationStatus(status("c-1"))
		if err != nil || got.InvokeStatus != "Running" {
			b.Fatal(got, err)
		}
	}
}
