package main

import (
	"bytes"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

func TestAnOrderThatIsIncompleteIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"pause takes the name of one run; no reason is given: say why (--why)": {"pause"},
		"resume takes the name of one run":                                     {"resume", "run-1", "run-2", "--why", "x"},
		"no reason is given":                                                   {"approve", "run-1", "--why", " "},
		"skip-nodes takes the name of a run and the ids of nodes":              {"skip-nodes", "run-1", "--why", "x"},
		"nothing is to be changed: name --concurrency":                         {"set", "run-1", "--why", "x"},
		`--concurrency: it is 0: use 1 or more`:                                {"set", "run-1", "--why", "x", "--concurrency", "0"},
		`--max-failures: "x" is neither a number of nodes, such as 20, nor a share of them, such as 10%; --look-every: it is 1.5s: use whole seconds`: {
			"set", "run-1", "--why", "x", "--max-failures", "x", "--look-every", "1500ms",
		},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitUsage, execute(t.Context(), args, nil, &stdout, &stderr), stderr.String())
		require.Contains(t, stderr.String(), says)
		require.Empty(t, stdout.String())
	}
}

func TestEveryUpdateHasItsCommand(t *testing.T) {
	t.Parallel()
	a := &app{}
	for _, update := range []string{
		workflows.PauseUpdate, workflows.ResumeUpdate, workflows.ApproveUpdate, workflows.RejectUpdate, workflows.AbandonUpdate,
		workflows.SetUpdate, workflows.SkipUpdate, workflows.AddUpdate, workflows.RetryUpdate,
	} {
		cmd, _, err := a.command().Find([]string{update})
		require.NoError(t, err, update)
		require.Contains(t, cmd.Use, update+" RUN")
		require.NotNil(t, cmd.Flags().Lookup("why"))
		require.NotNil(t, cmd.Flags().Lookup("by"))
	}
}

func TestSettingsAreThoseThatAreNamed(t *testing.T) {
	t.Parallel()
	settings := func(args ...string) *workflows.Settings {
		var o settingOptions
		flags := pflag.NewFlagSet("set", pflag.ContinueOnError)
		o.register(flags)
		require.NoError(t, flags.Parse(args))
		set, err := o.settings()
		require.NoError(t, err)
		return set
	}
	window, none, failures, deadline, look, zero := share(t, "10%"), policy.Number(0), policy.Number(3), 7200, 5, 0
	require.Equal(t, &workflows.Settings{Concurrency: &window, MaxFailures: &failures, MaxFailuresPerWave: &none, DeadlineSeconds: &deadline, LookSeconds: &look},
		settings("--concurrency", "10%", "--max-failures", "3", "--max-failures-per-wave", "0", "--deadline", "2h", "--look-every", "5s"))
	require.Equal(t, &workflows.Settings{Concurrency: &none, DeadlineSeconds: &zero, LookSeconds: &zero},
		settings("--concurrency", "none", "--deadline", "none", "--look-every", "none"))
}
