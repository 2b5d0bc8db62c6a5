package activities_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
)

func (b *bundle) attach(commandID string) (activities.AttachCommandResult, error) {
	b.t.Helper()
	return execute[activities.AttachCommandResult](b, b.acts.AttachCommand, activities.AttachCommandInput{ClusterID: clusterID, CommandID: commandID})
}

func TestACommandIsAttachedToByWhatTheServiceTellsOfIt(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 2)
	b.acts.Pace.NewFor = time.Millisecond
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
	b.acts.Pace.NewFor = time.Millisecond
	found, err := b.attach(b.submitGuarded(activities.InvokeShellCommandInput{Command: "echo hi"}).CommandID)
	require.NoError(t, err)
	require.Equal(t, "echo hi", found.Command)
	require.Equal(t, token, found.Token)
}

func TestACommandWhoseTextMayNotBeListedIsAttachedToAllTheSame(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.NewFor = time.Millisecond
	submitted := b.mustSubmit("sleep 30")
	b.sim.Inject(ehpcsim.Fault{Action: "ListCommands", Code: "NotAuthorized", Times: -1})
	found, err := b.attach(submitted.CommandID)
	require.NoError(t, err)
	require.False(t, found.Known)
	require.Len(t, found.Nodes, 1)
}

// listing has the service list these nodes in turn, the last ones for ever, and nothing else.
func (b *bundle) listing(turns ...[]string) *atomic.Int32 {
	b.t.Helper()
	looks := new(atomic.Int32)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("Action") != "ListInvocationStatus" {
			_, _ = w.Write([]byte(`{"RequestId":"R","TotalCount":0,"PageNumber":1,"PageSize":20,"Commands":{"Command":[]}}`))
			return
		}
		var nodes []string
		for _, id := range turns[min(int(looks.Add(1)), len(turns))-1] {
			nodes = append(nodes, `{"InstanceId":"`+id+`","InvocationStatus":"Running"}`)
		}
		_, _ = w.Write([]byte(`{"RequestId":"R","CommandId":"c-1","InvokeStatus":"Running","InvokeInstances":{"InvokeInstance":[` + strings.Join(nodes, ",") + `]}}`))
	}))
	b.t.Cleanup(service.Close)
	var err error
	b.acts.EHPC, err = ehpc.New(ehpc.Config{
		Region: "cn-hangzhou", Endpoint: service.URL, Budget: ehpc.NewBudget(1000),
		Credentials: credentials.NewStaticAKCredentialsProvider("key", "secret"),
	})
	require.NoError(b.t, err)
	return looks
}

func TestTheNodesOfACommandThatAreShownOneByOneAreWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.NewFor = time.Millisecond
	looks := b.listing([]string{"i-a"}, []string{"i-a", "i-b"}, []string{"i-a", "i-b", "i-c"}, []string{"i-c", "i-b", "i-a"})
	found, err := b.attach("c-1")
	require.NoError(t, err)
	require.Len(t, found.Nodes, 3)
	require.Equal(t, int32(4), looks.Load(), "until two listings name the same")
}

func TestTheNodesOfACommandAreListedTwiceSomeTimeApart(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.NewFor = 200 * time.Millisecond
	looks := b.listing([]string{"i-a"})
	began := time.Now()
	_, err := b.attach("c-1")
	require.NoError(t, err)
	require.Equal(t, int32(2), looks.Load())
	require.GreaterOrEqual(t, time.Since(began), b.acts.Pace.NewFor)
}

func TestMakingSureOfTheNodesEndsWithTheWorker(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 1)
	b.acts.Pace.NewFor = time.Hour
	b.listing([]string{"i-a"})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	b.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	_, err := b.attach("c-1")
	require.ErrorContains(t, err, "deadline exceeded")
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
