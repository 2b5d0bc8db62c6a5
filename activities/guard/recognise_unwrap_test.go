package guard_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

func TestWhatWasWrappedIsUnwrapped(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"uptime", "#!/usr/bin/env python3\nprint(1)\n", "cat <<\\END\nx\nEND\n", "head -c 3 <<x\nset aaaaaaaaaaaaa y\n", "echo 'ü界'",
	} {
		wanted := guard.NewToken("a", command)
		for _, text := range []string{guard.Wrap(wanted, command), strings.TrimRight(guard.Wrap(wanted, command), "\n")} {
			token, found, ok := guard.Unwrap(text)
			require.True(t, ok, command)
			require.Equal(t, wanted, token)
			require.Equal(t, command, found)
		}
	}
}

func TestAnyOtherTextIsNotUnwrapped(t *testing.T) {
	t.Parallel()
	wrapped := guard.Wrap(guard.NewToken("a"), "uptime")
	for _, text := range []string{
		"", "uptime", wrapped + "echo more\n", "echo before\n" + wrapped, strings.Replace(wrapped, "head -c 6", "head -c 9999999999999999999", 1),
		strings.Replace(wrapped, "head -c 6", "head -c 99999", 1), guard.Stop(guard.NewToken("a"), 1e9, 5e9),
	} {
		_, _, ok := guard.Unwrap(text)
		require.False(t, ok, text)
	}
}
