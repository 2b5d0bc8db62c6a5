package main

import (
	"cmp"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"ehpcflow/activities"
	"ehpcflow/quickstart/bench/peers"
)

// knowledge is what a workflow knew, as its history tells: the command, and when it
// took note of the end of each node.
//
// It takes note when the workflow task is completed in which it has what a poll
// saw. For an activity that is the next one after the activity's completion; for a
// local activity it is the one that recorded the marker. So a wait of any pattern is
// measured up to the same point: the decision that follows from it is durable.
type knowledge struct {
	commandID string
	noted     map[string]time.Time // by instance id
}

// told is what an activity's result says, whichever pattern's: a submit the
// command, a peer's poll the nodes that ended, a watch those that changed.
type told struct {
	CommandID string `json:"commandId"`
	peers.Seen
	activities.ListInvocationStatusResult
}

func decode(result *commonpb.Payloads) (told, error) {
	var t told
	err := converter.GetDefaultDataConverter().FromPayloads(result, &t)
	return t, err
}

func (t told) ended() []string {
	ids := t.Ended
	for _, node := range t.Changed {
		if node.State.Ended() {
			ids = append(ids, node.InstanceID)
		}
	}
	return ids
}

func read(history []*historypb.HistoryEvent) (knowledge, error) {
	k := knowledge{noted: make(map[string]time.Time)}
	var arrived []string // and not yet taken note of
	var taskCompleted time.Time
	note := func(ids []string) {
		for _, id := range ids {
			if k.noted[id].IsZero() {
				k.noted[id] = taskCompleted
			}
		}
	}
	for _, event := range history {
		if event.GetWorkflowTaskCompletedEventAttributes() != nil {
			taskCompleted = event.GetEventTime().AsTime()
			note(arrived)
			arrived = nil
		}
		if result := event.GetActivityTaskCompletedEventAttributes().GetResult(); result != nil {
			t, err := decode(result)
			if err != nil {
				return knowledge{}, err
			}
			k.commandID = cmp.Or(k.commandID, t.CommandID)
			arrived = append(arrived, t.ended()...)
		}
		if marker := event.GetMarkerRecordedEventAttributes().GetDetails()["result"]; marker != nil {
			t, err := decode(marker)
			if err != nil {
				return knowledge{}, err
			}
			note(t.ended())
		}
	}
	return k, nil
}

// lags are how long the workflow did not know: of each node's end, and of the last.
func (k knowledge) lags(ends map[string]time.Time) (nodes []time.Duration, end time.Duration) {
	var ended, noted time.Time
	for id, at := range ends {
		nodes = append(nodes, k.noted[id].Sub(at))
		if at.After(ended) {
			ended = at
		}
		if k.noted[id].After(noted) {
			noted = k.noted[id]
		}
	}
	return nodes, noted.Sub(ended)
}
