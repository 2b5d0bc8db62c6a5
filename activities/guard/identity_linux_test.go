package guard_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

func TestAWrapperWhoseProcessIDWasGivenAwayIsNobodyToStop(t *testing.T) {
	t.Parallel()
	m := newMachine(t, toolboxes(t)[0])
	other := newMachine(t, m.tools)
	successor := other.start(`echo ready; sleep 1000; exit 5`)
	_, err := successor.reader.ReadString('\n')
	require.NoError(t, err)
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(successor.command.Process.Pid), "stat"))
	require.NoError(t, err)
	name, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	start := &fields[19]

	actual := *start
	*start = strconv.Itoa(number(t, actual) - 1)
	require.NoError(t, os.MkdirAll(m.record("go"), 0o700))
	require.NoError(t, os.WriteFile(m.record("pid"), []byte(name+") "+strings.Join(fields, " ")), 0o600))
	require.Equal(t, guard.Finished, m.stop(0))
	require.NotEmpty(t, other.alive())

	*start = actual
	require.NoError(t, os.WriteFile(m.record("pid"), []byte(name+") "+strings.Join(fields, " ")), 0o600))
	require.Equal(t, guard.Stopped, m.stop(0), "if it is the same process, then its children are of the command")
	_, code := successor.end()
	require.Equal(t, 5, code, "and it is not signalled itself")
}

// givenAway is a process table of its own, in which the next id can be chosen: between
// two looks of a stop, the id of what it has ended goes to somebody else. Nothing else
// is started meanwhile.
const givenAway = `mount -t proc proc /proc || exit 77
mkfifo "$HOME/halt"
env EHPCFLOW=TOKEN sleep 1000 & was=$!
PATH=$HOME/bin:$PATH sh "$HOME/stop" & stop=$!
wait $was
until [ -e "$HOME/looked" ]; do :; done
echo $((was-1)) >/proc/sys/kernel/ns_last_pid || exit 77
sleep 1000 & is=$!
[ $is = $was ] || { echo "$is is not $was"; exit 1; }
echo >"$HOME/halt"
wait $stop
kill -0 $is && echo "the successor lives"
`

// halting is a sleep that lasts, the first time, until there is something to read.
const halting = `#!/bin/sh
[ -e "$HOME/looked" ] && exec /bin/sleep "$@"
: >"$HOME/looked"
read line <"$HOME/halt"
`

func TestAProcessIDThatWasGivenAwayBetweenTwoLooksIsNotKilled(t *testing.T) {
	t.Parallel()
	m := newMachine(t, toolboxes(t)[0])
	require.NoError(t, os.Mkdir(m.path("bin"), 0o700))
	writeProgram(t, m.path("bin", "sleep"), halting)
	writeProgram(t, m.path("stop"), guard.Stop(m.token, 0, time.Minute))
	writeProgram(t, m.path("scene"), strings.ReplaceAll(givenAway, "TOKEN", m.token))
	output, code := m.start(`unshare --pid --fork --mount sh "$HOME/scene"`).end()
	if code == 77 || strings.Contains(output, "unshare") {
		t.Skip("no process table of its own here: ", output)
	}
	require.Contains(t, output, "stop: stopped\n")
	require.Contains(t, output, "the successor lives\n")
}

func number(t *testing.T, text string) int {
	t.Helper()
	value, err := strconv.Atoi(text)
	require.NoError(t, err)
	return value
}

const leaderless = "GUARD_TEST_WITHOUT_FIRST_THREAD"

// A child of this very program, told so by its environment, ends its first thread and
// goes on with the others.
func init() {
	if os.Getenv(leaderless) == "" {
		return
	}
	go func() {
		fmt.Println("ready")
		select {}
	}()
	_, _, _ = syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
}

func TestAProcessWhoseFirstThreadHasEndedIsStopped(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	require.NoError(t, err)
	for _, with := range toolboxes(t) {
		t.Run(with.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, with)
			command := m.startWrapped("trap '' TERM\n" + leaderless + "=1 " + program + " & echo $! >\"$HOME/pid\"; wait")
			text, err := os.ReadFile(m.path("pid"))
			require.NoError(t, err)
			pid := number(t, strings.TrimSpace(string(text)))
			require.Eventually(t, func() bool {
				stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
				return err == nil && strings.Contains(string(stat), ") Z ")
			}, time.Minute, 10*time.Millisecond, "it looks as if it had ended")
			require.Equal(t, guard.Stopped, m.stop(time.Second))
			require.Error(t, syscall.Kill(pid, 0))
			command.end()
		})
	}
}
