package ehpcsim_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
)

const (
	clusterID = "ehpc-test"
	keyID     = "key"
	keySecret = "secret"
	soon      = 20 * time.Second
	often     = 10 * time.Millisecond
)

// bundle is a simulator that listens, with two nodes.
type bundle struct {
	*ehpcsim.Simulator
	t    testing.TB
	url  string
	ids  []string
	host string
}

func newBundle(tb testing.TB) *bundle {
	tb.Helper()
	return newBundleOf(tb, ehpcsim.Config{}, ehpcsim.DemoCluster(clusterID, 2))
}

func newBundleOf(tb testing.TB, cfg ehpcsim.Config, cluster ehpcsim.Cluster) *bundle {
	tb.Helper()
	cfg.Clusters = []ehpcsim.Cluster{cluster}
	cfg.AccessKeys = []ehpcsim.AccessKey{
		{ID: keyID, Secret: keySecret},
		{ID: "temporary", Secret: keySecret, SecurityToken: "token"},
	}
	sim, err := ehpcsim.New(cfg)
	require.NoError(tb, err)
	server, err := sim.Listen("127.0.0.1:0")
	require.NoError(tb, err)
	tb.Cleanup(func() {
		require.NoError(tb, server.Close())
		require.NoError(tb, sim.Close())
		require.NoError(tb, sim.Close(), "closing twice is allowed")
	})
	return &bundle{sim, tb, server.URL(), []string{cluster.Nodes[0].InstanceID, cluster.Nodes[1].InstanceID}, cluster.Nodes[0].HostName}
}

var nonces atomic.Int64

// signed completes and signs parameters as signature version 1 describes.
func signed(method string, params map[string]string) url.Values {
	query := url.Values{}
	for name, value := range map[string]string{
		"AccessKeyId": keyID, "Format": "JSON", "RegionId": "cn-hangzhou", "SignatureMethod": "HMAC-SHA1", "SignatureType": "",
		"SignatureVersion": "1.0", "Version": "2018-04-12", "ClusterId": clusterID,
		"SignatureNonce": "nonce-" + strconv.FormatInt(nonces.Add(1), 10),
		"Timestamp":      time.Now().UTC().Format("2006-01-02T15:04:05Z"),
	} {
		query.Set(name, value)
	}
	secret := keySecret
	for name, value := range params {
		switch {
		case name == "secret":
			secret = value
		case value == "-":
			query.Del(name)
		default:
			query.Set(name, value)
		}
	}
	var pairs []string
	for name := range query {
		pairs = append(pairs, encode(name)+"="+encode(query.Get(name)))
	}
	slices.Sort(pairs)
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(method + "&%2F&" + encode(strings.Join(pairs, "&"))))
	query.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return query
}

// encode keeps what RFC 3986 does not reserve.
func encode(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(strconv.FormatInt(int64(c)+0x100, 16)[1:]))
	}
	return b.String()
}

// answer is the union of all answers.
type answer struct {
	Code, Message, CommandID, InvokeStatus, JobID string
	TotalCount                                    int
	InstanceIDs                                   struct{ InstanceID []string }
	InvokeInstances                               struct {
		InvokeInstance []struct{ InstanceID, InstanceInvokeStatus string }
	}
	InvocationResults struct {
		InvocationResult []result
	}
	Commands struct {
		Command []struct{ CommandID, CommandContent string }
	}
	Jobs struct {
		JobInfo []struct{ ID, State string }
	}
	OutputLog, ErrorLog []byte
	Described           struct{ Message struct{ JobInfo string } } `json:"-"`
	Nodes               struct {
		NodeInfo []struct{ ID, HostName, Status string }
	}
}

type result struct {
	InstanceID, InvokeRecordStatus, Message, FinishedTime string
	ExitCode                                              int
	Success                                               bool
}

func (b *bundle) send(method string, query url.Values) (int, []byte, error) {
	b.t.Helper()
	var resp *http.Response
	var err error
	if method == http.MethodPost {
		resp, err = http.PostForm(b.url, query)
	} else {
		resp, err = http.Get(b.url + "/?" + query.Encode())
	}
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

func (b *bundle) call(action string, params map[string]string) (int, answer) {
	b.t.Helper()
	all := map[string]string{"Action": action}
	for name, value := range params {
		all[name] = value
	}
	status, body, err := b.send(http.MethodGet, signed(http.MethodGet, all))
	require.NoError(b.t, err)
	var got answer
	if status == http.StatusOK && action == "DescribeJob" { // whose Message is no text
		require.NoError(b.t, json.Unmarshal(body, &got.Described), string(body))
		return status, got
	}
	require.NoError(b.t, json.Unmarshal(body, &got), string(body))
	return status, got
}

// submit starts a command on the first node.
func (b *bundle) submit(command string, params map[string]string) string {
	b.t.Helper()
	all := map[string]string{"Command": command, "Instance.1.Id": b.ids[0]}
	for name, value := range params {
		all[name] = value
	}
	status, got := b.call("InvokeShellCommand", all)
	require.Equal(b.t, http.StatusOK, status, got.Message)
	return got.CommandID
}

func (b *bundle) results(commandID string) []result {
	b.t.Helper()
	_, got := b.call("ListInvocationResults", map[string]string{"CommandId": commandID})
	return got.InvocationResults.InvocationResult
}

// end waits until the command has ended on the first node.
func (b *bundle) end(commandID string) result {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		_, got := b.call("ListInvocationStatus", map[string]string{"CommandId": commandID})
		return got.InvokeStatus != "Running"
	}, soon, often)
	return b.results(commandID)[0]
}

func (b *bundle) run(command string) result {
	b.t.Helper()
	return b.end(b.submit(command, nil))
}
