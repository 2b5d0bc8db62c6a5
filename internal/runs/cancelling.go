package runs

import (
	"context"
	"strings"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// Cancelling says of a pipeline that was cancelled and goes on what it does, and how its
// finally is stopped too, which no cancellation of the pipeline does; "" of every other.
func (r PipelineReport) Cancelling() string {
	if r.State != Running || r.Phase != workflows.Stopping {
		return ""
	}
	var stop []string
	for _, step := range r.Finally {
		if step.State == workflows.StepRunning && step.RunID != "" {
			stop = append(stop, "starter cancel "+step.RunID)
		}
	}
	switch {
	case len(stop) > 0:
		return "was cancelled, and its finally runs; to stop that too: " + strings.Join(stop, ", ")
	case len(r.Finally) > 0:
		return "was cancelled: what runs is being stopped, then its finally runs"
	}
	return "was cancelled: what runs is being stopped"
}

// CancelledBefore is Cancelling of a run of any kind, as far as it can be read.
func CancelledBefore(ctx context.Context, c client.Client, id string) string {
	if kind, err := KindOf(ctx, c, id); err != nil || kind != OnPipeline && kind != OfItems {
		return ""
	}
	report, err := ReadPipeline(ctx, c, id)
	if err != nil {
		return ""
	}
	return report.Cancelling()
}
