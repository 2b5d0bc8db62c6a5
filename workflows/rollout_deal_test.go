package workflows_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ehpcflow/activities"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// deal makes a policy, what becomes of each attempt, and how much goes wrong.
func deal(dice *rand.Rand) (workflows.RolloutInput, fates, faults) {
	rarely := func(perCent int) bool { return dice.IntN(100) < perCent }
	for {
		n := 1 + dice.IntN(30)
		in := workflows.RolloutInput{
			RunCommandInput: workflows.RunCommandInput{
				ClusterID: "ehpc-1", Command: "uptime", TimeoutSeconds: 60 + dice.IntN(600), StopWithinSeconds: 60 + dice.IntN(300),
				Target: workflows.Target{Nodes: make([]string, n)},
			},
			Policy: dealPolicy(dice, n),
		}
		if rarely(30) {
			in.NodesPerCommand = 1 + dice.IntN(8)
		}
		if rarely(10) {
			in.DeadlineSeconds = 60 + dice.IntN(7200)
		}
		good, wrong := dice.IntN(101), faults{}
		if rarely(40) {
			wrong = faults{throttle: dice.IntN(300), refuse: dice.IntN(40), doubt: dice.IntN(100), workerLost: dice.IntN(30), hideCommands: dice.IntN(200), blind: dice.IntN(20), unread: dice.IntN(10)}
		}
		if rarely(15) { // many short commands, whose submits take their time, and few may fail
			in.TimeoutSeconds, in.NodesPerCommand = 60+dice.IntN(60), 1+dice.IntN(2)
			in.Policy.Concurrency, in.Policy.Budget = policy.Number(1+dice.IntN(n)), policy.Budget{Whole: number(dice.IntN(3))}
			good, wrong.throttle, wrong.slow = 70+dice.IntN(30), 500, 20*time.Second
			if rarely(50) {
				in.NodesPerCommand, in.Policy.Budget.Counts = 1, []workflows.NodeState{activities.Failed, activities.TimedOut, activities.Lost}
				in.Policy.Retry = policy.Retry{Attempts: 5, On: []workflows.NodeState{activities.Nonzero}, BackoffSeconds: 20}
				good, wrong.throttle = 40, 100
			}
		}
		checked := in
		checked.Target = workflows.Target{All: true}
		if checked.Validate() != nil || len(in.Policy.ProblemsOn(n)) > 0 {
			continue
		}
		return in, func(string, int) fate {
			f := fate{ending: exits, takes: time.Duration(dice.IntN(in.TimeoutSeconds*1000)) * time.Millisecond}
			if dice.IntN(100) < good {
				return f
			}
			f.code = 1 + dice.IntN(3)
			f.ending = []ending{exits, exits, exits, exits, breaks, times, vanishes, hides, silent, traces}[dice.IntN(10)]
			return f
		}, wrong
	}
}

func dealPolicy(dice *rand.Rand, n int) policy.Policy {
	rarely := func(perCent int) bool { return dice.IntN(100) < perCent }
	some := func(of []workflows.NodeState) (states []workflows.NodeState) {
		for _, state := range of {
			if rarely(50) {
				states = append(states, state)
			}
		}
		return states
	}
	inFlight := func() policy.InFlight { return []policy.InFlight{"", policy.Drain, policy.Stop}[dice.IntN(3)] }
	var p policy.Policy
	if rarely(70) {
		for range 1 + dice.IntN(3) {
			p.Waves = append(p.Waves, dealSize(dice, n, 1))
		}
	}
	if rarely(40) {
		p.Concurrency = dealSize(dice, n, 1)
	}
	if rarely(30) {
		p.SoakSeconds = dice.IntN(1800)
	}
	if rarely(40) {
		p.Pause = []policy.Pause{policy.Pauses[dice.IntN(len(policy.Pauses))]}
		p.Approvals = dice.IntN(3)
	}
	if rarely(30) {
		p.ApproveWithinSeconds = 60 + dice.IntN(7200)
	}
	for _, budget := range []**policy.Size{&p.Budget.Whole, &p.Budget.PerWave} {
		if rarely(40) {
			size := dealSize(dice, n, 0)
			*budget = &size
		}
	}
	if p.Budget.Any() {
		p.Budget.OnBreach = inFlight()
		if rarely(50) {
			p.Budget.Counts = some(policy.FailureStates)
		}
	}
	if rarely(25) {
		p.Quorum = policy.Quorum{Nodes: dealSize(dice, n, 1), OnDone: inFlight()}
	}
	switch {
	case rarely(30):
		p.Retry = policy.Retry{Attempts: 2 + dice.IntN(3), On: some(policy.RetryStates), BackoffSeconds: dice.IntN(120)}
		if !slices.Contains(p.Retry.On, activities.Nonzero) {
			p.Retry.ExitCodes = []int{1 + dice.IntN(3)}
		}
	case !p.Quorum.Nodes.IsZero() && rarely(50):
		p.Retry.Elsewhere = true
	}
	return p
}

func dealSize(dice *rand.Rand, n, least int) policy.Size {
	if dice.IntN(2) == 0 {
		return policy.Number(least + dice.IntN(n))
	}
	share := dice.IntN(10_000)
	if dice.IntN(2) == 0 { // so many nodes exactly, where that is a share
		share = dice.IntN(n) * 10_000 / n
	}
	size, err := policy.ParseSize(fmt.Sprintf("%d.%02d%%", share/100, share%100))
	if err != nil {
		panic(err)
	}
	return size
}
