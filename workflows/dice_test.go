package workflows_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// holdByTheDice tries as many cases, side by side, each by the dice of its number. It
// requires that none broke a promise and, of enough cases, that each of what is to occur
// did.
func holdByTheDice(t *testing.T, cases, enough int, occurs []string, try func(seed uint64) (seen map[string]int, broken []string)) {
	t.Helper()
	if testing.Short() {
		cases /= 10
	}
	const shards = 8
	var mu sync.Mutex
	seen, broken := make(map[string]int), []string(nil)
	t.Run("cases", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for seed := shard + 1; seed <= cases; seed += shards {
					saw, broke := try(uint64(seed))
					mu.Lock()
					for what, n := range saw {
						seen[what] += n
					}
					if len(broke) > 0 {
						broken = append(broken, fmt.Sprintf("-seed %d: %s", seed, strings.Join(broke, "; ")))
					}
					mu.Unlock()
				}
			})
		}
	})
	require.Empty(t, strings.Join(broken[:min(len(broken), 20)], "\n"), "%d cases failed; a seed replays one", len(broken))
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[what], what)
	}
	for _, what := range occurs {
		if cases >= enough {
			require.Positive(t, seen[what], "it never occurred: %s", what)
		}
	}
}
