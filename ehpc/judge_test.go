package ehpc

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheTimeThatTheServiceAsksForIsReadAndBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		header, value string
		want          time.Duration
	}{
		"seconds":      {"Retry-After", "7", 7 * time.Second},
		"a date":       {"Retry-After", now.Add(9 * time.Second).Format(http.TimeFormat), 9 * time.Second},
		"a past date":  {"Retry-After", now.Add(-time.Hour).Format(http.TimeFormat), 0},
		"too long":     {"Retry-After", "86400", time.Minute},
		"negative":     {"Retry-After", "-5", 0},
		"nonsense":     {"Retry-After", "soon", 0},
		"of the API":   {"x-ratelimit-user-api", "Limit:1,Remain:0,TimeLeft:2000,Reset:1234", 2 * time.Second},
		"of the user":  {"x-ratelimit-user", "Limit:1, Remain:0, TimeLeft:3500", 3500 * time.Millisecond},
		"of a century": {"x-ratelimit-user", "TimeLeft:99999999999", time.Minute},
		"without time": {"x-ratelimit-user", "Limit:1,Remain:0", 0},
		"absent":       {"X-Other", "1", 0},
	} {
		header := http.Header{}
		header.Set(tc.header, tc.value)
		require.Equal(t, tc.want, retryAfter(header, now), name)
	}
}
