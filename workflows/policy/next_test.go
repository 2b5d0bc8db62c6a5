package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// standing reads one wave a word and one node a letter: w waits, g is going, s
// succeeded, x ended as nonzero, l was lost, k was skipped, u ended as unknown. A wave
// has begun when one of its nodes did not wait, and ended at noon when none is left.
func standing(waves ...string) Standing {
	states := map[rune]activities.NodeState{
		's': activities.Succeeded, 'x': activities.Nonzero, 'l': activities.Lost, 'k': activities.Skipped, 'u': activities.Unknown,
	}
	s := Standing{Now: noon}
	for i, wave := range waves {
		gate, ended := Gate{}, noon
		for _, letter := range wave {
			place := Place{Wave: i, Stage: Over, State: states[letter]}
			switch letter {
			case 'w':
				place.Stage = Waiting
			case 'g':
				place.Stage = Going
			}
			if place.Stage != Over {
				ended = time.Time{}
			}
			if place.Stage != Waiting {
				gate.BegunAt = noon
			}
			s.Places = append(s.Places, place)
		}
		s.Gates, s.EndedAt = append(s.Gates, gate), append(s.EndedAt, ended)
	}
	return s
}

func (s Standing) with(change func(*Standing)) Standing {
	change(&s)
	return s
}

func TestNextDecidesWhatToDo(t *testing.T) {
	t.Parallel()
	percent := func(text string) Size { return size(t, text) }
	paused := func(s *Standing) { s.Paused = true }
	approved := func(n int) func(*Standing) { return func(s *Standing) { s.Gates[1].Approvals = n } }
	after := func(d time.Duration) func(*Standing) { return func(s *Standing) { s.Now = noon.Add(d) } }
	waitsSince := func(d time.Duration) func(*Standing) { return func(s *Standing) { s.WaitsSince = noon.Add(d) } }
	halted := func(cause Cause, wave int, inFlight InFlight) Decision {
		return Decision{Halt: &Halt{Cause: cause, InFlight: inFlight}, Wave: wave}
	}
	soak := noon.Add(10 * time.Minute)
	for name, tc := range map[string]struct {
		policy Policy
		at     Standing
		want   Decision
	}{
		"without a policy all start at once":  {Policy{}, standing("www"), Decision{Start: []int{0, 1, 2}}},
		"all of a wave start at once":         {Policy{}, standing("w", "ww"), Decision{Start: []int{0}}},
		"the next wave waits for the last":    {Policy{}, standing("gs", "ww"), Decision{}},
		"a wave begins when the last is over": {Policy{}, standing("xs", "ww"), Decision{Start: []int{2, 3}, Wave: 1}},
		"a skipped wave is over":              {Policy{}, standing("kk", "w"), Decision{Start: []int{2}, Wave: 1}},
		"all that runs is waited for":         {Policy{}, standing("s", "gg"), Decision{Wave: 1}},
		"when all are over it is done":        {Policy{}, standing("s", "xk"), Decision{Wave: 1, Done: true}},
		"a rollout of nothing is done":        {Policy{}, standing(), Decision{Done: true}},
		"what is tried again reopens a wave":  {Policy{}, standing("sw", "gw"), Decision{Start: []int{1}}},

		"a window starts as many":              {Policy{Concurrency: Number(2)}, standing("www"), Decision{Start: []int{0, 1}}},
		"a window is filled up":                {Policy{Concurrency: Number(2)}, standing("sgwww"), Decision{Start: []int{2}}},
		"a full window starts none":            {Policy{Concurrency: Number(2)}, standing("ggw"), Decision{}},
		"a window that shrank starts none":     {Policy{Concurrency: Number(1)}, standing("gggw"), Decision{}},
		"a window is a share of all":           {Policy{Concurrency: percent("50%")}, standing("ww", "wwww"), Decision{Start: []int{0, 1}}},
		"a window keeps within its wave":       {Policy{Concurrency: Number(3)}, standing("sg", "ww"), Decision{}},
		"a window counts what another started": {Policy{Concurrency: Number(2)}, standing("w", "gw"), Decision{Start: []int{0}}},

		"a back-off is waited for": {Policy{}, standing("ww").with(func(s *Standing) { s.Places[0].ReadyAt = noon.Add(time.Minute) }),
			Decision{Start: []int{1}, Wake: noon.Add(time.Minute)}},
		"the first of two back-offs wakes": {Policy{}, standing("ww").with(func(s *Standing) {
			s.Places[0].ReadyAt, s.Places[1].ReadyAt = noon.Add(2*time.Minute), noon.Add(time.Minute)
		}), Decision{Wake: noon.Add(time.Minute)}},
		"a back-off that is over starts": {Policy{}, standing("w").with(func(s *Standing) { s.Places[0].ReadyAt = noon }), Decision{Start: []int{0}}},
		"a wave waits for its back-offs": {Policy{}, standing("sw", "w").with(func(s *Standing) { s.Places[1].ReadyAt = noon.Add(time.Minute) }),
			Decision{Wake: noon.Add(time.Minute)}},

		"a soak is waited for":           {Policy{SoakSeconds: 600}, standing("s", "w"), Decision{Wave: 1, SoakUntil: soak, Wake: soak}},
		"a soak that is over is not":     {Policy{SoakSeconds: 600}, standing("s", "w").with(after(10 * time.Minute)), Decision{Wave: 1, Start: []int{1}}},
		"no soak before the first":       {Policy{SoakSeconds: 600}, standing("w", "w"), Decision{Start: []int{0}}},
		"no soak within a wave":          {Policy{SoakSeconds: 600, Concurrency: Number(1)}, standing("s", "sw"), Decision{Wave: 1, Start: []int{2}}},
		"no soak when nothing is left":   {Policy{SoakSeconds: 600}, standing("s", "k"), Decision{Wave: 1, Done: true}},
		"an approval may come in a soak": {Policy{SoakSeconds: 600, Pause: []Pause{PauseEach}}, standing("s", "w").with(approved(1)), Decision{Wave: 1, SoakUntil: soak, Wake: soak}},
		"a soak and an approval":         {Policy{SoakSeconds: 600, Pause: []Pause{PauseEach}}, standing("s", "w"), Decision{Wave: 1, SoakUntil: soak, Wake: soak, Approve: true}},

		"a pause at the start":                  {Policy{Pause: []Pause{PauseStart}}, standing("w", "w"), Decision{Approve: true}},
		"a pause at the start only":             {Policy{Pause: []Pause{PauseStart}}, standing("s", "w"), Decision{Wave: 1, Start: []int{1}}},
		"a pause after the first":               {Policy{Pause: []Pause{PauseFirst}}, standing("s", "w", "w"), Decision{Wave: 1, Approve: true}},
		"a pause after the first only":          {Policy{Pause: []Pause{PauseFirst}}, standing("s", "s", "w"), Decision{Wave: 2, Start: []int{2}}},
		"a pause after each":                    {Policy{Pause: []Pause{PauseEach}}, standing("s", "s", "w"), Decision{Wave: 2, Approve: true}},
		"none before the first":                 {Policy{Pause: []Pause{PauseEach}}, standing("w", "w"), Decision{Start: []int{0}}},
		"none after the last":                   {Policy{Pause: []Pause{PauseEach}}, standing("s"), Decision{Done: true}},
		"none within a wave":                    {Policy{Pause: []Pause{PauseEach}, Concurrency: Number(1)}, standing("s", "sw"), Decision{Wave: 1, Start: []int{2}}},
		"a pause after a failed wave":           {Policy{Pause: []Pause{PauseFailed}}, standing("sx", "w"), Decision{Wave: 1, Approve: true}},
		"none after a good one":                 {Policy{Pause: []Pause{PauseFailed}}, standing("x", "s", "w"), Decision{Wave: 2, Start: []int{2}}},
		"what does not count is no failed wave": {Policy{Pause: []Pause{PauseFailed}, Budget: Budget{Counts: []activities.NodeState{activities.Lost}}}, standing("x", "w"), Decision{Wave: 1, Start: []int{1}}},
		"an approval lets it begin":             {Policy{Pause: []Pause{PauseEach}}, standing("s", "w").with(approved(1)), Decision{Wave: 1, Start: []int{1}}},
		"one of two approvals does not":         {Policy{Pause: []Pause{PauseEach}, Approvals: 2}, standing("s", "w").with(approved(1)), Decision{Wave: 1, Approve: true}},
		"two of two do":                         {Policy{Pause: []Pause{PauseEach}, Approvals: 2}, standing("s", "w").with(approved(2)), Decision{Wave: 1, Start: []int{1}}},

		"an approval is awaited for so long": {Policy{Pause: []Pause{PauseEach}, ApproveWithinSeconds: 60}, standing("s", "w").with(waitsSince(-59 * time.Second)),
			Decision{Wave: 1, Approve: true, Wake: noon.Add(time.Second)}},
		"from now on when it begins to wait": {Policy{Pause: []Pause{PauseEach}, ApproveWithinSeconds: 60}, standing("s", "w"),
			Decision{Wave: 1, Approve: true, Wake: noon.Add(time.Minute)}},
		"and then it is parked": {Policy{Pause: []Pause{PauseEach}, ApproveWithinSeconds: 60}, standing("s", "w").with(waitsSince(-time.Minute)),
			Decision{Wave: 1, Approve: true, Halt: &Halt{Unattended, "nobody approved it within 1m0s", Drain}}},
		"so is one that nobody resumes": {Policy{ApproveWithinSeconds: 60}, standing("sgw").with(paused).with(waitsSince(-time.Minute)),
			Decision{Halt: &Halt{Unattended, "nobody resumed it within 1m0s", Drain}}},
		"the soak ends before the wait": {Policy{SoakSeconds: 600, Pause: []Pause{PauseEach}, ApproveWithinSeconds: 3600}, standing("s", "w"),
			Decision{Wave: 1, Approve: true, SoakUntil: soak, Wake: soak}},

		"a paused one starts nothing":             {Policy{}, standing("gw").with(paused), Decision{}},
		"with an end of the wait":                 {Policy{ApproveWithinSeconds: 60}, standing("gw").with(paused), Decision{Wake: noon.Add(time.Minute)}},
		"a paused one with nothing left is over":  {Policy{}, standing("sx").with(paused), Decision{Done: true}},
		"a pause does not matter to what runs":    {Policy{ApproveWithinSeconds: 60}, standing("sg").with(paused), Decision{}},
		"a breach ends a paused one":              {Policy{Budget: Budget{Whole: new(Size)}}, standing("xw").with(paused), halted(Breached, 0, Drain)},
		"as many failures as the budget go on":    {Policy{Budget: Budget{Whole: ptr(percent("40%"))}}, standing("xx", "www"), Decision{Wave: 1, Start: []int{2, 3, 4}}},
		"one more breaches it":                    {Policy{Budget: Budget{Whole: ptr(percent("40%"))}}, standing("xx", "lww"), halted(Breached, 1, Drain)},
		"no failure is allowed":                   {Policy{Budget: Budget{Whole: new(Size), OnBreach: Stop}}, standing("gxw"), halted(Breached, 0, Stop)},
		"so is an end that was not seen":          {Policy{Budget: Budget{Whole: new(Size)}}, standing("uw"), halted(Breached, 0, Drain)},
		"a skipped node is no failure":            {Policy{Budget: Budget{Whole: new(Size)}}, standing("kw"), Decision{Start: []int{1}}},
		"only what counts breaches":               {Policy{Budget: Budget{Whole: new(Size), Counts: []activities.NodeState{activities.Lost}}}, standing("xxw"), Decision{Start: []int{2}}},
		"a node that is tried again is none":      {Policy{Budget: Budget{Whole: new(Size)}}, standing("gw"), Decision{Start: []int{1}}},
		"the budget of a wave":                    {Policy{Budget: Budget{PerWave: ptr(Number(1))}}, standing("xs", "xxw"), halted(Breached, 1, Drain)},
		"is for each wave anew":                   {Policy{Budget: Budget{PerWave: ptr(Number(1))}}, standing("xs", "xw"), Decision{Wave: 1, Start: []int{3}}},
		"is a share of its nodes":                 {Policy{Budget: Budget{PerWave: ptr(percent("50%"))}}, standing("x", "wwww"), halted(Breached, 1, Drain)},
		"the last failure breaches too":           {Policy{Budget: Budget{Whole: new(Size)}}, standing("sx"), halted(Breached, 0, Drain)},
		"a quorum ends it":                        {Policy{Quorum: Quorum{Nodes: Number(2)}}, standing("sgs", "w"), halted(Reached, 0, Drain)},
		"and stops what runs":                     {Policy{Quorum: Quorum{Nodes: percent("50%"), OnDone: Stop}}, standing("sgsw"), halted(Reached, 0, Stop)},
		"fewer do not":                            {Policy{Quorum: Quorum{Nodes: percent("51%")}}, standing("sgsw"), Decision{Start: []int{3}}},
		"a quorum of all is reached at the end":   {Policy{Quorum: Quorum{Nodes: percent("100%")}}, standing("ss"), halted(Reached, 0, Drain)},
		"a quorum out of reach ends it":           {Policy{Quorum: Quorum{Nodes: percent("75%")}, Budget: Budget{OnBreach: Stop}}, standing("xgxw"), halted(Unreachable, 0, Stop)},
		"one that can be reached does not":        {Policy{Quorum: Quorum{Nodes: percent("75%")}}, standing("xgsw"), Decision{Start: []int{3}}},
		"a skipped node may put it out of reach":  {Policy{Quorum: Quorum{Nodes: percent("100%")}}, standing("kw"), halted(Unreachable, 0, Drain)},
		"a breach weighs more than a quorum":      {Policy{Quorum: Quorum{Nodes: Number(1)}, Budget: Budget{Whole: new(Size)}}, standing("sx"), halted(Breached, 0, Drain)},
		"elsewhere starts as many as needed":      {Policy{Quorum: Quorum{Nodes: Number(2)}, Retry: Retry{Elsewhere: true}}, standing("wwww"), Decision{Start: []int{0, 1}}},
		"elsewhere replaces what failed":          {Policy{Quorum: Quorum{Nodes: Number(2)}, Retry: Retry{Elsewhere: true}}, standing("sxww"), Decision{Start: []int{2}}},
		"elsewhere starts no more than needed":    {Policy{Quorum: Quorum{Nodes: Number(2)}, Retry: Retry{Elsewhere: true}}, standing("sgww"), Decision{}},
		"elsewhere rounds a share up":             {Policy{Quorum: Quorum{Nodes: percent("50%")}, Retry: Retry{Elsewhere: true}}, standing("wwwww"), Decision{Start: []int{0, 1, 2}}},
		"elsewhere keeps within a window":         {Policy{Concurrency: Number(1), Quorum: Quorum{Nodes: Number(2)}, Retry: Retry{Elsewhere: true}}, standing("wwww"), Decision{Start: []int{0}}},
		"elsewhere ends when none are left":       {Policy{Quorum: Quorum{Nodes: Number(2)}, Retry: Retry{Elsewhere: true}}, standing("sxx"), halted(Unreachable, 0, Drain)},
		"elsewhere goes on to the next wave last": {Policy{Quorum: Quorum{Nodes: Number(2)}, Retry: Retry{Elsewhere: true}}, standing("xx", "www"), Decision{Wave: 1, Start: []int{2, 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.policy.Next(tc.at)
			if tc.want.Halt != nil && tc.want.Halt.Text == "" && got.Halt != nil {
				require.NotEmpty(t, got.Halt.Text)
				tc.want.Halt.Text = got.Halt.Text
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestAHaltSaysWhatCameOfTheNodes(t *testing.T) {
	t.Parallel()
	for says, tc := range map[string]struct {
		policy Policy
		at     Standing
	}{
		"3 of 10 nodes failed (nonzero 2, lost 1), the budget allows 20% (2)":            {Policy{Budget: Budget{Whole: ptr(size(t, "20%"))}}, standing("xlxsss", "wwww")},
		"1 of 2 nodes of wave 2 failed (unknown 1), the budget of a wave allows 0":       {Policy{Budget: Budget{PerWave: new(Size)}}, standing("s", "uw")},
		"2 of 4 nodes succeeded, the quorum is 50%":                                      {Policy{Quorum: Quorum{Nodes: size(t, "50%")}}, standing("ssgw")},
		"the quorum of 3 cannot be reached any more: 1 of 4 nodes succeeded, 1 are left": {Policy{Quorum: Quorum{Nodes: Number(3)}}, standing("sxxw")},
	} {
		require.Equal(t, says, tc.policy.Next(tc.at).Halt.Text)
	}
}

func TestOfFiveHundredNodesFivePercentAreTwentyFive(t *testing.T) {
	t.Parallel()
	p := Policy{Budget: Budget{Whole: ptr(size(t, "5%"))}}
	fleet := func(failed int) Standing {
		nodes := slices.Repeat([]rune{'w'}, 500)
		for i := range failed {
			nodes[i] = 'x'
		}
		return standing(string(nodes))
	}
	require.Nil(t, p.Next(fleet(25)).Halt)
	require.Contains(t, p.Next(fleet(26)).Halt.Text, "26 of 500 nodes failed (nonzero 26), the budget allows 5% (25)")
}

func TestANodeIsTriedAgainByItsCauseAndSoOften(t *testing.T) {
	t.Parallel()
	r := Retry{Attempts: 3, On: []activities.NodeState{activities.Lost}, ExitCodes: []int{75}, BackoffSeconds: 40}
	exit := func(code int) *int { return &code }
	require.True(t, r.Again(activities.Lost, nil, 1))
	require.True(t, r.Again(activities.Lost, nil, 2))
	require.False(t, r.Again(activities.Lost, nil, 3), "that was the last")
	require.True(t, r.Again(activities.Nonzero, exit(75), 1))
	require.False(t, r.Again(activities.Nonzero, exit(1), 1))
	require.False(t, r.Again(activities.Nonzero, nil, 1))
	require.False(t, r.Again(activities.Failed, exit(75), 1), "the exit codes are those of commands that ran to their end")
	require.False(t, Retry{On: RetryStates}.Again(activities.Lost, nil, 1), "once is all unless more is said")
	for attempts, want := range map[int]time.Duration{1: 40 * time.Second, 2: 80 * time.Second, 7: 2560 * time.Second, 8: time.Hour, 10: time.Hour} {
		require.Equal(t, want, r.Backoff(attempts), attempts)
	}
	require.Equal(t, DefaultBackoff, Retry{}.Backoff(1))
}

func TestPlacesOfALargeWindowAreGathered(t *testing.T) {
	t.Parallel()
	p := Policy{Concurrency: Number(30)}
	free := func(n int) Standing {
		return standing(strings.Repeat("s", n) + strings.Repeat("g", 30-n) + strings.Repeat("w", 10))
	}
	after := func(s Standing, since, now time.Duration) Decision {
		s.FreeSince, s.Now = noon.Add(since), noon.Add(now)
		return p.Next(s)
	}
	require.Len(t, p.Next(free(3)).Start, 3, "a tenth of the window is started at once")
	require.Equal(t, Decision{Gather: true, Wake: noon.Add(LeastGather)}, p.Next(free(2)))
	require.Equal(t, Decision{Gather: true, Wake: noon.Add(12 * time.Minute)}, after(free(2), 11*time.Minute+25*time.Second, 11*time.Minute+40*time.Second),
		"a twentieth of the time that the wave has taken")
	require.Len(t, after(free(2), 10*time.Minute, 11*time.Minute).Start, 2, "no more came")
	require.Len(t, p.Next(standing(strings.Repeat("s", 30)+"ww")).Start, 2, "nothing is left to wait for")
}

func TestSkippingAWaveGetsNobodyAroundAnApproval(t *testing.T) {
	t.Parallel()
	skipped := func(wave int, waves ...string) Standing {
		s := standing(waves...)
		s.Gates[wave].BegunAt = time.Time{}
		return s
	}
	for name, tc := range map[string]struct {
		pause Pause
		now   Standing
		asks  bool
	}{
		"at the start":                        {PauseStart, skipped(0, "k", "ww"), true},
		"after the first that began":          {PauseFirst, skipped(1, "s", "k", "ww"), true},
		"the first that began is still ahead": {PauseFirst, skipped(0, "k", "ww"), false},
		"after one that failed":               {PauseFailed, skipped(1, "x", "k", "ww"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := Policy{Pause: []Pause{tc.pause}}.Next(tc.now)
			require.Equal(t, tc.asks, d.Approve)
			require.Equal(t, tc.asks, len(d.Start) == 0)
		})
	}
	soaks := skipped(1, "s", "k", "ww")
	soaks.EndedAt[1] = noon.Add(-time.Hour)
	require.Equal(t, noon.Add(time.Minute), Policy{SoakSeconds: 60}.Next(soaks).SoakUntil, "it counts from the end of the wave that ran")
}
