package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"ehpcflow/internal/connect"
	"ehpcflow/workflows"
)

// Listed is a run as the list of runs has it. Verdict is "pending" of one that goes on,
// and "error" of one that could not be followed to its end. What a run that was started
// before there were search attributes did is not in it.
type Listed struct {
	RunID       string            `json:"run"`
	State       State             `json:"state"`
	Clusters    []string          `json:"clusters"`
	StartedAt   time.Time         `json:"startedAt"`
	EndedAt     time.Time         `json:"endedAt,omitzero"`
	Phase       workflows.Phase   `json:"phase,omitempty"`
	Verdict     workflows.Outcome `json:"verdict,omitempty"`
	Nodes       int               `json:"nodes"`                // 0 until its command is submitted
	FailedNodes int               `json:"failedNodes"`          // that failed, were stopped or timed out; counted at the end
	User        string            `json:"user,omitempty"`       // who started it
	ParentRun   string            `json:"parentRun,omitempty"`  // that it is a rerun or a part of
	CommandIDs  []string          `json:"commandIds,omitempty"` // the first 20
	Command     string            `json:"command,omitempty"`
}

// List is a part of the list of runs, the newest first.
type List struct {
	Runs []Listed `json:"runs"`
	More bool     `json:"more"` // there are older ones that fit
}

// listPage is how many runs are asked for at a time.
const listPage = 500

// ReadList lists the newest runs that fit a query that has no problems. A run that goes
// on as a new one is listed once. A run that was started a moment ago may not be listed
// yet.
func ReadList(ctx context.Context, c client.Client, q Query) (List, error) {
	list := List{Runs: []Listed{}}
	for page := []byte(nil); ; {
		answer, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: q.visibility() + " AND ExecutionStatus != 'ContinuedAsNew'", PageSize: listPage, NextPageToken: page,
		})
		var invalid *serviceerror.InvalidArgument
		if errors.As(err, &invalid) {
			return list, &connect.UnreachableError{Message: fmt.Sprintf(
				"the Temporal server cannot search for runs (%v): when the namespace lacks the search attributes, create them with starter setup", err)}
		}
		if err != nil {
			return list, fmt.Errorf("list runs: %w", err)
		}
		for _, execution := range answer.GetExecutions() {
			if run := listed(execution); q.fits(run) {
				list.Runs = append(list.Runs, run)
			}
		}
		list.keep(q.Limit)
		if page = answer.GetNextPageToken(); len(page) == 0 || list.newestOf(q.Limit, answer.GetExecutions()) {
			return list, nil
		}
	}
}

// keep keeps the newest runs.
func (l *List) keep(limit int) {
	slices.SortStableFunc(l.Runs, func(a, b Listed) int { return b.StartedAt.Compare(a.StartedAt) })
	if len(l.Runs) > limit {
		l.Runs, l.More = l.Runs[:limit], true
	}
}

// newestOf says whether no further page can hold a newer run. The server lists the runs
// that go on first, then the others from the last that ended: what follows one that ended
// before the oldest run here has begun even earlier.
func (l *List) newestOf(limit int, page []*workflowpb.WorkflowExecutionInfo) bool {
	if len(l.Runs) < limit || len(page) == 0 {
		return false
	}
	last := page[len(page)-1].GetCloseTime()
	if last == nil || !last.AsTime().Before(l.Runs[limit-1].StartedAt) {
		return false
	}
	l.More = true
	return true
}

func listed(execution *workflowpb.WorkflowExecutionInfo) Listed {
	run := Listed{
		RunID:     execution.GetExecution().GetWorkflowId(),
		State:     StateOf(execution.GetStatus()),
		StartedAt: execution.GetStartTime().AsTime(),
	}
	if execution.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		run.EndedAt = execution.GetCloseTime().AsTime()
	}
	fields := execution.GetSearchAttributes().GetIndexedFields()
	read := func(name string, into any) { // one that cannot be read, of another version, stays empty
		_ = converter.NewJSONPayloadConverter().FromPayload(fields[name], into)
	}
	read(workflows.AttributeCluster.GetName(), &run.Clusters)
	read(workflows.AttributeCommandID.GetName(), &run.CommandIDs)
	read(workflows.AttributeVerdict.GetName(), &run.Verdict)
	read(workflows.AttributePhase.GetName(), &run.Phase)
	read(workflows.AttributeUser.GetName(), &run.User)
	read(workflows.AttributeParentRun.GetName(), &run.ParentRun)
	read(workflows.AttributeNodes.GetName(), &run.Nodes)
	read(workflows.AttributeFailedNodes.GetName(), &run.FailedNodes)
	if command := execution.GetMemo().GetFields()[workflows.MemoCommand]; command != nil {
		_ = converter.GetDefaultDataConverter().FromPayload(command, &run.Command) // without the key it is not shown
	}
	if run.State == Failed && run.Verdict != "" && run.Verdict != workflows.OutcomePending && run.Verdict != workflows.OutcomeError {
		run.State = Completed // it was told to fail unless it succeeds, see judged
	}
	return run
}

// Outcome is how the run is to be shown in a word: how Temporal ended it where it could
// not say so itself.
func (l Listed) Outcome() string {
	switch l.State {
	case Running:
		return string(l.Phase)
	case Terminated, TimedOut:
		return string(l.State)
	case Failed, Canceled, Completed:
		if l.Verdict == "" || l.Verdict == workflows.OutcomePending {
			return string(l.State)
		}
	}
	return string(l.Verdict)
}
