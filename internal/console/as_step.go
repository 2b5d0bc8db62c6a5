package console

import (
	"fmt"
	"io"

	"ehpcflow/workflows"
)

// WriteAsStep says what a run is for the pipeline that it is a step of, where there is
// more to it than the run says itself: a reason, or another end than that of the run, which
// went well or not.
func WriteAsStep(out io.Writer, over string, step workflows.StepResult, well bool) {
	text := fmt.Sprintf("as a step of %s: %s", over, step.State)
	switch reason := stepRemark(step); {
	case reason != "":
		text += ": " + printable(reason)
	case !step.Ended() || (step.State == workflows.StepSucceeded) == well:
		return
	}
	fmt.Fprintln(out, text)
}
