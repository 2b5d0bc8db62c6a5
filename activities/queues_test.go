package activities_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
)

// newBundleOfQueues has 120 nodes: 60 of the queue cpu, 59 of gpu, one of none.
func newBundleOfQueues(t *testing.T) *bundle {
	t.Helper()
	cluster := ehpcsim.DemoCluster(clusterID, 120)
	for i := range 119 {
		cluster.Nodes[i].Queue = []string{"cpu", "gpu"}[i%2]
	}
	return newBundleOf(t, cluster)
}

func TestTheNodesOfAQueueAreChosenFromEveryPage(t *testing.T) {
	t.Parallel()
	b := newBundleOfQueues(t)
	in := activities.ListNodesInput{ClusterID: clusterID, Select: &activities.Selector{
		Queues: []string{"gpu", "gpu", "gqu"}, HostNames: []string{"compute0*", "compute10[0-3]"},
	}}
	got, err := execute[activities.ListNodesResult](b, b.acts.ListNodes, in)
	require.NoError(t, err)
	require.Len(t, got.Nodes, 52)
	require.Equal(t, activities.Node{InstanceID: b.ids[1], HostName: "compute001"}, got.Nodes[0], "the history keeps no queues")
	require.Equal(t, "compute103", got.Nodes[51].HostName)
	require.Equal(t, []string{"queue gqu"}, got.Unmatched)
	require.Equal(t, []activities.WordCount{{Word: "gpu", Nodes: 59}, {Word: "gqu", Nodes: 0}}, got.Cluster.Queues)
	require.Equal(t, 2+1, b.sim.Requests("ListNodesByQueue"), "each queue is read once")

	in.Whole = true
	got, err = execute[activities.ListNodesResult](b, b.acts.ListNodes, in)
	require.NoError(t, err)
	require.Equal(t, []string{"gpu"}, got.Nodes[0].Queues)
	require.Equal(t, activities.OtherQueue, got.LeftOut[0].LeftOut)
	require.Empty(t, got.LeftOut[0].Queues, "nobody asked for its queue")
}

func TestNoQueueIsReadThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	b := newBundleOfQueues(t)
	for _, in := range []activities.ListNodesInput{
		{ClusterID: clusterID, Whole: true},
		{ClusterID: clusterID, Select: &activities.Selector{Roles: []string{"Compute"}}},
	} {
		got, err := execute[activities.ListNodesResult](b, b.acts.ListNodes, in)
		require.NoError(t, err)
		require.Nil(t, got.Cluster.Queues)
	}
	require.Zero(t, b.sim.Requests("ListNodesByQueue"))
}

func TestAQueueThatCannotBeReadFailsTheListing(t *testing.T) {
	t.Parallel()
	b := newBundleOfQueues(t)
	b.sim.Inject(ehpcsim.Fault{Action: "ListNodesByQueue", Code: "InvalidParams"})
	_, err := execute[activities.ListNodesResult](b, b.acts.ListNodes, activities.ListNodesInput{
		ClusterID: clusterID, Select: &activities.Selector{Queues: []string{"gpu"}},
	})
	require.Equal(t, "InvalidParams", applicationError(t, err).Type())
	require.ErrorContains(t, err, "ListNodesByQueue")
}

func TestAWorkerThatDoesNotKnowQueuesReadsASelectorThatSelectsNothing(t *testing.T) {
	t.Parallel()
	full := activities.Selector{
		All: true, InstanceIDs: []string{"i-a"}, Roles: []string{"Compute"}, Queues: []string{"gpu"},
		HostNames: []string{"c*"}, Statuses: []string{"running"}, Excludes: []string{"i-b"},
	}
	text, err := json.Marshal(&full)
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text, &fields))
	require.Len(t, fields, 2, "queues and within, both unknown to it: %s", text)

	var read activities.Selector
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, full, read)

	read = activities.Selector{}
	require.NoError(t, json.Unmarshal([]byte(`{"queues":["gpu"],"roles":["Compute"]}`), &read))
	require.Equal(t, activities.Selector{Queues: []string{"gpu"}, Roles: []string{"Compute"}}, read, "people may write it side by side")
	require.Error(t, json.Unmarshal([]byte(`{"queues":["gpu"],"within":7}`), &read))

	text, err = json.Marshal(activities.Selector{Roles: []string{"Compute"}})
	require.NoError(t, err)
	require.JSONEq(t, `{"roles":["Compute"]}`, string(text), "without queues it is written as ever")
}
