package ehpcsim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// newConfinedBundle skips the test where nodes cannot be confined.
func newConfinedBundle(t *testing.T) *bundle {
	t.Helper()
	b := newBundle(t)
	if err := b.Confined(); err != nil {
		t.Skip("this kernel does not allow it: ", err)
	}
	return b
}

// on is submit for one of the nodes.
func (b *bundle) on(node int, command string) string {
	b.t.Helper()
	return b.submit(command, map[string]string{"Instance.1.Id": b.ids[node]})
}

// firstProcesses finds those of the simulator's nodes, in the real process table.
func firstProcesses(t *testing.T, b *bundle) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var found []int
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && strings.HasPrefix(string(line), "ehpcsim-confined\x00") && strings.Contains(string(line), b.ScratchDir()) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			require.NoError(t, err)
			found = append(found, pid)
		}
	}
	return found
}

// nap is a duration for sleep that no other run of these tests uses.
func nap(seconds string) string { return seconds + "." + strconv.Itoa(os.Getpid()) }

// find prints the pids of the processes that have TOKEN in their environment.
const find = `for d in /proc/[0-9]*; do tr '\0' '\n' < $d/environ 2>/dev/null | grep -qx EHPCFLOW=TOKEN && echo ${d#/proc/}; done; `

func TestACommandSeesAndEndsWhatAnotherStartedOnItsNodeOnly(t *testing.T) {
	t.Parallel()
	b := newConfinedBundle(t)
	mine := b.on(0, "export EHPCFLOW=TOKEN; sleep "+nap("71")+"; echo ended by $?; exit 4")
	theirs := b.on(1, "export EHPCFLOW=TOKEN; sleep "+nap("71")+"; echo ended by $?; exit 4")
	require.Eventually(t, func() bool { return sleepers(t, nap("71")) == 2 }, soon, often)

	seen := strings.Fields(b.run(find).Message)
	require.Len(t, seen, 1, "the sleep of this node, not that of the other")
	require.Equal(t, 0, b.run("kill "+seen[0]).ExitCode)
	ended := b.end(mine)
	require.Equal(t, "ended by 143\n", strings.ReplaceAll(ended.Message, "Terminated\n", ""))
	require.Equal(t, 4, ended.ExitCode)
	require.Empty(t, b.run(find).Message)
	_, other := b.call("ListInvocationStatus", map[string]string{"CommandId": theirs})
	require.Equal(t, "Running", other.InvokeStatus)
}

func TestCommandsOfANodeRunAtOnceAndApart(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	var ids []string
	for i := range 8 {
		ids = append(ids, b.submit(fmt.Sprintf(
			"touch in-%d; until [ $(ls | wc -l) -eq 8 ]; do sleep 0.02; done; echo %d; pwd; exit %d", i, i, i), map[string]string{"WorkingDir": "/together"}))
	}
	for i, id := range ids {
		got := b.end(id)
		require.Equal(t, i, got.ExitCode)
		require.Equal(t, fmt.Sprintf("%d\n%s/together\n", i, filepath.Join(b.ScratchDir(), clusterID, b.ids[0])), got.Message)
	}
}

func TestATimeoutEndsItsCommandAndNoOtherOfTheNode(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.run("sleep " + nap("70") + " > /dev/null 2>&1 &")
	other := b.submit("sleep "+nap("72")+"; echo never", nil)
	id := b.submit("sleep "+nap("73")+" & exec env -i sleep "+nap("74"), map[string]string{"Timeout": "1"})
	require.Equal(t, -1, b.end(id).ExitCode)
	require.False(t, sleeping(t, nap("74")), "not even a shell that gave up its environment is missed")
	require.False(t, sleeping(t, nap("73")))
	require.True(t, sleeping(t, nap("72")), "another command goes on")
	require.True(t, sleeping(t, nap("70")), "and so does what an ended one left in the background")
	_, got := b.call("ListInvocationStatus", map[string]string{"CommandId": other})
	require.Equal(t, "Running", got.InvokeStatus)
}

func TestProcessesThatLostTheirParentAreReaped(t *testing.T) {
	t.Parallel()
	b := newConfinedBundle(t)
	b.run("for i in 1 2 3 4 5 6 7 8 9; do (sleep 0.05 &); done > /dev/null 2>&1")
	require.Eventually(t, func() bool {
		return b.run("cat /proc/[0-9]*/stat 2>/dev/null | grep -c -e '(sleep)'").Message == "0\n"
	}, soon, often, "neither alive nor zombies")
}

func TestANodeWhoseFirstProcessDiedComesBackWithTheNextCommand(t *testing.T) {
	t.Parallel()
	b := newConfinedBundle(t)
	id := b.submit("sleep "+nap("75"), nil)
	require.Eventually(t, func() bool { return sleeping(t, nap("75")) }, soon, often)
	first := firstProcesses(t, b)
	require.Len(t, first, 1)
	require.NoError(t, syscall.Kill(first[0], syscall.SIGKILL))
	got := b.end(id)
	require.Equal(t, "Failed", got.InvokeRecordStatus)
	require.Contains(t, got.Message, "first process ended")
	require.Equal(t, "back on "+b.host+"\n", b.run("echo back on $(hostname)").Message)
	require.False(t, sleeping(t, nap("75")))
	again := firstProcesses(t, b)
	require.Len(t, again, 1)
	require.NotEqual(t, first, again)
}

func TestANodeHasOneFirstProcessUntilItVanishesOrTheSimulatorCloses(t *testing.T) {
	t.Parallel()
	b := newConfinedBundle(t)
	for node := range 2 {
		for range 3 {
			b.end(b.on(node, "setsid env -i sleep "+nap("76")+" > /dev/null 2>&1 &"))
		}
	}
	require.Len(t, firstProcesses(t, b), 2)
	require.Equal(t, 6, sleepers(t, nap("76")))
	b.RemoveNode(clusterID, b.ids[0])
	require.Eventually(t, func() bool { return sleepers(t, nap("76")) == 3 }, soon, often, "the node's background is gone with it")
	require.Len(t, firstProcesses(t, b), 1)
	require.NoError(t, b.Close())
	require.Empty(t, firstProcesses(t, b))
	require.False(t, sleeping(t, nap("76")), "not even what dropped its environment, its session and its parent is left")
}

func TestAnInterpreterThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	got := newBundle(t).run("#!/no/such/interpreter\nhello")
	require.Equal(t, "Failed", got.InvokeRecordStatus)
	require.Contains(t, got.Message, "start the shell: fork/exec")
	require.Contains(t, got.Message, "no such file or directory")
}
