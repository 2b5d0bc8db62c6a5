package runs

import (
	"context"

	"go.temporal.io/sdk/client"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// readItems reports how a run of a foreach stands, with every item and its value.
func readItems(ctx context.Context, c client.Client, id string, state State) (PipelineReport, error) {
	report := PipelineReport{RunID: id, State: state, Foreach: true}
	var status workflows.ItemsStatus
	if !ask(ctx, c, id, workflows.PipelineQuery, &status, workflows.ItemsRequest{Items: pipeline.MaxItems}) {
		report.Trouble = unanswering
	}
	report.PipelineStatus = status.PipelineStatus
	var in workflows.ItemsInput
	if _, err := readInput(ctx, c, id, &in); err == nil { // it is told only
		for i := range report.Steps[:min(len(report.Steps), len(in.Items))] {
			report.Steps[i].Item = in.Items[i]
		}
	}
	switch state {
	case Running:
		report.readSteps(ctx, c)
	case Completed, Failed, Canceled:
		report.Phase, report.Trouble = workflows.Ended, ""
		var result workflows.ItemsResult
		failure, err := readEnd(ctx, c, id, &result, &result.Reason)
		if err != nil {
			return report, err
		}
		report.Verdict, report.Reason = result.Verdict, result.Reason
		report.State, report.Error = judged(state, failure)
	case Terminated, TimedOut:
		report.Trouble = ""
		report.Error = &Failure{Code: string(state), Message: "the workflow was ended from outside; the runs of its items are cancelled by that"}
	}
	return report, nil
}
