package workflows_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
	"ehpcflow/ehpc"
	"ehpcflow/workflows"
)

func TestInputIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*workflows.RunCommandInput)
		want   []string
	}{
		"no cluster":        {func(in *workflows.RunCommandInput) { in.ClusterID = " " }, []string{"no cluster"}},
		"no target":         {func(in *workflows.RunCommandInput) { in.Target.Nodes = nil }, []string{"no target"}},
		"both targets":      {func(in *workflows.RunCommandInput) { in.Target.All = true }, []string{"--all", "--node"}},
		"an empty node":     {func(in *workflows.RunCommandInput) { in.Target.Nodes = []string{"i-a", ""} }, []string{"node id is empty"}},
		"two in one":        {func(in *workflows.RunCommandInput) { in.Target.Nodes = []string{"i-a,i-b"} }, []string{`"i-a,i-b"`}},
		"a node twice":      {func(in *workflows.RunCommandInput) { in.Target.Nodes = []string{"i-a", "i-a"} }, []string{"i-a is named twice"}},
		"too many nodes":    {func(in *workflows.RunCommandInput) { in.Target.Nodes = make([]string, 10_001) }, []string{"10001 nodes"}},
		"too short":         {func(in *workflows.RunCommandInput) { in.Command = "w" }, []string{"has 1 character,"}},
		"too long":          {func(in *workflows.RunCommandInput) { in.Command = strings.Repeat("é", 2049) }, []string{"has 2049 characters", "shared storage"}},
		"blank":             {func(in *workflows.RunCommandInput) { in.Command = "   " }, []string{"blank"}},
		"no text":           {func(in *workflows.RunCommandInput) { in.Command = "echo \xff" }, []string{"UTF-8"}},
		"timeout too long":  {func(in *workflows.RunCommandInput) { in.TimeoutSeconds = 1 << 40 }, []string{"longer than 720h"}},
		"expected too long": {func(in *workflows.RunCommandInput) { in.ExpectedSeconds = 61 }, []string{"expected to take 1m1s"}},
		"deadline short":    {func(in *workflows.RunCommandInput) { in.DeadlineSeconds = 59 }, []string{"the deadline is 59 s"}},
		"deadline too long": {func(in *workflows.RunCommandInput) { in.DeadlineSeconds = 1 << 40 }, []string{"1440h"}},
		"parts too large":   {func(in *workflows.RunCommandInput) { in.NodesPerCommand = 101 }, []string{"101 nodes a command"}},
		"timeout too short": {func(in *workflows.RunCommandInput) { in.TimeoutSeconds = 59 }, []string{"59s", "1m0s"}},
		"everything": {func(in *workflows.RunCommandInput) { *in = workflows.RunCommandInput{} },
			[]string{"no cluster", "no target", "command is empty", "timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := onNodes("i-a")
			tc.change(&in)
			err := in.Validate()
			var input *workflows.InputError
			require.ErrorAs(t, err, &input)
			for _, want := range tc.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestTheLongestCommandCountsCharacters(t *testing.T) {
	t.Parallel()
	in := onNodes("i-a")
	in.Command = strings.Repeat("界", workflows.MaxCommandLength)
	require.ErrorContains(t, in.Validate(), "more make it run at most once")
	in.Raw = true
	require.NoError(t, in.Validate())

	in.Raw = false
	in.Command = strings.Repeat("界", workflows.MaxCommandLength-guard.Cost("界"))
	in.Command = strings.Repeat("界", workflows.MaxCommandLength-guard.Cost(in.Command))
	require.NoError(t, in.Validate())
	in.Command += "界"
	require.Error(t, in.Validate())
}

func TestTheLimitsAreThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	require.Equal(t, ehpc.MinCommandLength, workflows.MinCommandLength)
	require.Equal(t, ehpc.MaxCommandLength, workflows.MaxCommandLength)
	require.Equal(t, ehpc.MinTimeout, int(workflows.MinTimeout.Seconds()))
	require.Equal(t, ehpc.MaxInstances, workflows.MaxPerCommand)
}
