package schedules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/schedules"
)

func TestATimeThatTheClocksShowTwiceIsRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		at, zone, utc string // utc is "" where it is shown once
	}{
		{"2027-10-31 02:30", "Europe/Berlin", "2027-10-31 0"},
		{"2027-10-31T02:30:00+02:00", "Europe/Berlin", "2027-10-31 00:30:00"},
		{"2027-10-31T02:30:00+01:00", "Europe/Berlin", "2027-10-31 01:30:00"},
		{"2027-04-04 01:45", "Australia/Lord_Howe", "2027-04-03 1"},
		{"2027-10-31 01:59:59", "Europe/Berlin", ""},
		{"2027-10-31 03:00", "Europe/Berlin", ""},
		{"2027-10-31T02:30:00+02:00", "UTC", ""},
		{"2027-10-31T02:30:00+02:00", "", ""},
		{"2027-10-31 02:30", "Asia/Shanghai", ""},
		{"2027-03-28 03:00", "Europe/Berlin", ""},
	} {
		_, problems := schedules.Plan{At: []string{tc.at}, TimeZone: tc.zone}.Options("nightly", now)
		if tc.utc == "" {
			require.Empty(t, problems, "%+v", tc)
			continue
		}
		require.Len(t, problems, 1, "%+v", tc)
		require.Contains(t, problems[0], "it would fire twice: give it in UTC, such as '"+tc.utc)
		require.Contains(t, problems[0], "--time-zone UTC")
	}
}
