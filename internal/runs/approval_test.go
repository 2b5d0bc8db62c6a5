package runs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/workflows"
)

func TestAnApprovalSaysHowItIsGivenAndAsWhom(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 26, 17, 39, 1, 0, time.FixedZone("", 3600))
	for says, approval := range map[string]workflows.ApprovalStatus{
		"for an approval (Publish?): starter approve a/ask --why TEXT, or starter reject": {Message: "Publish?"},
		"for an approval until 2026-11-26 16:39:01 UTC: starter approve a/ask --why TEXT --by alice, or starter reject": {
			Until: until, Approvers: []string{"alice"},
		},
		"for an approval, 1 of 2 given, of a, b, c, d, e and 1 more: starter approve a/ask --why TEXT --by NAME, or starter reject": {
			Needed: 2, Approvers: []string{"a", "b", "c", "d", "e", "f"}, ApprovalResult: workflows.ApprovalResult{By: []string{"a"}},
		},
	} {
		require.Equal(t, says, ApprovalAsked("a/ask", approval))
	}
}

func TestWhatAnOrderMadeOfAnApprovalIsSaid(t *testing.T) {
	t.Parallel()
	require.Equal(t, "approved", Decided(workflows.ApprovalStatus{ApprovalResult: workflows.ApprovalResult{Verdict: workflows.Succeeded}}))
	require.Equal(t, "rejected", Decided(workflows.ApprovalStatus{ApprovalResult: workflows.ApprovalResult{Verdict: workflows.Failed}}))
	require.Equal(t, "1 of 2 approvals given", Decided(workflows.ApprovalStatus{Needed: 2, ApprovalResult: workflows.ApprovalResult{By: []string{"ann"}}}))
}

func TestWhoApprovedIsNotTakenForWhoDecided(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		by     []string
		reason string
		needed int
		says   string
	}{
		{nil, "it was not approved within 10s", 2, ""},
		{[]string{"alice", "bob"}, "", 2, "by alice, bob"},
		{[]string{"bob"}, "rejected by bob: too early", 2, "by bob"},
		{[]string{"alice"}, "it was not approved within 10s", 2, "approved by alice only, 1 of 2"},
		{[]string{"alice"}, "it was not approved within 10s", 0, "approved by alice only"},
	} {
		require.Equal(t, c.says, DecidedBy(workflows.ApprovalResult{By: c.by, Reason: c.reason}, c.needed))
	}
}
