package guard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// innocents are processes that no stop may touch: neighbours whose names and
// environments mislead who looks at processes, and the command of another token.
type innocents struct {
	t        *testing.T
	machine  machine
	other    *job
	strange  []*exec.Cmd
	released []func() error
}

func newInnocents(t *testing.T, with tools, token string) *innocents {
	t.Helper()
	m := newMachine(t, with)
	i := &innocents{t: t, machine: m}
	i.other = m.startWrapped(`trap 'exit 1' TERM; echo ready; while [ ! -e "$HOME/leave" ]; do sleep 0.1; done`)
	for _, name := range []string{"a) Z 1 (b", "a) S 1\n1 (c", "ä ) R 0 0", "stat:9 / 7"} {
		name = filepath.Join(t.TempDir(), strings.ReplaceAll(name, "/", "∕"))
		require.NoError(t, os.Symlink("/bin/cat", name))
		command := exec.Command(name)
		command.Env = []string{"EHPCFLOW=" + token + "x", "XEHPCFLOW=" + token, "A=\nEHPCFLOW=" + token + "\n"}
		hold, err := command.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		i.strange = append(i.strange, command)
		i.released = append(i.released, hold.Close)
	}
	return i
}

// requireAlive lets all innocents end in their own way.
func (i *innocents) requireAlive() {
	i.t.Helper()
	for at, command := range i.strange {
		require.NoError(i.t, i.released[at]())
		require.NoError(i.t, command.Wait(), "a neighbour was hit")
	}
	require.NoError(i.t, os.WriteFile(i.machine.path("leave"), nil, 0o600))
	_, code := i.other.end()
	require.Zero(i.t, code, "the command of another token was hit")
}
