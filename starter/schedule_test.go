package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/schedules"
)

func TestWhatIsWrongWithAScheduleIsSaidAtOnceAndNothingIsCreated(t *testing.T) {
	t.Parallel()
	ok := []string{"--cluster", "ehpc-1", "--all"}
	with := func(more ...string) []string { return append(more, ok...) }
	for name, tc := range map[string]struct {
		name  []string
		flags []string
		says  []string
	}{
		"no name":               {nil, with("--every", "6h"), []string{"the schedule has no name"}},
		"a long name":           {[]string{strings.Repeat("x", schedules.MaxName+1)}, with("--every", "6h"), []string{"has 901 bytes, with a time behind it for each run Temporal takes 900"}},
		"a word too many":       {[]string{"a", "b"}, with("--every", "6h"), []string{`"b" stands before --`}},
		"no time":               {[]string{"a"}, ok, []string{"no time is given"}},
		"few fields":            {[]string{"a"}, with("--cron", "0 22 * *"), []string{`--cron "0 22 * *" has 4 fields`}},
		"a zone in the cron":    {[]string{"a"}, with("--cron", "TZ=UTC 0 22 * * *"), []string{"give it by --time-zone"}},
		"every in the cron":     {[]string{"a"}, with("--cron", "@every 6h"), []string{"use --every"}},
		"a time zone":           {[]string{"a"}, with("--cron", "0 22 * * *", "--time-zone", "Mars/Base"), []string{`--time-zone is "Mars/Base", which is no time zone`}},
		"a length":              {[]string{"a"}, with("--every", "day"), []string{`--every is "day": use a length of time`}},
		"parts of a second":     {[]string{"a"}, with("--every", "1500ms"), []string{"use whole seconds"}},
		"a long offset":         {[]string{"a"}, with("--every", "1h/2h"), []string{"has to be shorter"}},
		"a time that is over":   {[]string{"a"}, with("--at", "2020-01-01 00:00"), []string{"which has passed"}},
		"no time that is one":   {[]string{"a"}, with("--at", "tomorrow"), []string{`--at is "tomorrow", which is no time`}},
		"an end that is over":   {[]string{"a"}, with("--every", "6h", "--end", "2020-01-01 00:00"), []string{"it would never fire"}},
		"an end before a start": {[]string{"a"}, with("--every", "6h", "--start", "2098-01-01 00:00", "--end", "2097-01-01 00:00"), []string{"which is not after --start"}},
		"a short catch-up":      {[]string{"a"}, with("--every", "6h", "--catch-up", "5s"), []string{"--catch-up is 5s, the least that Temporal takes is 10s"}},
		"no catch-up":           {[]string{"a"}, with("--every", "6h", "--catch-up", "0s"), []string{"--catch-up is 0s"}},
		"an unknown overlap":    {[]string{"a"}, with("--every", "6h", "--overlap", "queue"), []string{`--overlap is "queue": use skip, buffer-one, buffer-all, cancel-other, allow-all`}},
		"terminating":           {[]string{"a"}, with("--every", "6h", "--overlap", "terminate-other"), []string{"terminating ends a run and leaves its command running"}},
		"a pause of unwatched":  {[]string{"a"}, with("--every", "6h", "--overlap", "allow-all", "--pause-on-failure"), []string{"does nothing with --overlap allow-all"}},
		"past runs":             {[]string{"a"}, with("--every", "6h", "--from", "failed:run-1"), []string{"--from is not for a schedule"}},
		"a name for the run":    {[]string{"a"}, with("--every", "6h", "--id", "x"), []string{"--id is not for a schedule"}},
		"a negative jitter":     {[]string{"a"}, with("--every", "6h", "--jitter", "-1s"), []string{"--jitter is -1s"}},
		"everything": {nil, []string{"--cron", "x", "--time-zone", "Nowhere", "--overlap", "never", "--timeout", "1s", "--waves", "0"},
			[]string{"has no name", `--cron "x" has 1 fields`, `"Nowhere"`, `"never"`, "no cluster", "no target", "the timeout is 1s", "--waves"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			args := append(append([]string{"schedule", "create"}, tc.name...), tc.flags...)
			require.Equal(t, exitUsage, execute(t.Context(), append(args, "--", "echo hi"), nil, &stdout, &stderr), stderr.String())
			for _, says := range tc.says {
				require.Contains(t, stderr.String(), says)
			}
			require.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
			require.Empty(t, stdout.String())
		})
	}
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitUsage, execute(t.Context(), []string{"schedule", "create", "a", "--every", "6h", "--cluster", "c", "--all"}, nil, &stdout, &stderr))
	require.Contains(t, stderr.String(), "no command: give it after --")
}
