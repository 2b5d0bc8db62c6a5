package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/workflows"
)

func TestAPlainRunCannotBeSteered(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.start("sleep 300")
	await(t, 20*time.Second, "it runs", func() bool { return s.phase(id) == workflows.Watching })
	for says, args := range map[string][]string{
		"run " + id + " is no rollout":    {"pause", id, "--why", "for the test"},
		"there is no run run-nowhere":     {"skip-nodes", "run-nowhere", "i-a", "--why", "for the test"},
		"no reason is given: say why":     {"resume", id},
		"--approvals: \"x\" is no number": {"rerun", id, "--approvals", "x"},
	} {
		got := s.starter(args...)
		require.Equal(t, 2, got.code, got.stderr)
		require.Contains(t, got.stderr, says)
	}
	require.Equal(t, 0, s.starter("cancel", id).code)
	require.Equal(t, 6, s.starter("status", id).code, "it was cancelled")
	require.Equal(t, 2, s.starter("pause", id, "--why", "too late").code)
}
