package guard_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

// tools are a shell and the programs that it finds.
type tools struct {
	name string
	sh   string
	path string
}

// toolboxes are /bin/sh, and what else is installed here: bash as sh, busybox with
// all that it brings, and the kinds of awk.
func toolboxes(t *testing.T) []tools {
	t.Helper()
	boxes := []tools{{"sh", "/bin/sh", os.Getenv("PATH")}}
	for _, link := range []struct{ as, program string }{
		{"sh", "dash"}, {"sh", "bash"}, {"awk", "mawk"}, {"awk", "gawk"}, {"awk", "original-awk"},
	} {
		program, err := exec.LookPath(link.program)
		if err != nil {
			continue
		}
		bin := t.TempDir()
		require.NoError(t, os.Symlink(program, filepath.Join(bin, link.as)))
		box := tools{link.program + " as " + link.as, "/bin/sh", bin + ":" + os.Getenv("PATH")}
		if link.as == "sh" {
			box.sh = filepath.Join(bin, link.as)
		}
		boxes = append(boxes, box)
	}
	if busybox, err := exec.LookPath("busybox"); err == nil {
		bin := t.TempDir()
		require.NoError(t, exec.Command(busybox, "--install", "-s", bin).Run())
		boxes = append(boxes, tools{"busybox", filepath.Join(bin, "sh"), bin})
	}
	return boxes
}

// machine is where a command is run and stopped: a home of its own, in the process
// table of all.
type machine struct {
	t     *testing.T
	tools tools
	home  string
	token string
}

func newMachine(t *testing.T, with tools) machine {
	t.Helper()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("no /proc here")
	}
	home := t.TempDir()
	m := machine{t, with, home, guard.NewToken(home)}
	t.Cleanup(func() {
		for _, pid := range m.alive() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return m
}

// job is a text that an agent has started.
type job struct {
	t       *testing.T
	command *exec.Cmd
	reader  *bufio.Reader
	output  strings.Builder
}

// start starts a text as an agent does.
func (m machine) start(text string) *job {
	m.t.Helper()
	j := &job{t: m.t}
	file, err := os.CreateTemp(m.t.TempDir(), "text")
	require.NoError(m.t, err)
	_, err = file.WriteString(text)
	require.NoError(m.t, err)
	require.NoError(m.t, file.Close())
	j.command = exec.Command(m.tools.sh, file.Name())
	j.command.Env = []string{"PATH=" + m.tools.path, "HOME=" + m.home}
	j.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	read, write, err := os.Pipe()
	require.NoError(m.t, err)
	m.t.Cleanup(func() { _ = read.Close() })
	j.command.Stdout, j.command.Stderr = write, write
	j.reader = bufio.NewReader(read)
	require.NoError(m.t, j.command.Start())
	require.NoError(m.t, write.Close())
	return j
}

// startWrapped starts a command under the machine's token, and returns when it has
// printed "ready".
func (m machine) startWrapped(command string) *job {
	m.t.Helper()
	j := m.start(guard.Wrap(m.token, command))
	for {
		line, err := j.reader.ReadString('\n')
		j.output.WriteString(line)
		require.NoError(m.t, err, "it ended before it was ready:\n%s", j.output.String())
		if line == "ready\n" {
			return j
		}
	}
}

// end waits until the text has ended and nothing holds its output open.
func (j *job) end() (output string, code int) {
	j.t.Helper()
	rest, err := io.ReadAll(j.reader)
	require.NoError(j.t, err)
	j.output.Write(rest)
	if err := j.command.Wait(); err != nil {
		var exit *exec.ExitError
		require.True(j.t, errors.As(err, &exit), "%v", err)
	}
	return j.output.String(), j.command.ProcessState.ExitCode()
}

// stop stops the machine's token, and requires that nothing of the command is left.
func (m machine) stop(grace time.Duration) guard.Stopping {
	m.t.Helper()
	found := m.stopped(m.start(guard.Stop(m.token, grace, grace+time.Minute)))
	require.Empty(m.t, m.alive(), "left of the command")
	return found
}

// stopped is what a stop says that it has found.
func (m machine) stopped(stop *job) guard.Stopping {
	m.t.Helper()
	output, _ := stop.end()
	found, said := guard.ReadStop(m.token, output)
	require.True(m.t, said, output)
	require.Equal(m.t, "ehpcflow "+m.token+" stop: "+string(found)+"\n", output, "and nothing else")
	return found
}

// alive are the processes that have the machine's home in their environment or
// arguments: what was started on it, whatever its token.
func (m machine) alive() []int {
	var pids []int
	table, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range table {
		environment, _ := os.ReadFile(filepath.Join(process, "environ"))
		arguments, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		if strings.Contains(string(environment)+string(arguments), m.home) {
			pid, _ := strconv.Atoi(filepath.Base(process))
			pids = append(pids, pid)
		}
	}
	return pids
}

// path is a path in the machine's home.
func (m machine) path(names ...string) string {
	return filepath.Join(append([]string{m.home}, names...)...)
}

// record is a path in the token's record.
func (m machine) record(names ...string) string {
	m.t.Helper()
	host, err := os.Hostname()
	require.NoError(m.t, err)
	return m.path(append([]string{".ehpcflow", m.token + "." + host}, names...)...)
}

// exists says whether the path is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
