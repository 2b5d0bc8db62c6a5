package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
)

func ptr(s Size) *Size { return &s }

func TestWhatContradictsItselfIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	budget := func(whole, perWave string) Budget {
		return Budget{Whole: ptr(size(t, whole)), PerWave: ptr(size(t, perWave))}
	}
	for says, p := range map[string]Policy{
		"1001 sizes of waves are given, a rollout takes 1000":         {Waves: repeated(Number(1), MaxWaves+1)},
		"wave 2 is 0 and would be empty (--waves)":                    {Waves: []Size{Number(1), {}}},
		"--soak is -1 s, it can be 0 to 168h0m0s":                     {SoakSeconds: -1},
		"--soak is 604801 s":                                          {SoakSeconds: int(MaxSoak/time.Second) + 1},
		"--approve-within is -5 s, it can be 0 to 720h0m0s":           {ApproveWithinSeconds: -5},
		"--retry-backoff is 3601 s, it can be 0 to 1h0m0s":            {Retry: Retry{Attempts: 2, On: RetryStates[:1], BackoffSeconds: 3601}},
		`"last" is no place to pause: use start, first, each, failed`: {Pause: []Pause{PauseEach, "last"}},
		"11 approvals are asked for, it can be 1 to 10":               {Approvals: 11, Pause: []Pause{PauseEach}},
		"approvals are counted where the rollout pauses only":         {Approvals: 2},
		"are said without a budget":                                   {Budget: Budget{OnBreach: Stop}},
		`"succeeded" cannot be counted as a failure: use nonzero, failed, timed_out, stopped, lost, unknown (--count)`: {
			Budget: Budget{Whole: new(Size), Counts: []activities.NodeState{activities.Lost, activities.Succeeded}},
		},
		`--on-breach is "halt": use drain or stop`:                                {Budget: Budget{Whole: new(Size), OnBreach: "halt"}},
		"a budget of all nodes can never be breached: leave --max-failures out":   {Budget: Budget{Whole: ptr(size(t, "100%"))}},
		"can never be breached: leave --max-failures-per-wave out":                {Budget: Budget{PerWave: ptr(size(t, "100%"))}},
		"the budget of a wave (4) is larger than that of the whole rollout (3)":   {Budget: budget("3", "4")},
		"the budget of a wave (10%) is larger than that of the whole rollout (0)": {Budget: budget("0", "10%")},
		"is reached is said without a quorum":                                     {Quorum: Quorum{OnDone: Drain}},
		`--on-quorum is "kill"`:                                                   {Quorum: Quorum{Nodes: Number(1), OnDone: "kill"}},
		"11 attempts are asked for, it can be 1 to 10":                            {Retry: Retry{Attempts: 11, On: RetryStates[:1]}},
		"3 attempts are asked for, and not after what":                            {Retry: Retry{Attempts: 3}},
		"it is said what is tried again, and not how often":                       {Retry: Retry{ExitCodes: []int{75}}},
		"either the nodes that failed are tried again":                            {Retry: Retry{Attempts: 2, On: RetryStates, Elsewhere: true}, Quorum: Quorum{Nodes: Number(1)}},
		"only where not all are needed: give a quorum":                            {Retry: Retry{Elsewhere: true}},
		`a node is not tried again after "stopped"`:                               {Retry: Retry{Attempts: 2, On: []activities.NodeState{activities.Stopped}}},
		"256 is no exit code of a failure":                                        {Retry: Retry{Attempts: 2, ExitCodes: []int{255, 256}}},
		"0 is no exit code of a failure":                                          {Retry: Retry{Attempts: 2, ExitCodes: []int{0, 1}}},
		"after any exit code (--retry-on nonzero) and after certain ones":         {Retry: Retry{Attempts: 2, On: RetryStates, ExitCodes: []int{75}}},
	} {
		problems := p.Problems(false)
		require.Len(t, problems, 1, "%s: %q", says, problems)
		require.Contains(t, problems[0], says)
	}
}

func repeated(s Size, n int) []Size {
	sizes := make([]Size, n)
	for i := range sizes {
		sizes[i] = s
	}
	return sizes
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	problems := Policy{
		Waves: []Size{{}, {}}, SoakSeconds: -1, Pause: []Pause{"x"}, Approvals: -1,
		Budget: Budget{Counts: []activities.NodeState{"x"}, OnBreach: "x"},
		Quorum: Quorum{OnDone: "x"}, Retry: Retry{Attempts: -1, On: []activities.NodeState{"x"}, ExitCodes: []int{-1}},
	}.Problems(false)
	require.Len(t, problems, 2+1+1+1+3+2+3, "%q", problems)
	require.Empty(t, Policy{}.Problems(false))
	require.Empty(t, Policy{}.ProblemsOn(1))
}

func TestWhatIsSentRawCannotBeStopped(t *testing.T) {
	t.Parallel()
	p := Policy{Budget: Budget{Whole: new(Size), OnBreach: Stop}, Quorum: Quorum{Nodes: Number(2), OnDone: Stop}}
	require.Empty(t, p.Problems(false))
	problems := p.Problems(true)
	require.Len(t, problems, 2)
	require.Contains(t, problems[0], "--on-breach is stop, and a command that is sent --raw cannot be stopped")
	require.Contains(t, problems[1], "--on-quorum is stop")
}

func TestWhatWouldHaveNoEffectIsSaid(t *testing.T) {
	t.Parallel()
	p := Policy{Pause: []Pause{PauseStart, PauseFirst}, SoakSeconds: 60}
	require.Len(t, p.Pointless(), 2)
	require.Empty(t, p.Problems(false), "a rollout takes it")
	p.Waves = []Size{Number(1)}
	require.Empty(t, p.Pointless())
	require.Empty(t, Policy{Pause: []Pause{PauseStart}}.Pointless())
}

func TestAPolicyThatDoesNotFitTheNodesIsRefused(t *testing.T) {
	t.Parallel()
	share := func(text string) Size { return size(t, text) }
	for says, p := range map[string]Policy{
		"wave 2 is 10% of 9 nodes, which is less than one node":  {Waves: []Size{Number(1), share("10%"), share("100%")}},
		"a concurrency of 10% of 9 nodes is less than one node":  {Concurrency: share("10%")},
		"a quorum of 10 is more than the 9 nodes that there are": {Quorum: Quorum{Nodes: Number(10)}},
		"a budget of 9 of 9 nodes can never be breached":         {Budget: Budget{Whole: ptr(Number(9))}},
	} {
		problems := p.ProblemsOn(9)
		require.Len(t, problems, 1, "%q", problems)
		require.Contains(t, problems[0], says)
		require.Empty(t, p.ProblemsOn(11), says)
	}
	require.Empty(t, Policy{Waves: []Size{Number(9), share("10%")}}.ProblemsOn(9), "no node is left for the second")
	require.Contains(t, Policy{Waves: []Size{Number(1)}}.ProblemsOn(1001), "1001 nodes would go in 1001 waves, a rollout takes 1000: make the last size larger (--waves)")
	all := Policy{
		Waves: []Size{share("1%")}, Concurrency: share("1%"), Quorum: Quorum{Nodes: Number(10)}, Budget: Budget{Whole: ptr(Number(9))},
	}.ProblemsOn(9)
	require.Len(t, all, 4, "%q", all)
}

func TestWavesShareOutEveryNode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		waves string
		n     int
		want  []int
	}{
		{"1,10%,100%", 500, []int{1, 50, 449}},
		{"1,10%", 25, []int{1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}},
		{"50%", 5, []int{2, 2, 1}},
		{"100%", 4, []int{4}},
		{"3,3,3", 4, []int{3, 1}},
		{"20", 4, []int{4}},
		{"1%", 3, []int{1, 1, 1}}, // refused by ProblemsOn, and no loop without end
	} {
		sizes, err := ParseSizes(tc.waves)
		require.NoError(t, err)
		require.Equal(t, tc.want, Policy{Waves: sizes}.Split(tc.n), "%s of %d", tc.waves, tc.n)
	}
	require.Equal(t, []int{7}, Policy{}.Split(7))
	require.Len(t, Policy{Waves: []Size{Number(1)}}.Split(10_000), 10_000)
}
