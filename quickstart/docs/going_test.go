package docs

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// going is a command that goes on while the rest of its page is executed.
type going struct {
	command
	shell *exec.Cmd
	said  *transcript
	ended chan struct{}
}

// transcript is what a command has said so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// begin starts a command and returns when it has said what it goes on after; before that
// it must not end.
func (w *world) begin(c command) *going {
	w.t.Helper()
	_, shell := w.shell(w.t.Context(), c)
	g := &going{command: c, shell: shell, said: new(transcript), ended: make(chan struct{})}
	shell.Stdout, shell.Stderr = g.said, g.said
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to be interrupted as by a terminal: whole
	require.NoError(w.t, shell.Start(), "%s", c)
	go func() {
		_ = shell.Wait()
		close(g.ended)
	}()
	w.t.Cleanup(func() { _ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) })
	for deadline := time.After(time.Minute); !strings.Contains(g.said.String(), c.until); {
		select {
		case <-g.ended:
		case <-deadline:
		case <-time.After(20 * time.Millisecond):
			continue
		}
		w.t.Errorf("%s: it did not say %q\n    %s\n%s", c, c.until, c.text, g.said)
		break
	}
	return g
}

// end sees to it that a command ends as it is to.
func (g *going) end(t *testing.T) {
	t.Helper()
	if g.stays {
		select {
		case <-g.ended:
			t.Errorf("%s: it was to stay up, and ended\n    %s\n%s", g.command, g.text, g.said)
			return
		default:
		}
		require.NoError(t, syscall.Kill(-g.shell.Process.Pid, syscall.SIGINT), "%s", g.command)
	}
	select {
	case <-g.ended:
		if code := g.shell.ProcessState.ExitCode(); code != g.exit {
			t.Errorf("%s: exit code %d where %d is said\n    %s\n%s", g.command, code, g.exit, g.text, g.said)
		}
	case <-time.After(time.Minute):
		t.Errorf("%s: it did not end, though its page did\n    %s\n%s", g.command, g.text, g.said)
	}
}
