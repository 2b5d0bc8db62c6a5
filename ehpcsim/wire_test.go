package ehpcsim_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
)

func TestOnlySignedCallsAreTaken(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	stamp := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05Z") }
	for name, tc := range map[string]struct {
		params map[string]string
		status int
		code   string
	}{
		"good":             {nil, 200, ""},
		"wrong secret":     {map[string]string{"secret": "other"}, 400, "SignatureDoesNotMatch"},
		"unknown key":      {map[string]string{"AccessKeyId": "nobody"}, 404, "InvalidAccessKeyId.NotFound"},
		"no key":           {map[string]string{"AccessKeyId": "-"}, 400, "MissingAccessKeyId"},
		"other method":     {map[string]string{"SignatureMethod": "HMAC-MD5"}, 400, "IncompleteSignature"},
		"old":              {map[string]string{"Timestamp": stamp(-16 * time.Minute)}, 400, "InvalidTimeStamp.Expired"},
		"from the future":  {map[string]string{"Timestamp": stamp(16 * time.Minute)}, 400, "InvalidTimeStamp.Expired"},
		"a little old":     {map[string]string{"Timestamp": stamp(-14 * time.Minute)}, 200, ""},
		"no time":          {map[string]string{"Timestamp": "yesterday"}, 400, "InvalidTimeStamp.Format"},
		"with token":       {map[string]string{"AccessKeyId": "temporary", "SecurityToken": "token"}, 200, ""},
		"token missing":    {map[string]string{"AccessKeyId": "temporary"}, 400, "InvalidSecurityToken.Malformed"},
		"token unexpected": {map[string]string{"SecurityToken": "token"}, 400, "InvalidSecurityToken.Malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, got := b.call("ListNodes", tc.params)
			require.Equal(t, tc.status, status)
			require.Equal(t, tc.code, got.Code)
			require.NotContains(t, got.Message, keySecret)
		})
	}
}

func TestARequestIsTakenOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	query := signed(http.MethodGet, map[string]string{"Action": "InvokeShellCommand", "Command": "echo hi", "Instance.1.Id": b.ids[0]})
	status, _, err := b.send(http.MethodGet, query)
	require.NoError(t, err)
	require.Equal(t, 200, status)
	status, body, err := b.send(http.MethodGet, query)
	require.NoError(t, err)
	require.Equal(t, 400, status)
	require.Contains(t, string(body), "SignatureNonceUsed")
	require.Equal(t, 1, b.Executions(b.ids[0]))
}

func TestAFormIsTakenAsWell(t *testing.T) {
	t.Parallel()
	status, body, err := newBundle(t).send(http.MethodPost, signed(http.MethodPost, map[string]string{"Action": "ListNodes"}))
	require.NoError(t, err)
	require.Equal(t, 200, status, string(body))
}

func TestBadParametersAreRefusedAsDocumented(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.SetNodeStatus(clusterID, b.ids[1], "stopped")
	type p = map[string]string
	for name, tc := range map[string]struct {
		action string
		params p
		status int
		code   string
		says   string
	}{
		"unknown action":  {"Dance", nil, 404, "InvalidAction.NotFound", ""},
		"wrong version":   {"ListNodes", p{"Version": "2024-07-30"}, 404, "InvalidVersion", ""},
		"no cluster":      {"ListNodes", p{"ClusterId": "-"}, 400, "MissingClusterId", ""},
		"other cluster":   {"InvokeShellCommand", p{"ClusterId": "x", "Command": "ls"}, 404, "ClusterNotFound", ""},
		"no command":      {"InvokeShellCommand", p{"Command": "-"}, 400, "MissingCommand", ""},
		"short":           {"InvokeShellCommand", p{"Command": "w"}, 400, "InvalidParams", "Command"},
		"long":            {"InvokeShellCommand", p{"Command": strings.Repeat("é", 2049)}, 400, "InvalidParams", "Command"},
		"no timeout":      {"InvokeShellCommand", p{"Command": "ls", "Timeout": "0"}, 400, "InvalidParams", "Timeout"},
		"odd timeout":     {"InvokeShellCommand", p{"Command": "ls", "Timeout": "soon"}, 400, "InvalidParams", "Timeout"},
		"unknown node":    {"InvokeShellCommand", p{"Command": "ls", "Instance.1.Id": b.ids[0], "Instance.7.Id": "i-x"}, 400, "InvalidParams", "Instance.7.Id"},
		"an empty node":   {"InvokeShellCommand", p{"Command": "ls", "Instance.1.Id": ""}, 400, "InvalidParams", "Instance.1.Id"},
		"an odd node":     {"InvokeShellCommand", p{"Command": "ls", "Instance.one.Id": b.ids[0]}, 400, "InvalidParams", "Instance.one.Id"},
		"a stopped node":  {"InvokeShellCommand", p{"Command": "ls"}, 400, "InvalidParams", b.ids[1] + " is stopped"},
		"unknown command": {"ListInvocationStatus", p{"CommandId": "c-x"}, 404, "ObjectNotFound", ""},
		"no command id":   {"ListInvocationResults", nil, 400, "MissingCommandId", ""},
		"page 0":          {"ListNodes", p{"PageNumber": "0"}, 400, "InvalidParams", "PageNumber"},
		"large page":      {"ListNodes", p{"PageSize": "101"}, 400, "InvalidParams", "PageSize"},
		"no queue":        {"ListNodesByQueue", nil, 400, "MissingQueueName", ""},
		"no such cluster": {"ListNodesByQueue", p{"ClusterId": "x", "QueueName": "q"}, 404, "ClusterNotFound", ""},
		"long queue page": {"ListNodesByQueue", p{"QueueName": "q", "PageSize": "51"}, 400, "InvalidParams", "PageSize"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, got := b.call(tc.action, tc.params)
			require.Equal(t, tc.status, status)
			require.Equal(t, tc.code, got.Code)
			require.Contains(t, got.Message, tc.says)
		})
	}
	t.Cleanup(func() { require.Zero(t, b.Executions(b.ids[0]), "one unfit node refuses the whole call") })
}

func TestACommandWithoutNodesIsForAllOfThem(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	_, got := b.call("InvokeShellCommand", map[string]string{"Command": "[ $HOSTNAME != compute001 ]"})
	require.Equal(t, b.ids, got.InstanceIDs.InstanceID)
	b.end(got.CommandID)
	require.Equal(t, []int{0, 1}, []int{b.results(got.CommandID)[0].ExitCode, b.results(got.CommandID)[1].ExitCode})
}

func TestResultsComeInPages(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	_, submitted := b.call("InvokeShellCommand", map[string]string{"Command": "echo $EHPC_INSTANCE_ID"})
	b.end(submitted.CommandID)
	for page, want := range map[string][]string{"1": b.ids[:1], "2": b.ids[1:], "3": nil} {
		_, got := b.call("ListInvocationResults", map[string]string{"CommandId": submitted.CommandID, "PageSize": "1", "PageNumber": page})
		require.Equal(t, 2, got.TotalCount)
		var ids []string
		for _, r := range got.InvocationResults.InvocationResult {
			ids = append(ids, r.InstanceID)
		}
		require.Equal(t, want, ids)
	}
	_, got := b.call("ListInvocationResults", map[string]string{"CommandId": submitted.CommandID, "Instance.1.Id": b.ids[1]})
	require.Equal(t, 1, got.TotalCount)
}

func TestAnswersHaveTheKeysOfTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	id := b.submit("echo hi", nil)
	b.end(id)
	for action, example := range map[string]string{
		"InvokeShellCommand":    "InvokeShellCommand.ok.json",
		"ListInvocationStatus":  "ListInvocationStatus.finished.json",
		"ListInvocationResults": "ListInvocationResults.ok.json",
		"ListNodes":             "ListNodes.ok.json",
		"Error":                 "err-404-ClusterNotFound.json",
	} {
		params := map[string]string{"Action": action, "CommandId": id, "Command": "echo hi", "Instance.1.Id": b.ids[0]}
		if action == "Error" {
			params["Action"], params["ClusterId"] = "ListNodes", "nowhere"
		}
		_, body, err := b.send(http.MethodGet, signed(http.MethodGet, params))
		require.NoError(t, err)
		want, err := os.ReadFile(filepath.Join("testdata", "wire", example))
		require.NoError(t, err)
		require.Equal(t, keys(t, want), keys(t, body), action)
	}
}

// keys lists the paths of a JSON text's keys, through the first element of lists.
func keys(t *testing.T, text []byte) []string {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(text, &value), string(text))
	found := make(map[string]bool)
	var walk func(string, any)
	walk = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for key, inner := range v {
				found[path+"/"+key] = true
				walk(path+"/"+key, inner)
			}
		case []any:
			walk(path, v[0])
		}
	}
	walk("", value)
	return slices.Sorted(maps.Keys(found))
}

func TestTheSimulatorListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.168.1.1:0", "localhost:0", "nonsense"} {
		_, err := b.Listen(addr)
		require.ErrorContains(t, err, "loopback", addr)
	}
}

func TestFaultsHitInTheirTurn(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	params := map[string]string{"Action": "InvokeShellCommand", "Command": "echo hi", "Instance.1.Id": b.ids[0]}
	b.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Code: "ConflictOpt", Times: 2})
	b.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Drop: ehpcsim.DropBefore})
	b.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Drop: ehpcsim.DropAfter})
	for range 2 {
		status, got := b.call("InvokeShellCommand", params)
		require.Equal(t, 403, status)
		require.Equal(t, "ConflictOpt", got.Code)
	}
	status, _ := b.call("ListNodes", nil)
	require.Equal(t, 200, status, "other actions are not hit")
	require.Zero(t, b.Executions(b.ids[0]))

	dropped := func() {
		_, _, err := b.send(http.MethodPost, signed(http.MethodPost, params)) // a POST is not replayed
		require.Error(t, err)
	}
	dropped()
	require.Zero(t, b.Executions(b.ids[0]), "dropped before it was done")
	dropped()
	require.Equal(t, 1, b.Executions(b.ids[0]), "dropped after it was done")
	b.submit("echo hi", nil)
	require.Equal(t, 5, b.Requests("InvokeShellCommand"))
}

func TestADelayComesAfterTheAction(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Inject(ehpcsim.Fault{Delay: time.Hour})
	answered := make(chan error, 1)
	query := signed(http.MethodGet, map[string]string{"Action": "InvokeShellCommand", "Command": "echo hi", "Instance.1.Id": b.ids[0]})
	go func() {
		_, _, err := b.send(http.MethodGet, query)
		answered <- err
	}()
	require.Eventually(t, func() bool { return b.Executions(b.ids[0]) == 1 }, soon, often)
	select {
	case err := <-answered:
		require.NoError(t, errors.Join(err, errors.New("answered too early")))
	default:
	}
	require.NoError(t, b.Close(), "closing cuts the delay short")
	require.NoError(t, <-answered)
}

func TestABadSetUpIsRefused(t *testing.T) {
	t.Parallel()
	keys := []ehpcsim.AccessKey{ehpcsim.NewAccessKey()}
	for want, cfg := range map[string]ehpcsim.Config{
		"access key":       {},
		`cluster id ".."`:  {AccessKeys: keys, Clusters: []ehpcsim.Cluster{{ID: ".."}}},
		`instance id "a/"`: {AccessKeys: keys, Clusters: []ehpcsim.Cluster{{ID: "c", Nodes: []ehpcsim.Node{{InstanceID: "a/"}}}}},
	} {
		_, err := ehpcsim.New(cfg)
		require.ErrorContains(t, err, want)
	}
	require.NotEqual(t, ehpcsim.NewAccessKey(), ehpcsim.NewAccessKey())
}
