package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/workflows"
)

func TestWhatIsWrongWithSeveralClustersIsSaidBeforeAnythingIsStarted(t *testing.T) {
	t.Parallel()
	two := []string{"--cluster", "a", "--cluster", "b"}
	for name, tc := range map[string]struct {
		flags []string
		says  string
	}{
		"one twice":            {[]string{"--cluster", "a", "--cluster", "a", "--all"}, "cluster a is named twice"},
		"an empty one":         {[]string{"--cluster", "a", "--cluster", "", "--all"}, "a cluster id is empty"},
		"none at once":         {append(two, "--all", "--clusters-at-once", "0"), "--clusters-at-once is 0: use 1 or more"},
		"too many at once":     {append(two, "--all", "--clusters-at-once", "21"), "21 clusters at once are asked for, it can be 1 to 20"},
		"another word":         {append(two, "--all", "--on-cluster-failure", "stop"), `"stop" is no way to go on`},
		"another word for one": {[]string{"--cluster", "a", "--all", "--on-cluster-failure", "stop"}, `--on-cluster-failure is "stop": use continue or hold`},
		"named nodes":          {append(two, "--node", "i-1"), "nodes are named for several clusters, and a node is in one"},
		"past runs":            {append(two, "--all", "--from", "failed:run-1"), "nodes of past runs are of one cluster"},
		"no target":            {two, "no target: name nodes (--node), select them"},
		"everything":           {append(two, "--cluster", "b", "--from", "failed:run-1", "--timeout", "1s"), "nodes of past runs are of one cluster: a run on several takes none (--from); cluster b is named twice; no target: name nodes (--node), select them (--role, --queue, --host, --status), or ask for all of them (--all); the timeout is 1s"},
	} {
		for _, command := range []string{"run", "plan"} {
			t.Run(command+", "+name, func(t *testing.T) {
				t.Parallel()
				var stdout, stderr bytes.Buffer
				code := execute(t.Context(), append(append([]string{command}, tc.flags...), "--", "echo hi"), nil, &stdout, &stderr)
				require.Equal(t, exitUsage, code, stderr.String())
				require.Contains(t, stderr.String(), tc.says)
				require.Empty(t, stdout.String())
			})
		}
	}
	var stdout, stderr bytes.Buffer
	long := append([]string{"run", "--all", "--id", strings.Repeat("x", workflows.MaxClustersName+1)}, two...)
	require.Equal(t, exitUsage, execute(t.Context(), append(long, "--", "echo hi"), nil, &stdout, &stderr))
	require.Contains(t, stderr.String(), "with the name of a cluster behind it Temporal takes 935")
}
