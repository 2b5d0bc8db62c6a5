package activities_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"ehpcflow/activities"
	"ehpcflow/ehpc"
)

// A worker that waits for its turn at the API is not taken for one that died.
func TestAReadThatWaitsForTheRequestBudgetShowsThatItLives(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]struct {
		activity func(*activities.Activities) any
		in       []any
	}{
		"ListNodes":       {func(a *activities.Activities) any { return a.ListNodes }, []any{activities.ListNodesInput{ClusterID: clusterID}}},
		"ListClusters":    {func(a *activities.Activities) any { return a.ListClusters }, nil},
		"ListAllCommands": {func(a *activities.Activities) any { return a.ListAllCommands }, []any{activities.ListAllCommandsInput{ClusterID: clusterID, Limit: 1}}},
		"ListCommands": {func(a *activities.Activities) any { return a.ListCommands },
			[]any{activities.ListCommandsInput{ClusterID: clusterID, Token: "token", DoubtAt: time.Now()}}},
		"DescribeJob": {func(a *activities.Activities) any { return a.DescribeJob }, []any{activities.DescribeJobInput{ClusterID: clusterID, JobID: "1"}}},
		"ListInvocationResults": {func(a *activities.Activities) any { return a.ListInvocationResults },
			[]any{activities.ListInvocationResultsInput{ClusterID: clusterID, CommandID: "c"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() { time.Sleep(10 * time.Minute) }) // goroutines of the budget end
				provider, err := credentials.NewStaticAKCredentialsProviderBuilder().WithAccessKeyId("id").WithAccessKeySecret("secret").Build()
				require.NoError(t, err)
				api, err := ehpc.New(ehpc.Config{Endpoint: "http://127.0.0.1:1", Credentials: provider, Budget: ehpc.NewBudget(0.01)})
				require.NoError(t, err)
				var suite testsuite.WorkflowTestSuite
				env := suite.NewTestActivityEnvironment()
				beats := 0
				env.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) { beats++ })
				acts := &activities.Activities{EHPC: api, Pace: activities.DefaultPace()}
				env.RegisterActivity(acts)
				started := time.Now()
				for range 2 { // the first takes what the budget has
					_, err = env.ExecuteActivity(read.activity(acts), read.in...)
					require.Error(t, err, "nothing listens there")
				}
				require.Greater(t, time.Since(started), time.Minute)
				require.GreaterOrEqual(t, beats, 3)
			})
		})
	}
}
