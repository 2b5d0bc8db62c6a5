package ehpc_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

func TestASubmitIsReadInEveryShapeOfItsNodes(t *testing.T) {
	t.Parallel()
	both := []string{"i-bp1aaaa0000000000001", "i-bp1bbbb0000000000002"}
	for file, ids := range map[string][]string{
		"InvokeShellCommand.ok.json":                   both,
		"InvokeShellCommand.variant-flat.json":         both,
		"InvokeShellCommand.variant-json-string.json":  both,
		"InvokeShellCommand.variant-nested-array.json": both,
		"InvokeShellCommand.variant-no-ids.json":       nil,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := serveBody(t, http.StatusOK, wire(t, file))
			got, err := connect(t, s.URL).InvokeShellCommand(t.Context(), submitRequest())
			require.NoError(t, err)
			require.Equal(t, "c-hz0aaaa000001", got.CommandID, "an accepted command is never lost over a shape")
			require.Equal(t, ids, got.InstanceIDs)
			require.NotEmpty(t, got.RequestID)
		})
	}
}

func TestACommandThatWasAcceptedIsNotTakenForRefused(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, `{"Code":"ConflictOpt","CommandId":"c-1"}`)
	got, err := connect(t, s.URL).InvokeShellCommand(t.Context(), submitRequest())
	require.NoError(t, err, "sending it again would run it twice")
	require.Equal(t, "c-1", got.CommandID)
}

func TestAStatusIsReadInEveryShape(t *testing.T) {
	t.Parallel()
	const a, b = "i-bp1aaaa0000000000001", "i-bp1bbbb0000000000002"
	type nodes = []ehpc.InvokeInstance
	for file, tc := range map[string]struct {
		overall string
		nodes   nodes
	}{
		"ListInvocationStatus.running.json":               {"Running", nodes{{a, "Running"}, {b, "Finished"}}},
		"ListInvocationStatus.finished.json":              {"Finished", nodes{{a, "Finished"}, {b, "Finished"}}},
		"ListInvocationStatus.partial.json":               {"Finished", nodes{{a, "Finished"}, {b, "Failed"}}},
		"ListInvocationStatus.failed.json":                {"Failed", nodes{{a, "Failed"}, {b, "Failed"}}},
		"ListInvocationStatus.stopped.json":               {"Stopped", nodes{{a, "Stopped"}, {b, "Stopped"}}},
		"ListInvocationStatus.unknown-values.json":        {"PartialFailed", nodes{{a, "Pending"}, {b, "Terminated"}}},
		"ListInvocationStatus.empty-instances.json":       {"Running", nil},
		"ListInvocationStatus.no-instances-key.json":      {"Running", nil},
		"ListInvocationStatus.null-instances.json":        {"Running", nil},
		"ListInvocationStatus.variant-single-object.json": {"Finished", nodes{{a, "Finished"}}},
		"ListInvocationStatus.variant-wrapped.json":       {"Finished", nodes{{a, "Finished"}}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := serveBody(t, http.StatusOK, wire(t, file))
			got, err := connect(t, s.URL).ListInvocationStatus(t.Context(), statusRequest())
			require.NoError(t, err)
			require.Equal(t, tc.overall, got.InvokeStatus)
			require.Equal(t, tc.nodes, got.Instances)
		})
	}
}

func TestAnAbsentExitCodeIsNotZero(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]*int{
		"ListInvocationResults.ok.json":                       number(0),
		"ListInvocationResults.page2of2.json":                 number(0),
		"ListInvocationResults.variant-stringy.json":          number(7),
		"ListInvocationResults.variant-flat-list.json":        number(0),
		"ListInvocationResults.variant-missing-exitcode.json": nil,
		"ListInvocationResults.variant-null-exitcode.json":    nil,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := serveBody(t, http.StatusOK, wire(t, file))
			got, err := connect(t, s.URL).ListInvocationResults(t.Context(), resultsRequest())
			require.NoError(t, err)
			require.Equal(t, want, got.Items[0].ExitCode)
		})
	}
}

func number(n int) *int { return &n }

func TestResultsAreReadWithTheirFields(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, wire(t, "ListInvocationResults.ok.json"))
	got, err := connect(t, s.URL).ListInvocationResults(t.Context(), resultsRequest())
	require.NoError(t, err)
	yes := true
	require.Equal(t, 2, got.TotalCount)
	require.Equal(t, ehpc.InvocationResult{
		InstanceID: "i-bp1bbbb0000000000002", Status: "Finished", ExitCode: number(3), Output: "ls: cannot access '/nope'\n",
		Collected: &yes, FinishedAt: time.Date(2026, 4, 1, 8, 0, 5, 0, time.UTC),
	}, got.Items[1])

	s = serveBody(t, http.StatusOK, wire(t, "ListInvocationResults.variant-stringy.json"))
	got, err = connect(t, s.URL).ListInvocationResults(t.Context(), resultsRequest())
	require.NoError(t, err)
	require.Equal(t, "12345", got.Items[0].Output)
	require.Equal(t, time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC), got.Items[0].FinishedAt, "without seconds")

	s = serveBody(t, http.StatusOK, wire(t, "ListInvocationResults.empty.json"))
	got, err = connect(t, s.URL).ListInvocationResults(t.Context(), resultsRequest())
	require.NoError(t, err)
	require.Empty(t, got.Items)
}

func TestOutputThatIsNotUTF8KeepsItsBytes(t *testing.T) {
	t.Parallel()
	const printed = "\xff\xfe \xe7\x95 ü\n\t\"\\\x00"
	record := `{"InstanceId":"i-a","ExitCode":0,"Message":"` + "\xff\xfe \xe7\x95" + ` \u00fc\n\t\"\\\u0000"}`
	inText := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(record)
	for name, results := range map[string]string{
		"a list": `{"InvocationResult":[` + record + `]}`, "an array": `[` + record + `]`, "JSON in a string": `"[` + inText + `]"`,
	} {
		s := serveBody(t, http.StatusOK, `{"TotalCount":1,"InvocationResults":`+results+`}`)
		got, err := connect(t, s.URL).ListInvocationResults(t.Context(), resultsRequest())
		require.NoError(t, err, name)
		require.Len(t, got.Items, 1, name)
		require.Equal(t, printed, got.Items[0].Output, name)
	}
}

func TestAPageOfTheLongestOutputsIsRead(t *testing.T) {
	t.Parallel()
	for name, escaped := range map[string]string{"one by one": `\u001b`, "in a string": `\\u001b`} {
		record := `{"InstanceId":"i-%d","ExitCode":0,"Message":"` + strings.Repeat(escaped, 24<<10) + `"}`
		open, closing := "[", "]"
		if name == "in a string" {
			record, open, closing = strings.ReplaceAll(record, `"`, `\"`), `"[`, `]"`
		}
		records := make([]string, ehpc.MaxResultsPage)
		for i := range records {
			records[i] = strings.Replace(record, "%d", strconv.Itoa(i), 1)
		}
		s := serveBody(t, http.StatusOK, `{"TotalCount":50,"InvocationResults":`+open+strings.Join(records, ",")+closing+`}`)
		got, err := connect(t, s.URL).ListInvocationResults(t.Context(), resultsRequest())
		require.NoError(t, err, name)
		require.Len(t, got.Items, ehpc.MaxResultsPage, name)
		require.Equal(t, strings.Repeat("\x1b", 24<<10), got.Items[49].Output, name)
	}
}

func TestNodesAreReadWithTheirStatus(t *testing.T) {
	t.Parallel()
	c := connect(t, serveBody(t, http.StatusOK, wire(t, "ListNodes.ok.json")).URL)
	ofCluster, err := c.ListNodes(t.Context(), ehpc.ListNodesRequest{ClusterID: "x", PageNumber: 1, PageSize: 100})
	require.NoError(t, err)
	ofQueue, err := c.ListNodesByQueue(t.Context(), ehpc.ListNodesByQueueRequest{ClusterID: "x", QueueName: "q", PageNumber: 1, PageSize: 50})
	require.NoError(t, err)
	for _, got := range []*ehpc.Page[ehpc.Node]{ofCluster, ofQueue} {
		require.Equal(t, 2, got.TotalCount)
		require.Equal(t, []ehpc.Node{
			{ID: "i-bp1aaaa0000000000001", HostName: "compute000", Status: "running", Roles: []string{"Compute"}},
			{ID: "i-bp1bbbb0000000000002", HostName: "compute001", Status: "stopped", Roles: []string{"Compute"}},
		}, got.Items)
	}
}

func TestAnAnswerWithoutWhatMattersIsAnError(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty": "", "null": "null", "object": "{}", "array": "[]", "text": `"ok"`, "cut": `{"CommandId":"c-1`,
		"html": "<html><body>ok</body></html>", "other": `{"RequestId":"r-1"}`, "embedded": `{"Code":"ConflictOpt","Message":"busy"}`,
		"large": strings.Repeat(" ", 17<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, serveBody(t, http.StatusOK, body).URL)
			want := catalogue.BadResponse
			if name == "embedded" {
				want = "ConflictOpt"
			}
			_, err := c.InvokeShellCommand(t.Context(), submitRequest())
			require.Equal(t, want, failure(t, err).Code)
			require.Equal(t, name != "embedded", ehpc.Judge(err).MayHaveRun)
			_, err = c.ListInvocationStatus(t.Context(), statusRequest())
			require.Equal(t, want, failure(t, err).Code)
			_, err = c.ListInvocationResults(t.Context(), resultsRequest())
			require.Equal(t, want, failure(t, err).Code)
			_, err = c.ListNodes(t.Context(), ehpc.ListNodesRequest{ClusterID: "x", PageNumber: 1, PageSize: 1})
			require.Equal(t, want, failure(t, err).Code)
		})
	}
}
