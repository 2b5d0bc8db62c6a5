package ehpc_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

func TestAnAnswerOverSixteenMiBIsRefusedHoweverGoodItIs(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, `{"CommandId":"c-1","Padding":"`+strings.Repeat("x", 16<<20)+`"}`)
	_, err := connect(t, s.URL).InvokeShellCommand(t.Context(), submitRequest())
	require.Equal(t, catalogue.BadResponse, failure(t, err).Code)
	require.ErrorContains(t, err, "larger than 16 MiB")
	require.True(t, ehpc.Judge(err).MayHaveRun)
}

func TestNodeIDsAreReadOutOfAString(t *testing.T) {
	t.Parallel()
	for name, ids := range map[string]string{
		"in the list":       `["[\"i-a\",\"i-b\"]"]`,
		"in place of it":    `"[\"i-a\",\"i-b\"]"`,
		"in the outer list": `{"Deeper":"[\"i-a\",\"i-b\"]"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveBody(t, http.StatusOK, `{"CommandId":"c-1","InstanceIds":{"InstanceId":`+ids+`}}`)
			got, err := connect(t, s.URL).InvokeShellCommand(t.Context(), submitRequest())
			require.NoError(t, err)
			require.Equal(t, []string{"i-a", "i-b"}, got.InstanceIDs)
		})
	}
}

func TestAnAcceptedCommandSurvivesUnreadableNodes(t *testing.T) {
	t.Parallel()
	for _, ids := range []string{`7`, `true`, `"none"`, `{"A":1,"B":2}`, `[{"Id":1}]`, `{"InstanceId":{}}`} {
		s := serveBody(t, http.StatusOK, `{"InstanceIds":`+ids+`,"RequestId":7,"CommandId":"c-1"}`)
		got, err := connect(t, s.URL).InvokeShellCommand(t.Context(), submitRequest())
		require.NoError(t, err, ids)
		require.Equal(t, "c-1", got.CommandID)
	}
}

func TestOutputIsHandedOnAsItCame(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, wire(t, "ListInvocationResults.variant-base64.json"))
	got, err := connect(t, s.URL).ListInvocationResults(t.Context(), resultsRequest())
	require.NoError(t, err)
	require.Equal(t, "aGVsbG8K", got.Items[0].Output, "nothing says whether it is encoded")

	s = serveBody(t, http.StatusOK, wire(t, "ListInvocationResults.mixed.json"))
	got, err = connect(t, s.URL).ListInvocationResults(t.Context(), resultsRequest())
	require.NoError(t, err)
	require.Equal(t, "Running", got.Items[0].Status)
	require.Equal(t, number(-1), got.Items[1].ExitCode)
	require.False(t, *got.Items[1].Collected)
	require.True(t, got.Items[1].FinishedAt.IsZero())
}

func TestBlankNodeIDsAreNoNodeIDs(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, `{"CommandId":"c-1"}`)
	for _, id := range []string{" ", "\t\n"} {
		in := submitRequest()
		in.InstanceIDs = []string{id}
		_, err := connect(t, s.URL).InvokeShellCommand(t.Context(), in)
		require.Equal(t, catalogue.BadRequest, failure(t, err).Code)
	}
	require.Empty(t, s.received())
}

func TestJudgementsThatDoNotFollowFromTheStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   ehpc.Judgement
		advice string
	}{
		"throttling without a dot": {400, `{"Code":"ThrottlingUser"}`,
			ehpc.Judgement{Code: "ThrottlingUser", Read: catalogue.Throttled, Submit: catalogue.Throttled}, "tries again"},
		"throttling of the backend": {406, `{"Code":"EcsError.Throttling"}`,
			ehpc.Judgement{Code: "EcsError.Throttling", Read: catalogue.Soon, MayHaveRun: true}, "console"},
		"a node that is gone": {404, `{"Code":"ComputeNotFound"}`,
			ehpc.Judgement{Code: "ComputeNotFound", Read: catalogue.Later}, "node ids"},
		"407 of RAM": {407, `{"Code":"NotAuthorized"}`,
			ehpc.Judgement{Code: "NotAuthorized"}, "ehpc:InvokeShellCommand"},
		"407 of a proxy": {407, "", ehpc.Judgement{Code: "HTTP.407"}, "proxy"},
		"403 of a proxy": {403, "", ehpc.Judgement{Code: "HTTP.403"}, "check the worker's network"},
		"no permission, said with 501": {501, `{"Code":"NoPermission"}`,
			ehpc.Judgement{Code: "NoPermission"}, "ehpc:InvokeShellCommand"},
		"request timeout of a gateway": {408, "", ehpc.Judgement{Code: "HTTP.408", Read: catalogue.Soon, MayHaveRun: true}, ""},
		"a body that was cut into two": {400, `{"Code":"ConflictOpt"`, ehpc.Judgement{Code: "HTTP.400"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := connect(t, serveBody(t, tc.status, tc.body).URL).InvokeShellCommand(t.Context(), submitRequest())
			require.Equal(t, tc.want, ehpc.Judge(err))
			require.ErrorContains(t, err, tc.advice)
		})
	}
}
