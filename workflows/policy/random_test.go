package policy

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
)

// Rollouts of random fleets and policies, whose nodes end at random.
func TestARolloutNeverStartsMoreThanItMay(t *testing.T) {
	t.Parallel()
	for seed := range int64(2000) {
		dice := rand.New(rand.NewSource(seed))
		n := 1 + dice.Intn(40)
		p := Policy{Waves: []Size{Number(1 + dice.Intn(5)), Number(1 + dice.Intn(n))}}
		if dice.Intn(2) == 0 {
			p.Concurrency = Number(1 + dice.Intn(n))
		}
		if dice.Intn(2) == 0 {
			p.Budget.Whole = ptr(Number(dice.Intn(n)))
		}
		if dice.Intn(2) == 0 {
			p.Quorum.Nodes = Number(1 + dice.Intn(n))
			p.Retry.Elsewhere = dice.Intn(2) == 0
		}
		s := Standing{Now: noon}
		for wave, nodes := range p.Split(n) {
			for range nodes {
				s.Places = append(s.Places, Place{Wave: wave})
			}
			s.Gates, s.EndedAt = append(s.Gates, Gate{}), append(s.EndedAt, noon)
		}
		failed, succeeded := 0, 0
		for steps := 0; ; steps++ {
			require.Less(t, steps, 10*n+10, "seed %d goes on for ever", seed)
			d := p.Next(s)
			breached := p.Budget.Whole != nil && failed > p.Budget.Whole.number
			require.Equal(t, breached, d.Halt != nil && d.Halt.Cause == Breached, "seed %d", seed)
			if d.Halt != nil || d.Done {
				require.Empty(t, d.Start, "seed %d", seed)
				require.Equal(t, !breached && !p.Quorum.Nodes.IsZero() && succeeded >= p.Quorum.Nodes.number, d.Halt != nil && d.Halt.Cause == Reached, "seed %d", seed)
				break
			}
			for _, i := range d.Start {
				require.Equal(t, Place{Wave: d.Wave}, s.Places[i], "seed %d", seed)
				s.Places[i].Stage = Going
			}
			if len(d.Start) > 0 {
				s.Gates[d.Wave].BegunAt = noon
			}
			var going []int
			for i, place := range s.Places {
				if place.Stage == Going {
					going = append(going, i)
					require.Equal(t, d.Wave, place.Wave, "seed %d: only one wave is under way", seed)
				}
			}
			require.NotEmpty(t, going, "seed %d waits for nothing", seed)
			require.True(t, p.Concurrency.IsZero() || len(going) <= p.Concurrency.number, "seed %d", seed)
			require.True(t, !p.Retry.Elsewhere || succeeded+len(going) <= p.Quorum.Nodes.number, "seed %d", seed)
			place := &s.Places[going[dice.Intn(len(going))]]
			place.Stage, place.State = Over, activities.Succeeded
			if dice.Intn(4) == 0 {
				place.State = activities.Nonzero
				failed++
			} else {
				succeeded++
			}
		}
	}
}
