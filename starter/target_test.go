package main

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"ehpcflow/workflows"
)

func TestFlagsThatNeedALookAtTheClusterMakeASelector(t *testing.T) {
	t.Parallel()
	type sel = workflows.Selector
	for name, tc := range map[string]struct {
		flags []string
		want  workflows.Target
	}{
		"all":              {[]string{"--all"}, workflows.Target{All: true}},
		"named":            {[]string{"--node", "i-a", "--node", "i-b"}, workflows.Target{Nodes: []string{"i-a", "i-b"}}},
		"queues":           {[]string{"--queue", "gpu", "--queue", "cpu"}, workflows.Target{Select: &sel{Queues: []string{"gpu", "cpu"}}}},
		"named of a queue": {[]string{"--node", "i-a", "--queue", "gpu"}, workflows.Target{Select: &sel{InstanceIDs: []string{"i-a"}, Queues: []string{"gpu"}}}},
		"everything": {
			[]string{"--all", "--role", "r", "--queue", "q", "--host", "h", "--status", "s", "--exclude", "e", "--skip-unfit"},
			workflows.Target{SkipUnfit: true, Select: &sel{
				All: true, Roles: []string{"r"}, Queues: []string{"q"}, HostNames: []string{"h"}, Statuses: []string{"s"}, Excludes: []string{"e"},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var o targetOptions
			cmd := &cobra.Command{}
			o.register(cmd)
			require.NoError(t, cmd.ParseFlags(tc.flags))
			require.Equal(t, tc.want, o.target())
		})
	}
}
