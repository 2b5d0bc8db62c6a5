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

func TestAHandlerOfTERMIsLeftToItsWorkUntilGraceIsOver(t *testing.T) {
	t.Parallel()
	const handles = `clean() { sleep 1 && (sleep 0.5) && echo cleaned >"$HOME/cleaned"; exit 7; }
trap clean TERM
echo ready
while :; do sleep 1000 & wait $!; done`
	for _, with := range toolboxes(t) {
		t.Run(with.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, with)
			command := m.startWrapped(handles)
			require.Equal(t, guard.Stopped, m.stop(20*time.Second))
			_, code := command.end()
			require.Equal(t, 7, code)
			require.True(t, exists(m.path("cleaned")), "what a handler started got TERM too")

			late := newMachine(t, with)
			command = late.startWrapped(handles)
			require.Equal(t, guard.Stopped, late.stop(300*time.Millisecond))
			command.end()
			require.False(t, exists(late.path("cleaned")), "KILL comes when grace is over")
		})
	}
}

func TestWhatAHandlerLeavesBehindGetsTERMToo(t *testing.T) {
	t.Parallel()
	m := newMachine(t, toolboxes(t)[0])
	command := m.startWrapped(`trap 'sleep 1000 & exit 4' TERM; echo ready; while :; do sleep 1; done`)
	begun := time.Now()
	require.Equal(t, guard.Stopped, m.stop(2*time.Minute))
	require.Less(t, time.Since(begun), time.Minute, "it was left until KILL")
	command.end()
}

// afterTheLook is an awk that returns from the first look (one before only tries
// whether looking works) when the file "on" is there.
const afterTheLook = `#!/bin/sh
%s "$@"
if [ -e "$HOME/tried" ] && [ ! -e "$HOME/looked" ]; then
	: >"$HOME/looked"
	until [ -e "$HOME/on" ]; do sleep 0.02; done
	sleep 0.1
fi
: >"$HOME/tried"
`

// afterTheLook is the machine with such an awk.
func (m machine) afterTheLook() machine {
	m.t.Helper()
	awk, err := exec.LookPath("awk")
	require.NoError(m.t, err)
	bin := m.t.TempDir()
	writeProgram(m.t, filepath.Join(bin, "awk"), fmt.Sprintf(afterTheLook, awk))
	m.tools.path = bin + ":" + m.tools.path
	return m
}

func TestWhatStartedBetweenALookAndItsSignalsGetsTERMToo(t *testing.T) {
	t.Parallel()
	const waits = `echo ready; until [ -e "$HOME/looked" ]; do sleep 0.02; done; `
	for name, command := range map[string]string{
		"its parent ends at once": waits + `sleep 1000 & : >"$HOME/on"; wait`,
		"its parent waits for it": `trap 'exit 4' TERM; ` + waits + `sh -c ': >"$HOME/on"; exec sleep 1000'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, toolboxes(t)[0])
			running := m.startWrapped(command)
			begun := time.Now()
			require.Equal(t, guard.Stopped, m.afterTheLook().stop(2*time.Minute))
			require.Less(t, time.Since(begun), time.Minute, "it was left until KILL")
			running.end()
		})
	}
}

func TestAStopThatAnotherOneForestalledSaysStopped(t *testing.T) {
	t.Parallel()
	m := newMachine(t, toolboxes(t)[0])
	command := m.startWrapped(`echo ready; exec sleep 1000`)
	slow := m.afterTheLook().start(guard.Stop(m.token, time.Minute, 2*time.Minute))
	require.Eventually(t, func() bool { return exists(m.path("looked")) }, time.Minute, 10*time.Millisecond)
	require.Equal(t, guard.Stopped, m.stopped(m.start(guard.Stop(m.token, time.Minute, 2*time.Minute))))
	require.NoError(t, os.WriteFile(m.path("on"), nil, 0o600))
	require.Equal(t, guard.Stopped, m.stopped(slow), "it found processes, and none of them was left for it")
	command.end()
}

func TestAWrapperThatDoesNotEndByItselfIsEnded(t *testing.T) {
	t.Parallel()
	m := newMachine(t, toolboxes(t)[0])
	command := m.startWrapped(`kill -STOP $PPID; echo ready`)
	require.Equal(t, guard.Stopped, m.stop(time.Minute))
	command.end()
}
