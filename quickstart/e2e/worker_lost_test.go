package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/quickstart/stack"
)

// A worker that dies while it lists the nodes is missed by its heartbeat, long before the
// time that a listing may take.
func TestAWorkerThatDiesWhileItListsTheNodesIsMissed(t *testing.T) {
	t.Parallel()
	s := newSystemWith(t, stack.Options{Pace: activities.DefaultPace(), Logger: zap.NewNop()})
	s.StopWorker()
	s.Simulator.SetFaults(ehpcsim.Faults{Faults: []ehpcsim.Fault{{Action: "ListNodes", Delay: time.Minute}}})
	worker := s.workerProgram()
	id := s.start("true")
	await(t, time.Minute, "the nodes are listed", func() bool { return s.Simulator.Requests("ListNodes") > 0 })
	kill(t, worker)
	s.workerProgram()

	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	var missed []enumspb.TimeoutType
	for _, event := range s.history(id).GetEvents() {
		if failure := event.GetActivityTaskStartedEventAttributes().GetLastFailure(); failure != nil {
			missed = append(missed, failure.GetTimeoutFailureInfo().GetTimeoutType())
		}
	}
	require.Equal(t, []enumspb.TimeoutType{enumspb.TIMEOUT_TYPE_HEARTBEAT}, missed)
}
