package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
	"ehpcflow/workflows"
)

// That a lost worker leaves the same doubt is shown against the real server, in
// quickstart/e2e: this environment retries timeouts that the server does not.

var errDoubt = temporal.NewApplicationErrorWithOptions("no answer", "Client.Timeout",
	temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{activities.SubmitFailure{MayHaveRun: true}}})

// onSubmits answers the submits one after the other: with a command of that id, or a
// doubt where it is "".
func (b *bundle) onSubmits(ids ...string) {
	b.OnActivity(acts.InvokeShellCommand, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.InvokeShellCommandInput) (*activities.InvokeShellCommandResult, error) {
			b.submits = append(b.submits, in)
			require.LessOrEqual(b.t, len(b.submits), len(ids), "one more submit than expected")
			id := ids[len(b.submits)-1]
			if id == "" {
				return nil, errDoubt
			}
			return &activities.InvokeShellCommandResult{CommandID: id, Token: in.Token, Accepted: true, SubmittedAt: b.Now()}, nil
		})
}

// onLooks answers the looks for a token one after the other.
func (b *bundle) onLooks(found ...[]string) *[]activities.ListCommandsInput {
	var looks []activities.ListCommandsInput
	b.OnActivity(acts.ListCommands, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ListCommandsInput) (*activities.ListCommandsResult, error) {
			looks = append(looks, in)
			require.LessOrEqual(b.t, len(looks), len(found), "one more look than expected")
			return &activities.ListCommandsResult{CommandIDs: found[len(looks)-1]}, nil
		})
	return &looks
}

// onResultsOf answers with the records of each command.
func (b *bundle) onResultsOf(records map[string][]activities.ResultRecord) {
	b.OnActivity(acts.ListInvocationResults, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ListInvocationResultsInput) (*activities.ListInvocationResultsResult, error) {
			b.collects = append(b.collects, in)
			return &activities.ListInvocationResultsResult{Records: records[in.CommandID]}, nil
		})
}

func refusing(id string) activities.ResultRecord {
	record := left(id, guard.RefusedCode, "")
	record.Refusal = guard.Second
	return record
}

func TestADoubtfulSubmitIsLookedForAndAdopted(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmits("")
	looks := b.onLooks([]string{"c-found"})
	b.onWatch(changed(saw("i-a", activities.Finished)))
	b.onResultsOf(map[string][]activities.ResultRecord{"c-found": {left("i-a", 0, "up")}})
	result, err := b.run(onNodes("i-a"))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict, result.Reason)
	require.Len(t, b.submits, 1, "it is not sent again")
	require.Equal(t, "c-found", result.CommandID)
	require.True(t, result.Commands[0].Adopted)
	require.Equal(t, b.submits[0].Token, (*looks)[0].Token)
	require.Len(t, b.submits[0].Token, guard.TokenLength)
	require.Equal(t, b.submits[0].Token, b.collects[0].Token)
}

func TestItIsSubmittedAgainUnderTheSameTokenWhenNothingArrived(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmits("", "", "c-3")
	looks := b.onLooks(nil, nil)
	b.onWatch(changed(saw("i-a", activities.Finished)))
	b.onResultsOf(map[string][]activities.ResultRecord{"c-3": {left("i-a", 0, "up")}})
	result, err := b.run(onNodes("i-a"))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Len(t, b.submits, 3)
	require.Len(t, *looks, 2)
	require.False(t, b.submits[0].Resubmit)
	require.True(t, b.submits[2].Resubmit)
	require.Equal(t, b.submits[0].Token, b.submits[2].Token)
}

func TestAResubmitThatIsRefusedEndsNoDoubt(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.OnActivity(acts.InvokeShellCommand, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.InvokeShellCommandInput) (*activities.InvokeShellCommandResult, error) {
			b.submits = append(b.submits, in)
			if in.Resubmit {
				return nil, temporal.NewNonRetryableApplicationError("NotAuthorized", "NotAuthorized", nil)
			}
			return nil, errDoubt
		})
	b.onLooks(nil, nil)
	b.answer(time.Hour, workflows.Answer{Choice: workflows.Abandon})
	_, err := b.run(onNodes("i-a"))
	requireCode(t, err, "NotAuthorized")
	require.Equal(t, activities.Unknown, b.status().Nodes[0].State, "the first may still arrive: not called skipped")
	require.Contains(t, b.status().Answers[0].Question, "An earlier try may have started it")
}

func TestTheCopyThatCameFirstOnANodeIsFollowedThere(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmits("", "c-2")
	looks := b.onLooks(nil, []string{"c-1"})
	b.onWatch(
		changed(saw("i-a", activities.Finished), saw("i-b", activities.Finished)),
		changed(saw("i-b", activities.Finished)),
	)
	b.onResultsOf(map[string][]activities.ResultRecord{
		"c-2": {left("i-a", 0, "by the second"), refusing("i-b")},
		"c-1": {refusing("i-a"), left("i-b", 3, "by the first")},
	})
	result, err := b.run(onNodes("i-a", "i-b"))
	require.NoError(t, err)
	require.Equal(t, workflows.Partial, result.Verdict)
	require.Empty(t, result.Reason)
	require.Equal(t, []string{"c-2"}, (*looks)[1].Known)
	require.Equal(t, activities.NodeStatuses{saw("i-b", activities.Running)}, b.watches[1].Commands[0].Nodes)
	require.Equal(t, "by the second", result.Nodes[0].Output)
	require.Equal(t, activities.Nonzero, result.Nodes[1].State)
	require.Equal(t, "by the first", result.Nodes[1].Output)
	require.Equal(t, []string{"i-b"}, result.Commands[0].Refused)
	require.Equal(t, []string{"i-b"}, result.Commands[1].Only)
}

// answer gives an answer to the run's question once it is asked, and says how it was
// taken.
func (b *bundle) answer(after time.Duration, given workflows.Answer) *error {
	refused := new(error)
	b.RegisterDelayedCallback(func() {
		b.UpdateWorkflow(workflows.AnswerUpdate, "", &updates{refused}, given)
	}, after)
	return refused
}

type updates struct{ refused *error }

func (u *updates) Accept()                 {}
func (u *updates) Reject(err error)        { *u.refused = err }
func (u *updates) Complete(_ any, e error) { *u.refused = e }

func TestWhatCannotBeFoundOutIsAsked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raw     bool
		answer  workflows.Answer
		submits []string
		verdict workflows.Verdict
		code    string
	}{
		"sent raw, adopted":               {true, workflows.Answer{Choice: workflows.Adopt, CommandID: "c-1", By: "ann", Why: "seen in the console"}, []string{""}, workflows.Succeeded, ""},
		"not listed, adopted":             {false, workflows.Answer{Choice: workflows.Adopt, CommandID: "c-1"}, []string{""}, workflows.Succeeded, ""},
		"submitted again":                 {true, workflows.Answer{Choice: workflows.Resubmit}, []string{"", "c-1"}, workflows.Succeeded, ""},
		"given up":                        {false, workflows.Answer{Choice: workflows.Abandon}, []string{""}, "", "Client.Timeout"},
		"given up, though it was raw":     {true, workflows.Answer{Choice: workflows.Abandon}, []string{""}, "", "Client.Timeout"},
		"submitted again, in doubt again": {true, workflows.Answer{Choice: workflows.Resubmit}, []string{"", "", "c-1"}, workflows.Succeeded, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			b.onSubmits(tc.submits...)
			b.OnActivity(acts.ListCommands, mock.Anything, mock.Anything).
				Return(nil, temporal.NewNonRetryableApplicationError("ListCommands: NotAuthorized", "NotAuthorized", nil)).Maybe()
			b.onWatch(changed(saw("i-a", activities.Finished)))
			b.onResultsOf(map[string][]activities.ResultRecord{"c-1": {left("i-a", 0, "up")}})
			noID := b.answer(time.Minute, workflows.Answer{Choice: workflows.Adopt})
			var asked *workflows.Question
			b.RegisterDelayedCallback(func() { asked = b.status().Question }, 2*time.Minute)
			refused := b.answer(time.Hour, tc.answer)
			b.answer(2*time.Hour, tc.answer)
			in := onNodes("i-a")
			in.Raw = tc.raw
			result, err := b.run(in)
			require.NoError(t, *refused)
			require.ErrorContains(t, *noID, "needs the id")
			require.NotNil(t, asked)
			require.Contains(t, asked.Text, "no answer")
			require.Equal(t, !tc.raw, strings.Contains(asked.Text, "NotAuthorized"), "why it could not be found out")
			if tc.code != "" {
				requireCode(t, err, tc.code)
				require.Equal(t, activities.Unknown, b.status().Nodes[0].State)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.verdict, result.Verdict)
			require.Len(t, b.submits, len(tc.submits))
			require.Equal(t, tc.answer.Choice, result.Answers[0].Choice)
			require.Equal(t, tc.answer.Why, result.Answers[0].Why)
			require.False(t, result.Answers[0].At.IsZero())
		})
	}
}

func TestAnAnswerWithoutAQuestionIsRefused(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmits("c-1")
	b.OnActivity(acts.ListInvocationStatus, mock.Anything, mock.Anything).After(time.Minute).
		Return(&activities.ListInvocationStatusResult{Changed: activities.NodeStatuses{saw("i-a", activities.Finished)}}, nil)
	b.onResultsOf(map[string][]activities.ResultRecord{"c-1": {left("i-a", 0, "up")}})
	refused := b.answer(time.Second, workflows.Answer{Choice: workflows.Resubmit})
	result, err := b.run(onNodes("i-a"))
	require.NoError(t, err)
	require.ErrorContains(t, *refused, "no open question: it is watching")
	require.Empty(t, result.Answers)
}

func TestAQuestionIsClosedByTheDeadlineOfTheRun(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onSubmits("")
	in := onNodes("i-a")
	in.Raw, in.DeadlineSeconds = true, 600
	_, err := b.run(in)
	requireCode(t, err, "Client.Timeout")
	require.Equal(t, activities.Unknown, b.status().Nodes[0].State)
	require.Less(t, b.status().EndedAt.Sub(b.status().StartedAt), 11*time.Minute)
}
