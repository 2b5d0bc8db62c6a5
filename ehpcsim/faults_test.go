package ehpcsim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
)

func TestFaultsAreReadFromAFile(t *testing.T) {
	t.Parallel()
	got, err := ehpcsim.ReadFaults(strings.NewReader(`
quota: 20
listLate: 5s
faults:
  - action: ListInvocationStatus
    code: ServiceUnavailable
    probability: 0.1
    times: -1
  - node: i-a
    drop: after
    delay: 250ms
  - twice: true
    body: double
`))
	require.NoError(t, err)
	require.Equal(t, ehpcsim.Faults{
		Quota: 20, ListLate: 5 * time.Second,
		Faults: []ehpcsim.Fault{
			{Action: "ListInvocationStatus", Code: "ServiceUnavailable", Probability: 0.1, Times: -1},
			{Node: "i-a", Drop: ehpcsim.DropAfter, Delay: 250 * time.Millisecond},
			{Twice: true, Body: ehpcsim.DoubleBody},
		},
	}, got)
	for text, says := range map[string]string{
		"faults: [{action: Dance}]":      `number 1: there is no action "Dance"`,
		"faults: [{code: Tired}]":        `there is no code "Tired"`,
		"faults: [{drop: sometimes}]":    `drop is "sometimes"`,
		"faults: [{body: none}]":         `body is "none"`,
		"faults: [{probability: 2}]":     "probability is 2",
		"faults: [{delay: -1s}]":         "a negative delay",
		"quota: -1":                      "a negative quota",
		"falts: []":                      "field falts not found",
		"faults: [{action: [1, 2]}]":     "cannot unmarshal",
		"faults: [{delay: for a while}]": "cannot unmarshal",
	} {
		_, err := ehpcsim.ReadFaults(strings.NewReader(text))
		require.ErrorContains(t, err, says)
	}
	_, err = ehpcsim.ReadFaults(strings.NewReader(""))
	require.NoError(t, err, "an empty file is no fault")
}

func TestAFaultOfANodeHitsOnlyWhatNamesIt(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Inject(ehpcsim.Fault{Node: b.ids[1], Code: "AgentError", Times: -1})
	b.submit("echo hi", nil)
	status, got := b.call("InvokeShellCommand", map[string]string{"Command": "echo hi", "Instance.1.Id": b.ids[1]})
	require.Equal(t, http.StatusNotAcceptable, status)
	require.Equal(t, "AgentError", got.Code)
}

func TestAFaultHitsWithItsProbability(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Inject(ehpcsim.Fault{Code: "UnknownError", Probability: 0.3, Times: -1})
	hit := 0
	for range 300 {
		if status, _ := b.call("ListNodes", nil); status == http.StatusInternalServerError {
			hit++
		}
	}
	require.InDelta(t, 90, hit, 45)
}

func TestAnAnswerCanBeCutDoubledOrReplaced(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Inject(ehpcsim.Fault{Body: ehpcsim.HalfBody})
	_, _, err := b.send(http.MethodGet, signed(http.MethodGet, map[string]string{"Action": "ListNodes"}))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	b.Inject(ehpcsim.Fault{Body: ehpcsim.GarbageBody})
	status, body, err := b.send(http.MethodGet, signed(http.MethodGet, map[string]string{"Action": "ListNodes"}))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, string(body), "<html>")
	b.Inject(ehpcsim.Fault{Body: ehpcsim.DoubleBody})
	_, body, err = b.send(http.MethodGet, signed(http.MethodGet, map[string]string{"Action": "ListNodes"}))
	require.NoError(t, err)
	half := string(body)[:len(body)/2]
	require.Equal(t, half+half, string(body))
	require.True(t, json.Valid([]byte(half)))
}

func TestAnActionCanBeDoneTwiceForOneRequest(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Twice: true})
	answered := b.submit("echo hi", nil)
	_, got := b.call("ListCommands", nil)
	require.Len(t, got.Commands.Command, 2)
	require.Equal(t, answered, got.Commands.Command[0].CommandID, "the second, which is listed first, was answered")
	require.Equal(t, 1, b.Requests("InvokeShellCommand"))
	require.Equal(t, 2, b.Executions(b.ids[0]))
}

func TestFaultsThatHitAreCounted(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Inject(ehpcsim.Fault{Code: "ConflictOpt", Times: 2})
	b.Inject(ehpcsim.Fault{Body: ehpcsim.DoubleBody, Twice: true})
	for range 4 {
		_, _, err := b.send(http.MethodGet, signed(http.MethodGet, map[string]string{"Action": "ListNodes"}))
		require.NoError(t, err)
	}
	require.Equal(t, map[string]int{"ConflictOpt": 2, "body double, twice": 1}, b.Stats().Faults)
}

func TestEveryDocumentedCodeCanBeAFault(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	require.Greater(t, len(ehpcsim.DocumentedCodes()), 40)
	for _, code := range ehpcsim.DocumentedCodes() {
		b.Inject(ehpcsim.Fault{Code: code})
		_, got := b.call("ListNodes", nil)
		require.Equal(t, code, got.Code)
	}
}

func TestAQuotaThrottlesWhatIsOverIt(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.SetFaults(ehpcsim.Faults{Quota: 2})
	throttled := 0
	for range 10 {
		if _, got := b.call("ListNodes", nil); got.Code == "Throttling.User" {
			throttled++
		}
	}
	require.GreaterOrEqual(t, throttled, 5)
	require.Equal(t, throttled, b.Stats().Throttled)
	resp, err := http.Get(b.url + "/?" + signed(http.MethodGet, map[string]string{"Action": "ListNodes"}).Encode())
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Regexp(t, `^Limit:2,Remain:0,TimeLeft:\d+,Reset:0$`, resp.Header.Get("x-ratelimit-user"))
}

func TestTheAdminAddressCountsAndChangesFaults(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	admin, err := b.ListenAdmin("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, admin.Close()) })
	ask := func(method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, admin.URL()+path, strings.NewReader(body))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close() //nolint:errcheck // read to its end
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text)
	}

	b.run("echo hi")
	_, stats := ask(http.MethodGet, "/stats", "")
	require.Contains(t, stats, `"InvokeShellCommand":1`)
	require.Contains(t, stats, `"`+b.ids[0]+`":1`)
	_, metrics := ask(http.MethodGet, "/metrics", "")
	require.Contains(t, metrics, `ehpcsim_requests_total{action="InvokeShellCommand"} 1`)
	require.Contains(t, metrics, `ehpcsim_executions_total{instance_id="`+b.ids[0]+`"} 1`)
	require.Contains(t, metrics, "ehpcsim_running_executions 0")

	status, _ := ask(http.MethodPut, "/faults", "faults: [{code: InDebt, times: -1}]")
	require.Equal(t, http.StatusNoContent, status)
	_, got := b.call("ListNodes", nil)
	require.Equal(t, "InDebt", got.Code)
	status, says := ask(http.MethodPut, "/faults", "faults: [{code: Tired}]")
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, says, "Tired")
	status, _ = ask(http.MethodDelete, "/faults", "")
	require.Equal(t, http.StatusNoContent, status)
	_, got = b.call("ListNodes", nil)
	require.Empty(t, got.Code)
}

func TestAFaultThatCannotBeIsAMistakeOfTheTest(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	require.PanicsWithValue(t, `ehpcsim: there is no code "Tired"`, func() { b.Inject(ehpcsim.Fault{Code: "Tired"}) })
}

func TestTheExampleIsAFaultFile(t *testing.T) {
	t.Parallel()
	file, err := os.Open("../examples/faults.yaml")
	require.NoError(t, err)
	defer file.Close() //nolint:errcheck // only read from
	faults, err := ehpcsim.ReadFaults(file)
	require.NoError(t, err)
	require.Len(t, faults.Faults, 7)
}
