package console

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/workflows"
)

func TestThePipelinesWordOnAStepIsSaidWhereItDiffers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		step workflows.StepResult
		well bool
		says string
	}{
		{workflows.StepResult{State: workflows.StepSucceeded}, true, ""},
		{workflows.StepResult{State: workflows.StepRunning}, true, ""},
		{workflows.StepResult{State: workflows.StepFailed}, false, ""},
		{workflows.StepResult{State: workflows.StepFailed, Reason: "its output is no JSON"}, true, "as a step of L1: failed: its output is no JSON\n"},
		{workflows.StepResult{State: workflows.StepCanceled}, true, "as a step of L1: canceled\n"},
		{workflows.StepResult{State: workflows.StepSucceeded}, false, "as a step of L1: succeeded\n"},
	} {
		var out bytes.Buffer
		WriteAsStep(&out, "L1", c.step, c.well)
		require.Equal(t, c.says, out.String())
	}
}
