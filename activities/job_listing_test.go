package activities

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
)

func TestFinishedJobsAreReadFromTheEndsAndFromWhereSomeWereFound(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{9, 2, 8, 3, 7, 4, 6, 5}[0:2], further(9, 0, 0)[0:2])
	require.Equal(t, []int{5, 9}, slices.Sorted(slices.Values(further(9, 5, 0)[0:2])))
	require.Empty(t, further(1, 0, 3))
	require.Empty(t, further(0, 0, 3))
	for pages := range 40 {
		for _, skip := range []int{0, 1, 20, 75} {
			numbers := slices.Sorted(slices.Values(further(pages, 7, skip)))
			require.Len(t, slices.Compact(numbers), max(pages-1, 0), "each page but the first, once")
		}
	}
}

func TestAFinishedJobIsFoundWhereverItIsListed(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, ehpcsim.Config{Script: &ehpcsim.Script{}}, 200)
	const jobs = (2*finishedPages + 3) * ehpc.MaxJobsPage
	ids := make(map[string]string)
	for i := range jobs {
		name := fmt.Sprintf("solve.%d", i)
		id := c.submit(name)
		if i%311 == 0 {
			ids[name] = id
		}
	}
	for name, id := range ids {
		require.Equal(t, JobFinished, c.follow(name, id))
	}
}
