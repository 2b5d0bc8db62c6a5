package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
)

func TestThePaceIsPromptAtTheCostOfALazyOne(t *testing.T) {
	t.Parallel()
	runtimes := mix(5000)
	ours := adaptive(activities.DefaultPace()).over(runtimes)
	equal := atEqualCost(ours.Calls, runtimes).over(runtimes)
	t.Logf("ours %+v", ours)
	t.Logf("fixed %+v", equal)
	require.InEpsilon(t, ours.Calls, equal.Calls, 0.01)
	require.LessOrEqual(t, ours.LagP50, equal.LagP50/4)
	require.LessOrEqual(t, ours.RelativeP95, equal.RelativeP95/10)
	require.LessOrEqual(t, ours.LagMax, activities.DefaultPace().Look.Max.Seconds())
}

func TestTheMixHasEveryOrderOfMagnitude(t *testing.T) {
	t.Parallel()
	counts := make(map[int]int)
	for _, runtime := range mix(5000) {
		require.GreaterOrEqual(t, runtime, time.Second)
		require.LessOrEqual(t, runtime, 24*time.Hour)
		for decade := time.Second; decade <= runtime; decade *= 10 {
			counts[int(decade.Seconds())]++
		}
	}
	require.InDelta(t, 5000, counts[1], 0)
	require.InDelta(t, counts[1]-counts[10], counts[10]-counts[100], 200)
}
