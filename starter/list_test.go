package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestATimeIsSaidAsSuchOrByHowLongAgoItWas(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                          {},
		"90m":                       now.Add(-90 * time.Minute),
		"24h":                       now.Add(-24 * time.Hour),
		"2026-11-24T09:00:00+08:00": time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC),
	} {
		at, ok := readTime(text, now)
		require.True(t, ok, text)
		require.True(t, want.Equal(at), text)
	}
	for _, text := range []string{"yesterday", "-1h", "2026-11-24", "24"} {
		_, ok := readTime(text, now)
		require.False(t, ok, text)
	}
	o := listOptions{since: "yesterday", until: "24"}
	o.query.Limit = -1
	require.ErrorContains(t, o.read(now), `"yesterday" is no time`)
	require.ErrorContains(t, o.read(now), `"24" is no time`)
	require.ErrorContains(t, o.read(now), "(--limit)")
}
