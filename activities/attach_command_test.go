package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
)

func (b *bundle) attach(commandID string) (activities.AttachCommandResult, error) {
	b.t.Helper()
	return execute[activities.AttachCommandResult](b, b.acts.AttachCommand, activities.AttachCommandInput{ClusterID: clusterID, CommandID: commandID})
}

func TestACommandIsAttachedToByWhatTheServiceTellsOfIt(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	b.mustSubmit("echo another")
	found, err := b.attach(b.mustSubmit("sleep 30").CommandID)
	require.NoError(t, err)
	require.True(t, found.Known)
	require.Equal(t, "sleep 30", found.Command)
	require.Equal(t, 60, found.TimeoutSeconds)
	require.Len(t, found.Nodes, 2)
	require.Equal(t, activities.Running, found.Nodes[0].State)
	require.Empty(t, found.Token)
}

func TestACommandOfARunOfOursIsAttachedToWithItsToken(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	found, err := b.attach(b.submitGuarded(activities.InvokeShellCommandInput{Command: "echo hi"}).CommandID)
	require.NoError(t, err)
	require.Equal(t, "echo hi", found.Command)
	require.Equal(t, token, found.Token)
}

func TestACommandWhoseTextMayNotBeListedIsAttachedToAllTheSame(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	submitted := b.mustSubmit("sleep 30")
	b.sim.Inject(ehpcsim.Fault{Action: "ListCommands", Code: "NotAuthorized", Times: -1})
	found, err := b.attach(submitted.CommandID)
	require.NoError(t, err)
	require.False(t, found.Known)
	require.Len(t, found.Nodes, 1)
}

func TestACommandThatIsNotFoundMayBeTooNewForAWhile(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	for newFor, final := range map[time.Duration]bool{time.Hour: false, 0: true} {
		b.acts.Pace.NewFor = newFor
		_, err := b.attach("c-nobody-knows")
		var failed *temporal.ApplicationError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "ObjectNotFound", failed.Type())
		require.Equal(t, final, failed.NonRetryable())
	}
}
