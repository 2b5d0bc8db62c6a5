package console

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/runs"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

func TestAnApprovalSaysWhoAloneApprovedAndARejectionItsReasonOnce(t *testing.T) {
	t.Parallel()
	for says, result := range map[string]workflows.ApprovalResult{
		"approved by alice only, 1 of 2; it was not approved within 10s": {By: []string{"alice"}, Reason: "it was not approved within 10s"},
		"rejected by bob: too early":                                     {By: []string{"bob"}, Reason: "rejected by bob: too early"},
	} {
		report := runs.ApprovalReport{RunID: "r/ask", State: runs.Completed}
		report.Needed, report.ApprovalResult = 2, result
		report.Verdict = workflows.Failed
		var out bytes.Buffer
		require.NoError(t, WriteApproval(&out, report))
		require.Equal(t, "run r/ask: failed ("+says+")\n", out.String())
	}
	step := workflows.StepResult{Name: "ask", Kind: pipeline.Approves, State: workflows.StepFailed, By: []string{"alice"}, Reason: "it was not approved within 10s"}
	require.Equal(t, "approved by alice only; it was not approved within 10s", stepText(runs.PipelineReport{}, step))
}
