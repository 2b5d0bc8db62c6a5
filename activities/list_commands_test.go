package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
	"ehpcflow/ehpcsim"
)

var token = guard.NewToken("a test")

func (b *bundle) look(in activities.ListCommandsInput) (activities.ListCommandsResult, error) {
	b.t.Helper()
	in.ClusterID, in.Token = clusterID, token
	return execute[activities.ListCommandsResult](b, b.acts.ListCommands, in)
}

func (b *bundle) submitGuarded(in activities.InvokeShellCommandInput) activities.InvokeShellCommandResult {
	b.t.Helper()
	in.ClusterID, in.InstanceIDs, in.Timeout, in.Token = clusterID, b.ids, 60, token
	result, err := execute[activities.InvokeShellCommandResult](b, b.acts.InvokeShellCommand, in)
	require.NoError(b.t, err)
	return result
}

func TestACommandIsFoundByItsTokenOnceItIsListed(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	b.acts.Pace.NewFor = 10 * time.Second
	b.sim.SetFaults(ehpcsim.Faults{ListLate: time.Second})
	b.mustSubmit("echo another")
	b.submitGuarded(activities.InvokeShellCommandInput{Stop: &activities.Stop{GraceSeconds: 1, WithinSeconds: 5}})
	submitted := b.submitGuarded(activities.InvokeShellCommandInput{Command: "echo hi"})
	found, err := b.look(activities.ListCommandsInput{DoubtAt: time.Now()})
	require.NoError(t, err)
	require.Equal(t, []string{submitted.CommandID}, found.CommandIDs, "and no stop under that token")
}

func TestThatNothingArrivedIsSaidOnlyAfterItWouldBeListed(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.NewFor = 2 * time.Second
	submitted := b.submitGuarded(activities.InvokeShellCommandInput{Command: "echo hi"})
	began := time.Now()
	found, err := b.look(activities.ListCommandsInput{DoubtAt: time.Now(), Known: []string{submitted.CommandID}})
	require.NoError(t, err)
	require.Empty(t, found.CommandIDs)
	require.GreaterOrEqual(t, time.Since(began), 2*time.Second)
	require.GreaterOrEqual(t, b.sim.Requests("ListCommands"), 2)
}

func TestTheSecondCopyOfACommandIsRefusedAndSaysSo(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	first := b.submitGuarded(activities.InvokeShellCommandInput{Command: "echo hi; exit 3"})
	b.await(first)
	second := b.submitGuarded(activities.InvokeShellCommandInput{Command: "echo hi; exit 3"})
	b.await(second)
	for submitted, refusal := range map[string]guard.Refusal{first.CommandID: "", second.CommandID: guard.Second} {
		got, err := execute[activities.ListInvocationResultsResult](b, b.acts.ListInvocationResults, activities.ListInvocationResultsInput{
			ClusterID: clusterID, CommandID: submitted, Nodes: 2, SubmittedAt: time.Now(), Token: token, OutputLimit: 1000,
		})
		require.NoError(t, err)
		require.Len(t, got.Records, 2)
		for _, record := range got.Records {
			require.Equal(t, refusal, record.Refusal)
			if refusal == "" {
				require.Equal(t, 3, *record.ExitCode)
				require.Equal(t, "hi\n", record.Output, "without what the wrapper printed")
				require.Equal(t, 3, record.OutputBytes)
				require.False(t, record.Incomplete)
			}
		}
	}
}

func TestOutputThatTheServiceCutIsCalledSo(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.submitGuarded(activities.InvokeShellCommandInput{Command: "head -c 30000 /dev/zero | tr '\\0' x"})
	b.await(submitted)
	got, err := execute[activities.ListInvocationResultsResult](b, b.acts.ListInvocationResults, activities.ListInvocationResultsInput{
		ClusterID: clusterID, CommandID: submitted.CommandID, Nodes: 1, SubmittedAt: time.Now(), Token: token, OutputLimit: 100_000,
	})
	require.NoError(t, err)
	require.True(t, got.Records[0].OutputCut)
	require.True(t, got.Records[0].Incomplete)
	require.Less(t, got.Records[0].OutputBytes, 30000)
}

func TestOutputThatLacksItsBeginningIsCalledCut(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmit("echo the rest; printf '\nehpcflow " + token + " ends\n'")
	b.await(submitted)
	got, err := execute[activities.ListInvocationResultsResult](b, b.acts.ListInvocationResults, activities.ListInvocationResultsInput{
		ClusterID: clusterID, CommandID: submitted.CommandID, Nodes: 1, SubmittedAt: time.Now(), Token: token, OutputLimit: 1000,
	})
	require.NoError(t, err)
	require.Equal(t, "the rest\n", got.Records[0].Output)
	require.True(t, got.Records[0].Incomplete)
}

// await watches until every node has ended.
func (b *bundle) await(submitted activities.InvokeShellCommandResult) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return len(b.sim.Ends(submitted.CommandID)) == len(b.ids) }, 20*time.Second, 20*time.Millisecond)
}

func TestACommandThatIsTooLongWithItsWrapperIsNotSent(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	text := make([]byte, 2000)
	for i := range text {
		text[i] = 'x'
	}
	_, err := execute[activities.InvokeShellCommandResult](b, b.acts.InvokeShellCommand, activities.InvokeShellCommandInput{
		ClusterID: clusterID, InstanceIDs: b.ids, Timeout: 60, Token: token, Command: string(text),
	})
	require.Equal(t, activities.ErrTooLong, applicationError(t, err).Type())
	require.Zero(t, b.sim.Requests("InvokeShellCommand"))
}

func TestAStopIsTriedAgainWhateverTheServiceSays(t *testing.T) {
	t.Parallel()
	for code, retried := range map[string]bool{"ServiceUnavailable": true, "ConflictOpt": true, "NotAuthorized": true} {
		b := newBundle(t, 1)
		b.sim.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Code: code})
		_, err := execute[activities.InvokeShellCommandResult](b, b.acts.InvokeShellCommand, activities.InvokeShellCommandInput{
			ClusterID: clusterID, InstanceIDs: b.ids, Timeout: 60, Token: token, Stop: &activities.Stop{GraceSeconds: 1, WithinSeconds: 5},
		})
		require.Equal(t, retried, !applicationError(t, err).NonRetryable(), code)
	}
}
