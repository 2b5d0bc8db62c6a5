package ehpc_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// common are the parameters that every signed call carries.
var common = []string{
	"AccessKeyId", "Action", "Format", "RegionId", "Signature", "SignatureMethod", "SignatureNonce",
	"SignatureType", "SignatureVersion", "Timestamp", "Version",
}

func TestARequestCarriesItsParametersInASignedQuery(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		token string
		call  func(*ehpc.Client) error
		want  map[string]string
	}{
		"InvokeShellCommand": {
			call: func(c *ehpc.Client) error {
				in := submitRequest()
				in.Command, in.WorkingDir = "echo '*~+ %&=\"ü界'\n\tls", "/home/x"
				_, err := c.InvokeShellCommand(t.Context(), in)
				return err
			},
			want: map[string]string{
				"ClusterId": "ehpc-hz-1", "Command": "echo '*~+ %&=\"ü界'\n\tls", "WorkingDir": "/home/x", "Timeout": "60",
				"Instance.1.Id": "i-a", "Instance.2.Id": "i-b",
			},
		},
		"ListInvocationStatus": {
			token: token,
			call: func(c *ehpc.Client) error {
				_, err := c.ListInvocationStatus(t.Context(), statusRequest())
				return err
			},
			want: map[string]string{"ClusterId": "ehpc-hz-1", "CommandId": "c-1", "SecurityToken": token},
		},
		"ListInvocationResults": {
			call: func(c *ehpc.Client) error {
				_, err := c.ListInvocationResults(t.Context(), resultsRequest())
				return err
			},
			want: map[string]string{"ClusterId": "ehpc-hz-1", "CommandId": "c-1", "PageNumber": "1", "PageSize": "50"},
		},
		"ListNodes": {
			call: func(c *ehpc.Client) error {
				_, err := c.ListNodes(t.Context(), ehpc.ListNodesRequest{ClusterID: "ehpc-hz-1", PageNumber: 2, PageSize: 100})
				return err
			},
			want: map[string]string{"ClusterId": "ehpc-hz-1", "PageNumber": "2", "PageSize": "100"},
		},
		"ListNodesByQueue": {
			call: func(c *ehpc.Client) error {
				_, err := c.ListNodesByQueue(t.Context(), ehpc.ListNodesByQueueRequest{ClusterID: "ehpc-hz-1", QueueName: "gpu", PageNumber: 2, PageSize: 50})
				return err
			},
			want: map[string]string{"ClusterId": "ehpc-hz-1", "QueueName": "gpu", "PageNumber": "2", "PageSize": "50"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveBody(t, http.StatusOK, `{"CommandId":"c-1","InvokeStatus":"Running","TotalCount":0}`)
			var provider credentials.CredentialsProvider = credentials.NewStaticAKCredentialsProvider(keyID, keySecret)
			if tc.token != "" {
				provider = credentials.NewStaticSTSCredentialsProvider(keyID, keySecret, tc.token)
			}
			require.NoError(t, tc.call(connectAs(t, ehpc.Config{Endpoint: s.URL, Credentials: provider})))

			got := s.received()[0]
			query := got.URL.Query()
			require.Equal(t, http.MethodGet, got.Method)
			require.Equal(t, "/", got.URL.Path)
			for key, value := range tc.want {
				require.Equal(t, value, query.Get(key), key)
			}
			require.ElementsMatch(t, slices.Concat(common, slices.Collect(maps.Keys(tc.want))), slices.Collect(maps.Keys(query)))
			require.Equal(t, name, query.Get("Action"))
			require.Equal(t, "2018-04-12", query.Get("Version"))
			require.Equal(t, "JSON", query.Get("Format"))
			require.Equal(t, "cn-hangzhou", query.Get("RegionId"))
			require.Equal(t, signatureOf(http.MethodGet, query, keySecret), query.Get("Signature"))
		})
	}
}

func TestHTTPSIsMeantUnlessPlainHTTPIsSpelledOut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  ehpc.Config
		want string // endpoint, or the end of an error when it holds a space
	}{
		"region":        {ehpc.Config{Region: "cn-hangzhou"}, "https://ehpc.cn-hangzhou.aliyuncs.com"},
		"bare host":     {ehpc.Config{Endpoint: "ehpc-vpc.cn-beijing.aliyuncs.com"}, "https://ehpc-vpc.cn-beijing.aliyuncs.com"},
		"host and port": {ehpc.Config{Endpoint: "127.0.0.1:8765"}, "https://127.0.0.1:8765"},
		"https":         {ehpc.Config{Endpoint: "https://proxy.example/"}, "https://proxy.example"},
		"http":          {ehpc.Config{Endpoint: "http://127.0.0.1:8765"}, "http://127.0.0.1:8765"},
		"neither":       {ehpc.Config{}, "no region and no endpoint"},
		"other scheme":  {ehpc.Config{Endpoint: "ftp://x"}, "use https or http"},
		"user":          {ehpc.Config{Endpoint: "https://user:pw@x"}, "without user, path or query"},
		"path":          {ehpc.Config{Endpoint: "https://x/api"}, "without user, path or query"},
		"no host":       {ehpc.Config{Endpoint: "https://"}, "is not an address"},
		"nonsense":      {ehpc.Config{Endpoint: "http://[::1"}, "is not an address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.cfg.Credentials = credentials.NewStaticAKCredentialsProvider(keyID, keySecret)
			c, err := ehpc.New(tc.cfg)
			if strings.Contains(tc.want, " ") {
				require.ErrorContains(t, err, tc.want)
				require.NotContains(t, err.Error(), "pw")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, c.Endpoint())
		})
	}
}

func TestABadRequestIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, `{"CommandId":"c-1"}`)
	c := connect(t, s.URL)
	for name, change := range map[string]func(*ehpc.InvokeShellCommandRequest){
		"no nodes, which would mean every node": func(in *ehpc.InvokeShellCommandRequest) { in.InstanceIDs = nil },
		"an empty list":                         func(in *ehpc.InvokeShellCommandRequest) { in.InstanceIDs = []string{} },
		"an empty id":                           func(in *ehpc.InvokeShellCommandRequest) { in.InstanceIDs = []string{"i-a", "", "i-c"} },
		"only an empty id":                      func(in *ehpc.InvokeShellCommandRequest) { in.InstanceIDs = []string{""} },
		"too many":                              func(in *ehpc.InvokeShellCommandRequest) { in.InstanceIDs = slices.Repeat([]string{"i-a"}, 101) },
		"a short command":                       func(in *ehpc.InvokeShellCommandRequest) { in.Command = "w" },
		"a long command":                        func(in *ehpc.InvokeShellCommandRequest) { in.Command = strings.Repeat("界", 2049) },
		"a short timeout":                       func(in *ehpc.InvokeShellCommandRequest) { in.Timeout = 59 },
		"no cluster":                            func(in *ehpc.InvokeShellCommandRequest) { in.ClusterID = "" },
	} {
		in := submitRequest()
		change(&in)
		_, err := c.InvokeShellCommand(t.Context(), in)
		require.Equal(t, catalogue.BadRequest, failure(t, err).Code, name)
		require.Equal(t, catalogue.Never, ehpc.Judge(err).Submit, name)
		require.False(t, ehpc.Judge(err).MayHaveRun, name)
	}
	for _, err := range []error{
		second(c.ListInvocationStatus(t.Context(), ehpc.ListInvocationStatusRequest{ClusterID: "x"})),
		second(c.ListInvocationResults(t.Context(), ehpc.ListInvocationResultsRequest{ClusterID: "x", CommandID: "c", PageNumber: 0, PageSize: 1})),
		second(c.ListInvocationResults(t.Context(), ehpc.ListInvocationResultsRequest{ClusterID: "x", CommandID: "c", PageNumber: 1, PageSize: 51})),
		second(c.ListNodes(t.Context(), ehpc.ListNodesRequest{ClusterID: "x", PageNumber: 1, PageSize: 101})),
		second(c.ListNodes(t.Context(), ehpc.ListNodesRequest{PageNumber: 1, PageSize: 1})),
		second(c.ListNodesByQueue(t.Context(), ehpc.ListNodesByQueueRequest{ClusterID: "x", QueueName: "q", PageNumber: 1, PageSize: 51})),
		second(c.ListNodesByQueue(t.Context(), ehpc.ListNodesByQueueRequest{ClusterID: "x", QueueName: " ", PageNumber: 1, PageSize: 1})),
		second(c.ListNodesByQueue(t.Context(), ehpc.ListNodesByQueueRequest{QueueName: "q", PageNumber: 1, PageSize: 1})),
	} {
		require.Equal(t, catalogue.BadRequest, failure(t, err).Code)
	}
	require.Empty(t, s.received())

	in := submitRequest()
	in.Command = strings.Repeat("界", 2048)
	_, err := c.InvokeShellCommand(t.Context(), in)
	require.NoError(t, err, "characters are counted, not bytes")
}

func second[T any](_ T, err error) error { return err }
