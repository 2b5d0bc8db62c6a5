package schedules_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	schedulepb "go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// server has one schedule, which fires on the hour, and is told what to do with it.
type server struct {
	workflowservice.UnimplementedWorkflowServiceServer
	spec   *schedulepb.ScheduleSpec
	info   *schedulepb.ScheduleInfo
	known  []string // runs that it keeps
	unread error    // of a description

	firings []*schedulepb.ScheduleActionResult // seen after a patch

	patches []*schedulepb.SchedulePatch
	deleted bool
}

func (s *server) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (s *server) DescribeSchedule(context.Context, *workflowservice.DescribeScheduleRequest) (*workflowservice.DescribeScheduleResponse, error) {
	if s.unread != nil {
		return nil, s.unread
	}
	if len(s.patches) > 0 {
		s.info.RecentActions = s.firings
	}
	return &workflowservice.DescribeScheduleResponse{Info: s.info, Schedule: &schedulepb.Schedule{
		Spec: s.spec, Policies: &schedulepb.SchedulePolicies{}, State: &schedulepb.ScheduleState{},
		Action: &schedulepb.ScheduleAction{Action: &schedulepb.ScheduleAction_StartWorkflow{StartWorkflow: &workflowpb.NewWorkflowExecutionInfo{
			WorkflowId: "nightly", WorkflowType: &commonpb.WorkflowType{Name: "RunCommand"},
		}}},
	}}, nil
}

// ListScheduleMatchingTimes leaves out the time that it starts at, as Temporal does.
func (s *server) ListScheduleMatchingTimes(_ context.Context, r *workflowservice.ListScheduleMatchingTimesRequest) (*workflowservice.ListScheduleMatchingTimesResponse, error) {
	found := &workflowservice.ListScheduleMatchingTimesResponse{}
	for at := r.GetStartTime().AsTime().Truncate(time.Hour).Add(time.Hour); !at.After(r.GetEndTime().AsTime()); at = at.Add(time.Hour) {
		found.StartTime = append(found.StartTime, timestamppb.New(at))
	}
	return found, nil
}

func (s *server) DescribeWorkflowExecution(_ context.Context, r *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	for _, id := range s.known {
		if id == r.GetExecution().GetWorkflowId() {
			return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Execution: r.GetExecution()}}, nil
		}
	}
	return nil, serviceerror.ToStatus(serviceerror.NewNotFound("no such run")).Err()
}

func (s *server) PatchSchedule(_ context.Context, r *workflowservice.PatchScheduleRequest) (*workflowservice.PatchScheduleResponse, error) {
	s.patches = append(s.patches, r.GetPatch())
	return &workflowservice.PatchScheduleResponse{}, nil
}

func (s *server) DeleteSchedule(context.Context, *workflowservice.DeleteScheduleRequest) (*workflowservice.DeleteScheduleResponse, error) {
	s.deleted = true
	return &workflowservice.DeleteScheduleResponse{}, nil
}

// connect connects to a server.
func connect(t *testing.T, s *server) client.Client {
	t.Helper()
	if s.spec == nil {
		s.spec = &schedulepb.ScheduleSpec{}
	}
	if s.info == nil {
		s.info = &schedulepb.ScheduleInfo{}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(g, s)
	go func() { _ = g.Serve(listener) }() // until it is stopped
	t.Cleanup(g.Stop)
	c, err := client.DialContext(t.Context(), client.Options{HostPort: listener.Addr().String()})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}
