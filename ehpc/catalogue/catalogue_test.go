package catalogue_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc/catalogue"
)

// documented are the codes of the ListInvocationStatus page with their HTTP status.
var documented = map[string]int{
	"InvalidParams": 400, "NotEnabled": 400, "InDebt": 400, "InvalidClusterStatus": 403, "ConflictOpt": 403,
	"ClusterNotFound": 404, "ObjectNotFound": 404, "NotAuthorized": 407, "EcsError": 406, "AgentError": 406,
	"AliyunError": 406, "PartFailure": 409, "UnknownError": 500, "ServiceUnavailable": 503,
}

func TestEveryDocumentedCodeIsListedWithItsText(t *testing.T) {
	t.Parallel()
	for code, status := range documented {
		entry, ok := catalogue.Listed(code)
		require.True(t, ok, code)
		require.Equal(t, code, entry.Code)
		require.Equal(t, status, entry.HTTP, code)
		require.NotEmpty(t, entry.Chinese, code)
	}
}

func TestEveryEntryIsComplete(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, entry := range catalogue.Entries() {
		require.False(t, seen[entry.Code], "%s stands twice", entry.Code)
		seen[entry.Code] = true
		require.NotEmpty(t, entry.Meaning, entry.Code)
		require.NotEmpty(t, entry.Advice, entry.Code)
		require.Contains(t, catalogue.Classes(), entry.Class, entry.Code)
	}
}

func TestASubmitThatMayHaveRunIsNeverRepeated(t *testing.T) {
	t.Parallel()
	for _, class := range catalogue.Classes() {
		if class.MayHaveRun {
			require.Equal(t, catalogue.Never, class.Submit, class.Name)
		}
	}
	require.Equal(t, catalogue.Never, catalogue.Retry(0), "what is not known to pass is not repeated")
}

func TestACodeIsFoundByItsBeginningOrItsStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code   string
		status int
		class  string
	}{
		{"AgentError.Job.ListFailure", 406, "backend"},
		{"Throttling.Something.New", 400, "throttling"},
		{"ThrottlingUser", 400, "throttling"},
		{"MissingTimeout", 400, "request"},
		{"BrandNew", 400, "request"},
		{"BrandNew", 403, "request"},
		{"BrandNew", 409, "backend"},
		{"BrandNew", 429, "throttling"},
		{"BrandNew", 500, "backend"},
		{"BrandNew", 0, "unanswered"},
		{"", 0, "unanswered"},
		{catalogue.HTTPCode(503), 0, "backend"},
		{catalogue.HTTPCode(302), 0, "request"},
		{catalogue.HTTPCode(407), 0, "access"},
		{"HTTP.nonsense", 0, "unanswered"},
	} {
		require.Equal(t, tc.class, catalogue.Find(tc.code, tc.status).Class.Name, "%s %d", tc.code, tc.status)
	}
}
