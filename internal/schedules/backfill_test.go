package schedules_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	schedulepb "go.temporal.io/api/schedule/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"ehpcflow/internal/runs"
	"ehpcflow/internal/schedules"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func TestABackfillIsRefusedWhereACommandWouldOrMightRunAgain(t *testing.T) {
	t.Parallel()
	going := &schedulepb.ScheduleInfo{RunningWorkflows: []*commonpb.WorkflowExecution{{WorkflowId: "nightly-2026-11-26T09:00:00Z"}}}
	for name, tc := range map[string]struct {
		server   *server
		from, to string
		says     string
	}{
		"the first time has run": {&server{known: []string{"nightly-2026-11-26T02:00:00Z"}}, "2026-11-26 02:00", "2026-11-26 04:00", "of 3 times 1 have run already"},
		"the only time has run":  {&server{known: []string{"nightly-2026-11-26T02:00:00Z"}}, "2026-11-26 02:00", "2026-11-26 02:00", "of 1 times 1 have run already"},
		"the last time has run":  {&server{known: []string{"nightly-2026-11-26T04:00:00Z"}}, "2026-11-26 01:30", "2026-11-26 04:00", "of 3 times 1 have run already"},
		"times are by chance":    {&server{spec: &schedulepb.ScheduleSpec{Jitter: durationpb.New(time.Minute)}}, "2026-11-26 02:00", "2026-11-26 04:00", "has a jitter"},
		"a run goes on":          {&server{info: going}, "2026-11-26 02:00", "2026-11-26 04:00", "run nightly-2026-11-26T09:00:00Z of schedule nightly goes on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, r := connect(t, tc.server), schedules.Range{From: tc.from, To: tc.to}
			_, _, err := schedules.Backfill(t.Context(), c, "default", "nightly", r, now)
			var refused *runs.RefusedError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, tc.says)
			require.ErrorContains(t, err, "--again")
			require.Empty(t, tc.server.patches)

			r.Again = true
			_, _, err = schedules.Backfill(t.Context(), c, "default", "nightly", r, now)
			require.NoError(t, err)
			require.Len(t, tc.server.patches, 1)
		})
	}
}

func TestABackfillTellsAllTheTimesThatItMakesUpFor(t *testing.T) {
	t.Parallel()
	s := &server{}
	due, jittered, err := schedules.Backfill(t.Context(), connect(t, s), "default", "nightly", schedules.Range{From: "2026-11-26 02:00", To: "2026-11-26 03:00"}, now)
	require.NoError(t, err)
	require.False(t, jittered)
	require.Equal(t, []time.Time{now.Add(-10 * time.Hour), now.Add(-9 * time.Hour)}, due)
	asked := s.patches[0].GetBackfillRequest()[0]
	require.Equal(t, due[0], asked.GetStartTime().AsTime())
	require.Equal(t, due[1], asked.GetEndTime().AsTime())
}
