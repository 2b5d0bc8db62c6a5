package main

import (
	"bytes"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// policyOf reads flags of a run, or of a rerun of one with a policy.
func policyOf(t *testing.T, past *policy.Policy, args ...string) (policy.Policy, []string) {
	t.Helper()
	var o policyOptions
	cmd := &cobra.Command{}
	o.register(cmd.Flags(), nil)
	require.NoError(t, cmd.ParseFlags(args))
	if past != nil {
		return o.policy(*past, true)
	}
	return o.policy(policy.Policy{}, false)
}

func share(t *testing.T, text string) policy.Size {
	t.Helper()
	size, err := policy.ParseSize(text)
	require.NoError(t, err)
	return size
}

var everyPolicyFlag = []string{
	"--waves", "1,10%,100%", "--concurrency", "20%", "--soak", "10m", "--pause", "first, failed", "--approvals", "2", "--approve-within", "24h",
	"--max-failures", "5%", "--max-failures-per-wave", "0", "--count", "nonzero,lost", "--on-breach", "stop", "--quorum", "90%", "--on-quorum", "drain",
	"--attempts", "3", "--retry-on", "lost,failed", "--retry-exit-codes", "75, 111", "--retry-backoff", "30s", "--retry-elsewhere",
}

func TestTheFlagsOfAPolicyAreItsParts(t *testing.T) {
	t.Parallel()
	whole, none := share(t, "5%"), policy.Number(0)
	got, problems := policyOf(t, nil, everyPolicyFlag...)
	require.Empty(t, problems)
	require.Equal(t, policy.Policy{
		Waves: []policy.Size{policy.Number(1), share(t, "10%"), share(t, "100%")}, Concurrency: share(t, "20%"), SoakSeconds: 600,
		Pause: []policy.Pause{policy.PauseFirst, policy.PauseFailed}, Approvals: 2, ApproveWithinSeconds: 86400,
		Budget: policy.Budget{Whole: &whole, PerWave: &none, Counts: []workflows.NodeState{"nonzero", "lost"}, OnBreach: policy.Stop},
		Quorum: policy.Quorum{Nodes: share(t, "90%"), OnDone: policy.Drain},
		Retry: policy.Retry{
			Attempts: 3, On: []workflows.NodeState{"lost", "failed"}, ExitCodes: []int{75, 111}, BackoffSeconds: 30, Elsewhere: true,
		},
	}, got)
	for _, flag := range policy.Options {
		require.Contains(t, everyPolicyFlag, "--"+flag.Name)
	}
	got, problems = policyOf(t, nil)
	require.Empty(t, problems)
	require.True(t, got.IsZero(), "without a flag it is a plain run")
}

func TestEachFlagOfAPolicyAloneMakesARollout(t *testing.T) {
	t.Parallel()
	for i := 0; i < len(everyPolicyFlag); i += 2 {
		got, problems := policyOf(t, nil, everyPolicyFlag[i:min(i+2, len(everyPolicyFlag))]...)
		require.Empty(t, problems)
		require.False(t, got.IsZero(), everyPolicyFlag[i])
	}
}

func TestWhatCannotBeReadOfAPolicyIsSaidAllAtOnce(t *testing.T) {
	t.Parallel()
	_, problems := policyOf(t, nil,
		"--waves", "1,,2", "--concurrency", "0", "--soak", "1500ms", "--pause", "first,", "--approvals", "0", "--approve-within", "0", "--max-failures", "x",
		"--max-failures-per-wave", "101%", "--count", "", "--quorum", "0%", "--attempts", "two", "--retry-exit-codes", "75,x", "--retry-backoff", "-3s", "--retry-elsewhere=often")
	says := []string{
		"--waves: \"\" is neither", "--concurrency: it is 0", "--soak: it is 1.5s: use whole seconds", "--pause: a word is missing", `--approvals: "0" is no number from 1 on`,
		"--approve-within: it is 0s: use 1s or more", `--max-failures: "x" is neither`, "--max-failures-per-wave: \"101%\" is more than all", "--count: a word",
		"--quorum: it is 0", `--attempts: "two"`, `--retry-exit-codes: "x" is no number`, "--retry-backoff: it is -3s", "--retry-elsewhere",
	}
	require.Len(t, problems, len(says), "%q", problems)
	for i := range says {
		require.Contains(t, problems[i], says[i])
	}
}

func TestARerunKeepsThePolicyButForWhatIsNamed(t *testing.T) {
	t.Parallel()
	past, problems := policyOf(t, nil, everyPolicyFlag...)
	require.Empty(t, problems)
	same, _ := policyOf(t, &past)
	require.Equal(t, past, same)

	changed, problems := policyOf(t, &past, "--waves", "none", "--soak", "none", "--max-failures", "none", "--quorum", "none", "--retry-elsewhere", "--attempts", "5")
	require.Empty(t, problems)
	want := past
	want.Waves, want.SoakSeconds, want.Budget.Whole, want.Quorum.Nodes, want.Retry.Attempts = nil, 0, nil, policy.Size{}, 5
	require.Equal(t, want, changed)
	require.Len(t, past.Waves, 3, "that of the past run stays")

	var away []string
	for _, flag := range policy.Options {
		away = append(away, "--"+flag.Name+"=none")
	}
	plain, problems := policyOf(t, &past, away...)
	require.Empty(t, problems)
	require.True(t, plain.IsZero())
	_, problems = policyOf(t, nil, "--waves", "none")
	require.Len(t, problems, 1, "there is nothing to take away from a new run")
}

func TestARerunOnFewerNodesSaysHowToFitItsPolicy(t *testing.T) {
	t.Parallel()
	in := workflows.RolloutInput{RunCommandInput: workflows.RunCommandInput{
		ClusterID: "ehpc-1", Command: "uptime", TimeoutSeconds: 60, Target: workflows.Target{Nodes: []string{"i-a", "i-b"}},
	}}
	require.NoError(t, validateRerun(in, "run-1"))
	in.Policy.Waves = []policy.Size{policy.Number(1), share(t, "10%")}
	err := validateRerun(in, "run-1")
	require.ErrorContains(t, err, "the policy of run run-1 does not fit the 2 nodes of its rerun")
	require.ErrorContains(t, err, "such as --waves none; wave 2 is 10% of 2 nodes")
	require.Equal(t, exitUsage, exitCode(err))
}

func TestEverythingThatIsWrongOnTheCommandLineIsInOneMessage(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), []string{
		"plan", "--timeout", "90500ms", "--grace", "0", "--nodes-per-command", "0", "--soak", "soon", "--attempts", "3", "--from", "broken",
	}, nil, &stdout, &stderr)
	require.Equal(t, exitUsage, code)
	for _, says := range []string{
		"no command: give it after --", "--timeout is 1m30.5s: use whole seconds", "--grace and --stop-within cannot be 0", "--nodes-per-command is 0",
		`--soak: "soon" is no length of time`, "3 attempts are asked for, and not after what", `"broken" names no run`,
	} {
		require.Contains(t, stderr.String(), says)
	}
	require.Empty(t, stdout.String())
}

func TestARunThatIsRefusedExitsAsWrongUsageDoes(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		workflows.ErrInvalidInput: exitUsage, workflows.ErrNoNodes: exitUsage, workflows.ErrUnfitNodes: exitUsage, "ClusterNotFound": exitOtherwise,
	} {
		var stdout bytes.Buffer
		a := app{stdout: &stdout}
		err := a.print(runs.Report{State: runs.Failed, Error: &runs.Failure{Code: code}}, false)
		require.Equal(t, want, exitCode(err), code)
	}
}

func TestTheExitCodeIsThatOfTheVerdict(t *testing.T) {
	t.Parallel()
	report := func(state runs.State, verdict workflows.Verdict) runs.Report {
		r := runs.Report{State: state}
		r.Verdict = verdict
		return r
	}
	for want, reports := range map[int][]runs.Report{
		0: {report(runs.Completed, workflows.Succeeded), report(runs.Running, ""), report(runs.Running, workflows.Partial)},
		1: {report(runs.Completed, workflows.Failed), report(runs.Completed, workflows.Gone), report(runs.Failed, ""), report(runs.Failed, workflows.Partial),
			report(runs.Terminated, ""), report(runs.TimedOut, ""), report(runs.Completed, ""), report(runs.Completed, "of tomorrow")},
		4: {report(runs.Completed, workflows.Partial)},
		5: {report(runs.Completed, workflows.Aborted)},
		6: {report(runs.Canceled, workflows.Canceled), report(runs.Canceled, ""), report(runs.Completed, workflows.Canceled)},
		7: {report(runs.Completed, workflows.Unattended)},
	} {
		for _, r := range reports {
			require.Equal(t, want, endCode(r.State, r.Verdict), "%s %s", r.State, r.Verdict)
			if want != 0 {
				require.Equal(t, want, exitCode(&verdictError{want}))
				require.ErrorIs(t, &verdictError{want}, errNotSucceeded)
			}
		}
	}
}
