package confine_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim/confine"
)

const (
	soon  = 20 * time.Second
	often = 10 * time.Millisecond
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("CONFINE_TEST_NODE"); dir != "" {
		holdNode(dir)
	}
	os.Exit(m.Run())
}

// holdNode runs a program on a node until this process is killed, and says the
// first process's pid.
func holdNode(dir string) {
	node, err := confine.Start("held", dir, nil)
	if err == nil {
		_, err = node.Run(confine.Order{Args: []string{"/bin/sleep", "600"}, Dir: dir, Output: os.Stderr})
	}
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString(strconv.Itoa(node.Pid()) + "\n")
	select {}
}

func startNode(t *testing.T) (*confine.Node, string) {
	t.Helper()
	dir := t.TempDir()
	node, err := confine.Start("node", dir, nil)
	if err != nil {
		t.Skip("this kernel does not allow it: ", err)
	}
	t.Cleanup(func() {
		node.Kill()
		<-node.Gone()
	})
	return node, dir
}

func TestNothingOnANodeOutlivesWhoStartedIt(t *testing.T) {
	t.Parallel()
	_, dir := startNode(t)
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "CONFINE_TEST_NODE="+dir)
	said, err := holder.StdoutPipe()
	require.NoError(t, err)
	output, err := holder.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	line, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(t, err)
	first, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)

	require.NoError(t, holder.Process.Kill())
	_, err = io.ReadAll(output)
	require.NoError(t, err, "its end is that of the last process that can write to it")
	_ = holder.Wait()
	require.Eventually(t, func() bool { return syscall.Kill(first, 0) != nil }, soon, often)
}

func TestAProgramWritesToItsOutputAndReportsItsEnd(t *testing.T) {
	t.Parallel()
	node, dir := startNode(t)
	for text, want := range map[string]syscall.WaitStatus{"echo $A; exit 3": 3 << 8, "echo $A; kill -15 $$": 15} {
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		program, err := node.Run(confine.Order{Args: []string{"/bin/sh", "-c", text}, Env: []string{"A=b"}, Dir: dir, Output: writer})
		require.NoError(t, err)
		require.NoError(t, writer.Close())
		output, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.Equal(t, "b\n", string(output))
		<-program.Ended
		status, err := program.Status()
		require.NoError(t, err)
		require.Equal(t, want, status)
	}
}

func TestAnOrderThatCannotBeCarriedOutSaysWhy(t *testing.T) {
	t.Parallel()
	node, dir := startNode(t)
	for _, tc := range []struct {
		order confine.Order
		want  string
	}{
		{confine.Order{Args: []string{"/no/such/program"}, Dir: dir}, "fork/exec /no/such/program: no such file or directory"},
		{confine.Order{Args: []string{"/bin/true"}, Dir: "/no/such/directory"}, "no such file or directory"},
		{confine.Order{Args: []string{"/bin/true", strings.Repeat("x", 70_000)}, Dir: dir}, "shorten its arguments"},
	} {
		tc.order.Output = os.Stderr
		_, err := node.Run(tc.order)
		require.ErrorContains(t, err, tc.want)
	}
	node.Kill()
	<-node.Gone()
	_, err := node.Run(confine.Order{Args: []string{"/bin/true"}, Dir: dir, Output: os.Stderr})
	require.ErrorIs(t, err, confine.ErrGone)
}

func TestANodeThatCannotBePreparedSaysWhy(t *testing.T) {
	t.Parallel()
	startNode(t) // skips where none can be
	_, err := confine.Start("node", "/no/such/directory", nil)
	require.ErrorContains(t, err, "mount the node's directory: no such file or directory")
}
