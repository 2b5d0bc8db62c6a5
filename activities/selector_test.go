package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
)

// fleet is a small cluster of every kind of node.
func fleet() activities.Nodes {
	return activities.Nodes{
		{InstanceID: "i-m", HostName: "manager", Roles: []string{"Scheduler", "Account"}, Status: "running"},
		{InstanceID: "i-l", HostName: "login0", Roles: []string{"Login"}, Status: "running"},
		{InstanceID: "i-c0", HostName: "compute000", Roles: []string{"Compute"}, Status: "running", Queues: []string{"cpu"}},
		{InstanceID: "i-c1", HostName: "compute001", Roles: []string{"Compute"}, Status: "stopped", Unfit: "stopped", Queues: []string{"cpu", "gpu"}},
		{InstanceID: "i-c10", HostName: "compute010", Roles: []string{"Compute", "Login"}, Status: "running", Queues: []string{"gpu"}},
		{InstanceID: "i-x", Status: "initing", Unfit: "initing"},
	}
}

func ids(nodes activities.Nodes) []string {
	found := []string{}
	for _, node := range nodes {
		found = append(found, node.InstanceID)
	}
	return found
}

func TestASelectorMeansTheNodesThatFitEveryKindOfWord(t *testing.T) {
	t.Parallel()
	type sel = activities.Selector
	for name, tc := range map[string]struct {
		selector  sel
		want      []string
		unmatched []string
	}{
		"all":                          {sel{All: true}, []string{"i-m", "i-l", "i-c0", "i-c1", "i-c10", "i-x"}, nil},
		"all but one by id":            {sel{All: true, Excludes: []string{"i-c1"}}, []string{"i-m", "i-l", "i-c0", "i-c10", "i-x"}, nil},
		"all but a pattern":            {sel{All: true, Excludes: []string{"compute*", "i-x"}}, []string{"i-m", "i-l"}, nil},
		"a role":                       {sel{Roles: []string{"Compute"}}, []string{"i-c0", "i-c1", "i-c10"}, nil},
		"a role in lower case":         {sel{Roles: []string{"compute"}}, []string{"i-c0", "i-c1", "i-c10"}, nil},
		"a role of the service's":      {sel{Roles: []string{"Scheduler"}}, []string{"i-m"}, nil},
		"the managers":                 {sel{Roles: []string{"manager"}}, []string{"i-m"}, nil},
		"one role or the other":        {sel{Roles: []string{"Login", "Manager"}}, []string{"i-m", "i-l", "i-c10"}, nil},
		"a queue":                      {sel{Queues: []string{"gpu"}}, []string{"i-c1", "i-c10"}, nil},
		"one queue or the other":       {sel{Queues: []string{"gpu", "cpu"}}, []string{"i-c0", "i-c1", "i-c10"}, nil},
		"a queue in another case":      {sel{Queues: []string{"GPU"}}, []string{}, []string{"queue GPU"}},
		"a queue and a role":           {sel{Queues: []string{"gpu"}, Roles: []string{"Login"}}, []string{"i-c10"}, nil},
		"a whole host name":            {sel{HostNames: []string{"login0"}}, []string{"i-l"}, nil},
		"a host name is no prefix":     {sel{HostNames: []string{"login", "manager"}}, []string{"i-m"}, []string{"host name login"}},
		"a host name pattern":          {sel{HostNames: []string{"compute00[0-9]"}}, []string{"i-c0", "i-c1"}, nil},
		"any host name":                {sel{HostNames: []string{"*"}}, []string{"i-m", "i-l", "i-c0", "i-c1", "i-c10"}, nil},
		"a pattern is not for ids":     {sel{All: true, Excludes: []string{"i-*"}}, []string{"i-m", "i-l", "i-c0", "i-c1", "i-c10", "i-x"}, []string{"exclude i-*"}},
		"a status":                     {sel{Statuses: []string{"Stopped", "initing"}}, []string{"i-c1", "i-x"}, nil},
		"a status of none is no error": {sel{Statuses: []string{"running", "releasing"}}, []string{"i-m", "i-l", "i-c0", "i-c10"}, nil},
		"role, host name and status": {
			sel{Roles: []string{"Compute"}, HostNames: []string{"compute0*"}, Statuses: []string{"running"}, Excludes: []string{"compute010"}},
			[]string{"i-c0"}, nil,
		},
		"named ones that match": {sel{InstanceIDs: []string{"i-l", "i-c1", "i-c0"}, Roles: []string{"Compute"}}, []string{"i-c0", "i-c1"}, nil},
		"nothing in common":     {sel{Roles: []string{"Compute"}, HostNames: []string{"manager"}}, []string{}, nil},
		"words that fit none": {
			sel{InstanceIDs: []string{"i-l", "i-gone"}, Roles: []string{"Logn"}, Queues: []string{"cpu", "gp"}, HostNames: []string{"gpu*"}, Excludes: []string{"i-never"}},
			[]string{}, []string{"node i-gone", "role Logn", "queue gp", "host name gpu*", "exclude i-never"},
		},
		"a word that fits only nodes left out": {sel{Roles: []string{"Login"}, Excludes: []string{"manager"}}, []string{"i-l", "i-c10"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meant, others, unmatched := tc.selector.Choose(fleet())
			require.Equal(t, tc.want, ids(meant))
			require.Equal(t, tc.unmatched, unmatched)
			require.Len(t, others, len(fleet())-len(meant))
			for _, node := range others {
				require.NotEmpty(t, node.LeftOut)
			}
		})
	}
}

func TestANodeIsLeftOutForTheFirstReasonThatThereIs(t *testing.T) {
	t.Parallel()
	_, others, _ := activities.Selector{
		InstanceIDs: []string{"i-l", "i-c0", "i-c1", "i-c10", "i-x"}, Roles: []string{"Compute"},
		Queues: []string{"gpu"}, HostNames: []string{"compute00*"}, Statuses: []string{"running"}, Excludes: []string{"compute000", "manager"},
	}.Choose(fleet())
	reasons := make(map[string]activities.LeftOut)
	for _, node := range others {
		reasons[node.InstanceID] = node.LeftOut
	}
	require.Equal(t, map[string]activities.LeftOut{
		"i-m": activities.NotNamed, "i-l": activities.OtherRole, "i-x": activities.OtherRole,
		"i-c10": activities.OtherHostName, "i-c1": activities.OtherStatus, "i-c0": activities.OtherQueue,
	}, reasons)
}

func TestOfASelectionTheHistoryKeepsNoMoreThanTheRunNeeds(t *testing.T) {
	t.Parallel()
	b := newBundle(t, 250)
	b.sim.SetNodeStatus(clusterID, b.ids[200], "exception")
	in := activities.ListNodesInput{ClusterID: clusterID, Select: &activities.Selector{HostNames: []string{"compute20*", "gpu*"}}}
	got, err := execute[activities.ListNodesResult](b, b.acts.ListNodes, in)
	require.NoError(t, err)
	require.Equal(t, b.ids[200:210], ids(got.Nodes))
	require.Equal(t, activities.Node{InstanceID: b.ids[200], HostName: "compute200", Unfit: "exception"}, got.Nodes[0])
	require.Equal(t, activities.Node{InstanceID: b.ids[201], HostName: "compute201"}, got.Nodes[1])
	require.Empty(t, got.LeftOut)
	require.Equal(t, []string{"host name gpu*"}, got.Unmatched)
	require.Equal(t, &activities.ClusterNodes{
		Nodes: 250, Roles: []activities.WordCount{{Word: "Compute", Nodes: 250}},
		Statuses: []activities.WordCount{{Word: "exception", Nodes: 1}, {Word: "running", Nodes: 249}},
	}, got.Cluster)

	in.Whole = true
	got, err = execute[activities.ListNodesResult](b, b.acts.ListNodes, in)
	require.NoError(t, err)
	require.Equal(t, activities.Node{
		InstanceID: b.ids[200], HostName: "compute200", Unfit: "exception", Roles: []string{"Compute"}, Status: "exception",
	}, got.Nodes[0])
	require.Len(t, got.LeftOut, 240, "a plan tells of every node")
	require.Equal(t, activities.OtherHostName, got.LeftOut[0].LeftOut)
}
