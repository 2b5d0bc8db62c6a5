package runs

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"ehpcflow/workflows"
)

// Beginning is how a run began, from the first event of its history.
type Beginning struct {
	Input workflows.RolloutInput // without what a run goes on from; of several clusters, without a cluster
	At    time.Time

	// By is who started it: the user that it is listed under, or of a run that is not the
	// program, as it names itself to Temporal. "" of such a one that went on as a new one.
	By string
}

// Expected is how long the command should take; 0 is not known.
func (b Beginning) Expected() time.Duration {
	return time.Duration(b.Input.ExpectedSeconds) * time.Second
}

// readInput reads what a run was started with, and when.
func readInput(ctx context.Context, c client.Client, id string, in any) (at time.Time, err error) {
	event, err := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	if err == nil {
		err = converter.GetDefaultDataConverter().FromPayloads(event.GetWorkflowExecutionStartedEventAttributes().GetInput(), in)
	}
	if err != nil {
		return at, fmt.Errorf("read the input of run %s: %w", id, err)
	}
	return event.GetEventTime().AsTime(), nil
}

// ReadBeginning reads how a run on one cluster began. The target of a run that went on as a
// new one is not in it.
func ReadBeginning(ctx context.Context, c client.Client, id string) (Beginning, error) {
	var b Beginning
	event, err := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	started := event.GetWorkflowExecutionStartedEventAttributes()
	switch several := (workflows.ClustersInput{}); {
	case err != nil:
	case started.GetWorkflowType().GetName() == clustersType:
		err = converter.GetDefaultDataConverter().FromPayloads(started.GetInput(), &several)
		b.Input = several.Run
	default:
		err = converter.GetDefaultDataConverter().FromPayloads(started.GetInput(), &b.Input)
	}
	if err != nil {
		return b, fmt.Errorf("read the input of run %s: %w", id, err)
	}
	b.Input.Continued, b.Input.Resumed = nil, nil
	b.At = event.GetEventTime().AsTime()
	user := started.GetSearchAttributes().GetIndexedFields()[workflows.AttributeUser.GetName()]
	if user == nil || converter.NewJSONPayloadConverter().FromPayload(user, &b.By) != nil {
		b.By = started.GetIdentity()
	}
	if user == nil && started.GetContinuedExecutionRunId() != "" {
		b.By = ""
	}
	return b, nil
}
