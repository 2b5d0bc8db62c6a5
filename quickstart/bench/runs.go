package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
)

// readers read the runs' histories at once, after the measurement.
const readers = 8

// run is what one run left.
type run struct {
	events   int64
	bytes    int64
	closed   time.Time
	nodeLags []time.Duration
	endLag   time.Duration
	failure  string // "" for none
}

// readRuns reads every run. It waits for those that have not ended.
func (s *scene) readRuns(ctx context.Context, l load) ([]run, error) {
	runs, errs := make([]run, l.runs), make([]error, readers)
	var all sync.WaitGroup
	for r := range readers {
		all.Go(func() {
			for i := r; i < l.runs && errs[r] == nil; i += readers {
				runs[i], errs[r] = s.readRun(ctx, runID(i))
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("read the runs: %w", err)
		}
	}
	return runs, nil
}

func (s *scene) readRun(ctx context.Context, id string) (run, error) {
	ended := s.client.GetWorkflow(ctx, id, "").Get(ctx, nil)
	described, err := s.client.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return run{}, err
	}
	info := described.GetWorkflowExecutionInfo()
	r := run{events: info.GetHistoryLength(), bytes: info.GetHistorySizeBytes(), closed: info.GetCloseTime().AsTime()}
	if ended != nil {
		r.failure = fmt.Sprintf("%s: %v", id, ended)
		return r, ctx.Err()
	}
	history, err := s.history(ctx, id)
	if err != nil {
		return run{}, err
	}
	k, err := read(history)
	if err != nil {
		return run{}, err
	}
	ends := s.simulator.Ends(k.commandID)
	if len(ends) != nodes || len(k.noted) != nodes {
		r.failure = fmt.Sprintf("%s: %d of %d nodes ended, and the workflow knew of %d", id, len(ends), nodes, len(k.noted))
		return r, nil
	}
	r.nodeLags, r.endLag = k.lags(ends)
	return r, nil
}

func (s *scene) history(ctx context.Context, id string) ([]*historypb.HistoryEvent, error) {
	var history []*historypb.HistoryEvent
	events := s.client.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, err
		}
		history = append(history, event)
	}
	return history, nil
}
