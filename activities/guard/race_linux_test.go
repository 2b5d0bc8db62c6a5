package guard_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

// lasting leaves a trace as soon as it runs, and does not end.
const lasting = `: >"$HOME/ran"; exec sleep 1000`

// step is a program that halts the wrapper before the step of this number, until the
// file "on" is there.
const step = `#!/bin/sh
PATH=%s
n=$(ls "$HOME/steps" | wc -l)
mkdir "$HOME/steps/$n"
if [ $n -eq %d ]; then
	: >"$HOME/at"
	until [ -e "$HOME/on" ]; do sleep 0.02; done
fi
exec %s "$@"
`

func TestAStopBetweenAnyTwoStepsOfTheWrapperKeepsTheCommandFromStarting(t *testing.T) {
	t.Parallel()
	programs := []string{"uname", "mkdir", "mkdir", "cat", "head", "mkdir"} // in the wrapper's order; then comes sh
	for at := range len(programs) + 1 {
		t.Run(fmt.Sprint("before step ", at), func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, toolboxes(t)[0])
			require.NoError(t, os.Mkdir(m.path("steps"), 0o700))
			halting := m
			halting.tools.path = t.TempDir() + ":" + m.tools.path
			for _, name := range append(programs, "sh") {
				program, err := exec.LookPath(name)
				require.NoError(t, err)
				file := filepath.Join(filepath.SplitList(halting.tools.path)[0], name)
				writeProgram(t, file, fmt.Sprintf(step, m.tools.path, at, program))
			}
			command := halting.start(guard.Wrap(m.token, lasting))
			require.Eventually(t, func() bool { return exists(m.path("at")) }, time.Minute, 10*time.Millisecond)
			found := m.stopped(m.start(guard.Stop(m.token, time.Minute, 2*time.Minute)))
			require.NoError(t, os.WriteFile(m.path("on"), nil, 0o600))
			output, code := command.end()
			require.False(t, exists(m.path("ran")))
			require.Empty(t, m.alive())
			if at == len(programs) {
				require.Equal(t, guard.Stopped, found)
				require.Equal(t, 128+15, code, output)
				return
			}
			require.Equal(t, guard.Prevented, found)
			require.Equal(t, guard.RefusedCode, code, output)
			require.Equal(t, guard.Second, guard.Read(m.token, output).Refusal)
		})
	}
}

func TestNothingStartsAfterAStopThatCameAtTheSameTime(t *testing.T) {
	t.Parallel()
	const times, atOnce = 200, 10
	with := toolboxes(t)
	found := make(map[guard.Stopping]int)
	for from := 0; from < times; from += atOnce {
		var races []race
		for i := from; i < from+atOnce; i++ {
			m := newMachine(t, with[i%len(with)])
			races = append(races, startRace(m, i))
		}
		for _, r := range races {
			found[r.requireConsistent()]++
		}
	}
	t.Log(found)
	require.NotZero(t, found[guard.Prevented])
	require.NotZero(t, found[guard.Stopped])
}

// race is a command and its stop, started together.
type race struct {
	machine       machine
	command, stop *job
}

// startRace starts the stop up to 50 ms later than the command, or earlier, in steps
// of half a millisecond.
func startRace(m machine, i int) race {
	command, stop := guard.Wrap(m.token, lasting), guard.Stop(m.token, 5*time.Second, time.Minute)
	delay := fmt.Sprintf("sleep %.4f\n", float64(i%100)/2000)
	if i < 100 {
		command = delay + command
	} else {
		stop = delay + stop
	}
	return race{m, m.start(command), m.start(stop)}
}

// requireConsistent requires that nothing of the command is there after what the stop
// says, and returns that.
func (r race) requireConsistent() guard.Stopping {
	t, m := r.machine.t, r.machine
	t.Helper()
	found := m.stopped(r.stop)
	ran := exists(m.path("ran"))
	output, code := r.command.end() // it would not end if it ran on
	require.Equal(t, ran, exists(m.path("ran")), "it began after the stop had said %s", found)
	require.Empty(t, m.alive())
	switch found {
	case guard.Prevented:
		require.Equal(t, guard.RefusedCode, code, output)
		require.False(t, ran)
	case guard.Stopped: // by KILL if its TERM hit the shell that was about to become it
		require.Contains(t, []int{128 + 15, 128 + 9}, code, output)
	default:
		require.Fail(t, "a command that never ends", "the stop says %s:\n%s", found, output)
	}
	return found
}
