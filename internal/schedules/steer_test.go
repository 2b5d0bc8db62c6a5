package schedules_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	schedulepb "go.temporal.io/api/schedule/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ehpcflow/internal/encryption"
	"ehpcflow/internal/schedules"
)

// firing is one that began a moment after its time.
func firing(at time.Time) *schedulepb.ScheduleActionResult {
	return &schedulepb.ScheduleActionResult{
		ScheduleTime: timestamppb.New(at), ActualTime: timestamppb.New(at.Add(time.Millisecond)),
		StartWorkflowResult: &commonpb.WorkflowExecution{WorkflowId: schedules.RunName("nightly", at)},
	}
}

func TestATriggerTakesNoFiringOfTheClockForItsOwn(t *testing.T) {
	t.Parallel()
	next := now.Add(time.Second)
	s := &server{
		info:    &schedulepb.ScheduleInfo{FutureActionTimes: []*timestamppb.Timestamp{timestamppb.New(next)}},
		firings: []*schedulepb.ScheduleActionResult{firing(next), firing(now.Add(2 * time.Second))},
	}
	triggered, err := schedules.Trigger(t.Context(), connect(t, s), "nightly", "")
	require.NoError(t, err)
	require.Equal(t, schedules.Triggered{Run: schedules.RunName("nightly", now.Add(2*time.Second))}, triggered)
}

func TestATriggerOfWhichNoRunIsSeenMayHaveBeenLeftOutUnderSkipOnly(t *testing.T) {
	t.Parallel()
	for overlap, dropped := range map[string]bool{"skip": true, "buffer-one": false} {
		t.Run(overlap, func(t *testing.T) {
			t.Parallel()
			s := &server{
				info:    &schedulepb.ScheduleInfo{FutureActionTimes: []*timestamppb.Timestamp{timestamppb.New(now)}},
				firings: []*schedulepb.ScheduleActionResult{firing(now)},
			}
			c := connect(t, s)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			triggered, err := schedules.Trigger(ctx, c, "nightly", overlap)
			require.NoError(t, err)
			require.Equal(t, schedules.Triggered{Dropped: dropped}, triggered)
		})
	}
}

func TestAScheduleWhoseKeyIsGoneIsPausedAndDeletedAndNothingElse(t *testing.T) {
	t.Parallel()
	s := &server{unread: (&encryption.UnreadableError{KeyID: "old"}).GRPCStatus().Err()}
	c := connect(t, s)
	require.True(t, encryption.Unreadable(schedules.Resume(t.Context(), c, "nightly", "")))
	require.NoError(t, schedules.Pause(t.Context(), c, "nightly", ""))
	require.Len(t, s.patches, 1)
	running, err := schedules.Delete(t.Context(), c, "nightly")
	require.NoError(t, err)
	require.Empty(t, running)
	require.True(t, s.deleted)

	other := &server{unread: status.Error(codes.PermissionDenied, "no")}
	c = connect(t, other)
	require.Error(t, schedules.Pause(t.Context(), c, "nightly", ""))
	_, err = schedules.Delete(t.Context(), c, "nightly")
	require.Error(t, err)
	require.Empty(t, other.patches)
	require.False(t, other.deleted)
}
