package console

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal opens a terminal of 80 by 24 that nobody looks at.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	require.NoError(t, unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}))
	return master
}

func TestColoursAreForTerminalsThatWantThem(t *testing.T) {
	for name, env := range map[string][2]string{"NO_COLOR": {"NO_COLOR", "1"}, "a dumb terminal": {"TERM", "dumb"}} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(env[0], env[1])
			require.False(t, bool(paintFor(openTerminal(t))))
		})
	}
	t.Run("else", func(t *testing.T) {
		t.Setenv("NO_COLOR", "")
		t.Setenv("TERM", "xterm")
		require.True(t, bool(paintFor(openTerminal(t))))
		require.False(t, bool(paintFor(&bytes.Buffer{})))
	})
}

func TestADumbTerminalIsGivenLines(t *testing.T) {
	t.Setenv("TERM", "dumb")
	require.IsType(t, &lines{}, NewProgress(openTerminal(t), 0))
	require.IsType(t, &clusterLines{}, NewClustersProgress(openTerminal(t)))
	require.IsType(t, &stepLines{}, NewPipelineProgress(openTerminal(t)))
}

func TestAPipelineIsATreeOnATerminalAndTellsAnApprovalWhole(t *testing.T) {
	t.Setenv("TERM", "xterm")
	live := NewPipelineProgress(openTerminal(t)).(*livePipeline)
	live.Show(branching())
	live.mu.Lock()
	require.Equal(t, "run-1  pipeline fork", live.head())
	require.Contains(t, live.bar(), "6 of 9 steps ended")
	require.Contains(t, live.step(0), "✓")
	require.Contains(t, live.step(0), " fetch ")
	require.Contains(t, live.step(2), "│ ")
	require.Contains(t, live.step(6), "waits for an approval")
	require.Contains(t, live.step(8), "clean (finally)")
	require.Equal(t, "for an approval (Publish?): starter approve run-1/ask --why TEXT, or starter reject", live.waits["ask"])
	live.mu.Unlock()
	live.Close()
	live.Close()
}
