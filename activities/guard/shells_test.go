package guard_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

// shell is what an agent starts a text with.
type shell struct {
	name  string
	agent string // the program that gets the text's file
	sh    string // what a wrapped text finds as sh
}

// shells are /bin/sh, and what else of its kind is installed here: each as "sh", and
// bash also under its own name.
func shells(t *testing.T) []shell {
	t.Helper()
	known := []shell{{"sh", "/bin/sh", "/bin/sh"}}
	system, err := filepath.EvalSymlinks("/bin/sh")
	require.NoError(t, err)
	for _, name := range []string{"dash", "bash", "busybox"} {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		as := filepath.Join(t.TempDir(), "sh")
		require.NoError(t, os.Symlink(program, as))
		if name == "bash" {
			known = append(known, shell{"bash for sh", program, as})
		}
		if name != filepath.Base(system) {
			known = append(known, shell{name + " as sh", as, as})
		}
	}
	return known
}

// node is a machine with a home and a working directory of its own.
type node struct {
	t     *testing.T
	shell shell
	home  string
	work  string
}

func newNode(t *testing.T, of shell) node {
	t.Helper()
	root := t.TempDir()
	n := node{t, of, filepath.Join(root, "home"), filepath.Join(root, "work")}
	require.NoError(t, os.Mkdir(n.home, 0o755))
	require.NoError(t, os.Mkdir(n.work, 0o755))
	return n
}

// ran is what a text left.
type ran struct {
	output string // standard output and error, as one
	code   int    // 128 and the signal's number for a death by signal
}

const input = "first line of the input\nsecond line of the input\n"

// run runs a text as an agent does: from a file, by the shell or by what its #! line
// names.
func (n node) run(text string) ran {
	n.t.Helper()
	file := filepath.Join(n.t.TempDir(), "text")
	writeProgram(n.t, file, text)
	words := []string{n.shell.agent, file}
	if strings.HasPrefix(text, "#!") {
		words = words[1:]
	}
	read, write, err := os.Pipe()
	require.NoError(n.t, err)
	defer read.Close() //nolint:errcheck // only read from
	command := exec.Command(words[0], words[1:]...)
	command.Dir = n.work
	command.Stdin = strings.NewReader(input)
	command.Stdout, command.Stderr = write, write
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	command.Env = []string{
		"PATH=" + filepath.Dir(n.shell.sh) + ":" + os.Getenv("PATH"), "HOME=" + n.home, "LANG=C.UTF-8", "A_VARIABLE=of the agent",
	}
	require.NoError(n.t, command.Start())
	require.NoError(n.t, write.Close())
	output, err := io.ReadAll(read) // until nothing holds it open
	require.NoError(n.t, err)
	if err := command.Wait(); err != nil {
		var exit *exec.ExitError
		require.True(n.t, errors.As(err, &exit), "%v", err)
	}
	status := command.ProcessState.Sys().(syscall.WaitStatus)
	left := ran{string(output), status.ExitStatus()}
	if status.Signaled() {
		left.code = 128 + int(status.Signal())
	}
	left.output = strings.ReplaceAll(left.output, file, "FILE")
	if runs, _ := filepath.Glob(n.records("*/run")); len(runs) == 1 {
		left.output = strings.ReplaceAll(left.output, runs[0], "FILE")
	}
	return left
}

// wrapped runs a text under a token of its own, and reads what it left.
func (n node) wrapped(text string) (ran, guard.Outcome) {
	n.t.Helper()
	token := guard.NewToken(n.t.Name())
	left := n.run(guard.Wrap(token, text))
	outcome := guard.Read(token, left.output)
	return ran{outcome.Output, left.code}, outcome
}

// records are the paths of this pattern below the folder of records.
func (n node) records(pattern string) string { return filepath.Join(n.home, ".ehpcflow", pattern) }

// writeProgram keeps other programs from being started while the file is open: one
// that inherited it would make its execution fail as busy.
func writeProgram(t *testing.T, file, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o755))
}
