package ehpc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

func TestEveryErrorAnswerIsJudgedByItsCode(t *testing.T) {
	t.Parallel()
	const never, soon, throttled, later, whileNew = catalogue.Never, catalogue.Soon, catalogue.Throttled, catalogue.Later, catalogue.WhileNew
	for code, want := range map[string]struct {
		read, submit catalogue.Retry
		mayHaveRun   bool
	}{
		"InDebt":                       {never, never, false},
		"InvalidAccessKeyId.Inactive":  {never, never, false},
		"InvalidParams":                {never, never, false},
		"InvalidSecurityToken.Expired": {soon, soon, false},
		"InvalidTimeStamp.Expired":     {soon, soon, false},
		"MissingClusterId":             {never, never, false},
		"MissingParameter":             {never, never, false},
		"NotEnabled":                   {never, never, false},
		"SignatureDoesNotMatch":        {never, never, false},
		"SignatureNonceUsed":           {soon, never, true},
		"Throttling.Api":               {throttled, throttled, false},
		"Throttling.User":              {throttled, throttled, false},
		"Throttling":                   {throttled, throttled, false},
		"ConflictOpt":                  {later, later, false},
		"Forbidden.RAM":                {never, never, false},
		"InvalidClusterStatus":         {later, never, false},
		"NoPermission":                 {never, never, false},
		"ClusterNotFound":              {never, never, false},
		"InvalidAccessKeyId.NotFound":  {never, never, false},
		"InvalidAction.NotFound":       {never, never, false},
		"ManagerNotFound":              {later, never, false},
		"ObjectNotFound":               {whileNew, never, false},
		"AgentError":                   {soon, never, true},
		"AliyunError":                  {soon, never, true},
		"DbError":                      {soon, never, true},
		"EcsError":                     {soon, never, true},
		"NotAuthorized":                {never, never, false},
		"PartFailure":                  {soon, never, true},
		"InternalError":                {soon, never, true},
		"UnknownError":                 {soon, never, true},
		"ServiceUnavailable":           {soon, never, true},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob("testdata/wire/err-*-" + code + ".json")
			require.NoError(t, err)
			require.NotEmpty(t, files)
			for _, file := range files {
				status, err := strconv.Atoi(strings.Split(filepath.Base(file), "-")[1])
				require.NoError(t, err)
				s := serveBody(t, status, wire(t, filepath.Base(file)))
				_, err = connect(t, s.URL).InvokeShellCommand(t.Context(), submitRequest())
				e := failure(t, err)
				require.Equal(t, code, e.Code)
				require.Equal(t, status, e.HTTPStatus)
				require.NotEmpty(t, e.RequestID)
				require.Equal(t, ehpc.Judgement{Code: code, Read: want.read, Submit: want.submit, MayHaveRun: want.mayHaveRun},
					ehpc.Judge(fmt.Errorf("wrapped: %w", err)))
				require.ErrorIs(t, err, &ehpc.Error{Code: code})
				require.NotErrorIs(t, err, &ehpc.Error{Code: "Other"})
				for _, part := range []string{"InvokeShellCommand", "ehpc-hz-1", code, strconv.Itoa(status), e.RequestID, e.Message} {
					require.Contains(t, err.Error(), part)
				}
				require.NotContains(t, err.Error(), "\n")
			}
		})
	}
}

func TestOddErrorAnswersAreJudgedByTheirStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		code   string
		read   catalogue.Retry
		ran    bool
	}{
		"numeric code":       {400, `{"RequestId":"r-1","Code":400,"Message":"x"}`, "400", catalogue.Never, false},
		"object message":     {400, `{"Code":"InvalidParams","Message":{"a":1},"AccessDeniedDetail":"x"}`, "InvalidParams", catalogue.Never, false},
		"gateway page":       {502, "<html><body><h1>502</h1></body></html>", "HTTP.502", catalogue.Soon, true},
		"XML":                {403, "<Error><Code>Forbidden</Code></Error>", "HTTP.403", catalogue.Never, false},
		"empty":              {500, "", "HTTP.500", catalogue.Soon, true},
		"too many requests":  {429, "slow down", "HTTP.429", catalogue.Throttled, false},
		"strange code":       {400, `{"Code":"Inv alid\n/../"}`, "HTTP.400", catalogue.Never, false},
		"deeper code":        {406, `{"Code":"AgentError.Job.ListFailure"}`, "AgentError.Job.ListFailure", catalogue.Soon, true},
		"deeper throttle":    {400, `{"Code":"Throttling.Something.New"}`, "Throttling.Something.New", catalogue.Throttled, false},
		"missing something":  {400, `{"Code":"MissingTimeout"}`, "MissingTimeout", catalogue.Never, false},
		"new 4xx code":       {400, `{"Code":"BrandNew"}`, "BrandNew", catalogue.Never, false},
		"new 5xx code":       {503, `{"Code":"BrandNew"}`, "BrandNew", catalogue.Soon, true},
		"new conflict":       {409, `{"Code":"BrandNew"}`, "BrandNew", catalogue.Soon, true},
		"wrapped":            {403, `{"InvokeShellCommandResponse":{"Code":"ConflictOpt"}}`, "ConflictOpt", catalogue.Later, false},
		"code of other kind": {200, `{"Code":503}`, "503", catalogue.Soon, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveBody(t, tc.status, tc.body)
			_, err := connect(t, s.URL).InvokeShellCommand(t.Context(), submitRequest())
			require.Equal(t, tc.code, failure(t, err).Code)
			judged := ehpc.Judge(err)
			require.Equal(t, tc.read, judged.Read)
			require.Equal(t, tc.ran, judged.MayHaveRun)
		})
	}
}

func TestAnErrorOfAnotherOriginLeavesDoubt(t *testing.T) {
	t.Parallel()
	require.Equal(t, ehpc.Judgement{Code: "Unknown", Read: catalogue.Soon, MayHaveRun: true}, ehpc.Judge(errors.New("x")))
}

func TestASubmitThatMayHaveRunIsNeverRetried(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		catalogue.BadRequest, catalogue.NoCredentials, catalogue.Unreachable, catalogue.ConnectionLost, catalogue.Timeout,
		catalogue.Canceled, catalogue.BadResponse, "HTTP.500", "HTTP.400", "", "Nonsense", "EcsError", "SignatureNonceUsed",
	} {
		if judged := ehpc.Judge(&ehpc.Error{Code: code}); judged.MayHaveRun {
			require.Equal(t, catalogue.Never, judged.Submit, code)
		}
	}
}

func TestTheCauseCanBeFoundInAnError(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(held)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-held; cancel() }()
	_, err := connect(t, s.URL).ListInvocationStatus(ctx, statusRequest())
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, catalogue.Canceled, failure(t, err).Code)

	_, err = connect(t, "http://127.0.0.1:1").InvokeShellCommand(t.Context(), submitRequest())
	require.Equal(t, catalogue.Unreachable, failure(t, err).Code)
	require.Equal(t, catalogue.Soon, ehpc.Judge(err).Submit, "nothing was sent")
}
