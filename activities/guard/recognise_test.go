package guard_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

func TestATextOfOursIsRecognised(t *testing.T) {
	t.Parallel()
	token := guard.NewToken("run-1", "1")
	for _, command := range []string{
		"uptime", "echo END\nEND\necho hi\n", "#!/bin/bash -e\necho 'a b'", "echo 界", "\n", guard.Wrap(guard.NewToken("other"), "true"),
	} {
		text, ours := guard.Recognise(guard.Wrap(token, command))
		require.True(t, ours, command)
		require.Equal(t, guard.Text{Token: token, Command: command}, text)
	}
	text, ours := guard.Recognise(guard.Stop(token, 10*time.Second, time.Minute))
	require.True(t, ours)
	require.Equal(t, guard.Text{Token: token, Stop: true}, text)
}

func TestATextOfOthersIsNotRecognised(t *testing.T) {
	t.Parallel()
	wrapped := guard.Wrap(guard.NewToken("run-1"), "uptime")
	for _, text := range []string{
		"", "uptime", "trap : 1 2 3 15\n", "echo\n" + wrapped, strings.ToUpper(wrapped), wrapped[:len(wrapped)/2], "t=" + guard.NewToken("x"),
	} {
		_, ours := guard.Recognise(text)
		require.False(t, ours, text)
	}
}
