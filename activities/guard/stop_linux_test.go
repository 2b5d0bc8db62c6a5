package guard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

// commands that do not want to end, each in its own way.
var commands = []struct {
	name    string
	command string
	grace   time.Duration
}{
	{"in the foreground", `echo ready; sleep 1000; sleep 1000`, 2 * time.Minute},
	{"replaced", `echo ready; exec sleep 1000`, 2 * time.Minute},
	{"with children of children", `for i in 1 2 3 4 5; do sh -c 'sleep 1000; sleep 1000' & done; echo ready; wait`, 2 * time.Minute},
	{"in a pipe", `{ echo ready; sleep 1000; sleep 1000; } | cat`, 2 * time.Minute},
	{"with TERM ignored", `trap '' TERM; echo ready; while :; do sleep 1; done`, time.Second},
	{"with TERM ignored by a child alone", `(trap '' TERM; exec sleep 1000) & echo ready; wait`, time.Second},
	{"with a handler that goes on", `trap : TERM; echo ready; while :; do sleep 1; done`, time.Second},
	{"with a child halted", `sh -c 'echo ready; kill -STOP $$; sleep 1000'`, time.Second},
	{"in a session of its own", `setsid sh -c 'echo ready; sleep 1000; sleep 1000' & wait`, 2 * time.Minute},
	{"as a daemon", `setsid sh -c '(trap "" HUP; echo ready; exec sleep 1000 </dev/null >/dev/null 2>&1) & exit' & wait; sleep 1000`, 2 * time.Minute},
	{"in process groups of their own", `set -m; sleep 1000 & sleep 1000 | sleep 1000 & echo ready; wait`, 2 * time.Minute},
	{"after the end of the script", `sleep 1000 & sleep 1000 >/dev/null 2>&1 & echo ready`, 2 * time.Minute},
	{"after the death of the wrapper", `kill -9 $PPID; echo ready; sleep 1000; sleep 1000`, 2 * time.Minute},
	{"with a child without environment", `env -i tail -f "$HOME/file" & echo ready; wait`, 2 * time.Minute},
	{"with nothing but what lost its environment", `echo ready; exec env -i tail -f "$HOME/file"`, 2 * time.Minute},
	{"with a child that goes when its parent does", `trap '' TERM; env -i tail -f "$HOME/file" & echo ready; while :; do sleep 1; done`, time.Second},
}

func TestNothingOfACommandIsLeftAfterAStop(t *testing.T) {
	t.Parallel()
	for _, with := range toolboxes(t) {
		t.Run(with.name, func(t *testing.T) {
			t.Parallel()
			machines, running := make([]machine, len(commands)), make([]*job, len(commands))
			for i, tc := range commands {
				machines[i] = newMachine(t, with)
				require.NoError(t, os.WriteFile(machines[i].path("file"), nil, 0o600))
				running[i] = machines[i].startWrapped(tc.command)
			}
			innocents := newInnocents(t, with, machines[0].token)
			begun := time.Now()
			for _, which := range []string{"first", "second"} {
				stops := make([]*job, len(commands))
				for i, tc := range commands {
					stops[i] = machines[i].start(guard.Stop(machines[i].token, tc.grace, 2*tc.grace))
				}
				for i, tc := range commands {
					require.Equal(t, guard.Stopped, machines[i].stopped(stops[i]), "%s: the %s stop", tc.name, which)
					require.Empty(t, machines[i].alive(), tc.name)
				}
			}
			require.Less(t, time.Since(begun), time.Minute, "it waits no longer than needed")
			for i := range running {
				running[i].end()
			}
			innocents.requireAlive()
		})
	}
}

// A shell whose child ends goes on with its next line.
func TestNoParentGoesOnWhenItsChildIsStopped(t *testing.T) {
	t.Parallel()
	for _, with := range toolboxes(t) {
		t.Run(with.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, with)
			command := m.startWrapped(`sh -c 'sh -c "echo ready; sleep 1000; echo on >>\"$HOME/log\""; echo on >>"$HOME/log"'; echo on >>"$HOME/log"`)
			require.Equal(t, guard.Stopped, m.stop(time.Minute))
			command.end()
			require.NoFileExists(t, m.path("log"))
		})
	}
}

func TestTheWrapperOfAStoppedCommandTellsItsEnd(t *testing.T) {
	t.Parallel()
	m := newMachine(t, toolboxes(t)[0])
	command := m.startWrapped(`echo ready; exec sleep 1000`)
	require.Equal(t, guard.Stopped, m.stop(time.Minute))
	output, code := command.end()
	require.Equal(t, 128+15, code)
	require.Equal(t, guard.Outcome{Output: "ready\n", Began: true, Ended: true, Whole: true}, guard.Read(m.token, output))
	text, err := os.ReadFile(m.record("exit"))
	require.NoError(t, err)
	require.Equal(t, "143\n", string(text))
}

func TestAStopOfWhatHasEndedFindsItFinished(t *testing.T) {
	t.Parallel()
	for _, with := range toolboxes(t) {
		t.Run(with.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, with)
			_, code := m.start(guard.Wrap(m.token, "exit 3")).end()
			require.Equal(t, 3, code)
			require.Equal(t, guard.Finished, m.stop(time.Second))
			require.Equal(t, guard.Finished, m.stop(time.Second))
		})
	}
}

func TestACommandThatArrivesAfterItsStopRefuses(t *testing.T) {
	t.Parallel()
	for _, with := range toolboxes(t) {
		t.Run(with.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, with)
			require.Equal(t, guard.Prevented, m.stop(time.Second))
			output, code := m.start(guard.Wrap(m.token, `: >"$HOME/ran"`)).end()
			require.Equal(t, guard.RefusedCode, code)
			require.Equal(t, guard.Second, guard.Read(m.token, output).Refusal)
			require.Equal(t, guard.Prevented, m.stop(time.Second))
			require.False(t, exists(m.path("ran")))
		})
	}
}

func TestStopsAtOnceTellTheSame(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, command string
		found         guard.Stopping
	}{
		{"running", `trap '' TERM; echo ready; while :; do sleep 1; done`, guard.Stopped},
		{"ended", `echo ready`, guard.Finished},
		{"not arrived", "", guard.Prevented},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, toolboxes(t)[0])
			if tc.command != "" {
				command := m.startWrapped(tc.command)
				defer command.end()
			}
			if tc.found == guard.Finished {
				require.Eventually(t, func() bool { return exists(m.record("exit")) }, time.Minute, 10*time.Millisecond)
			}
			var stops []*job
			for range 5 {
				stops = append(stops, m.start(guard.Stop(m.token, time.Second, time.Minute)))
			}
			for _, stop := range stops {
				require.Equal(t, tc.found, m.stopped(stop))
			}
		})
	}
}

func TestAStopThatMayNotKillSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	m := newMachine(t, toolboxes(t)[0])
	command := m.startWrapped(`trap '' TERM; echo ready; while :; do sleep 1; done`)
	output, code := m.start(guard.Stop(m.token, time.Hour, 500*time.Millisecond)).end()
	found, said := guard.ReadStop(m.token, output)
	require.True(t, said)
	require.Equal(t, guard.Left, found)
	require.Equal(t, 1, code)
	require.Regexp(t, `^([0-9]+\.[0-9]+ ?)+\n`, output, "the processes and when they started")
	require.Equal(t, guard.Stopped, m.stop(0), "without grace KILL comes at once")
	command.end()
}

func TestAStopThatCanRecordNothingOrSeeNothingSaysSo(t *testing.T) {
	t.Parallel()
	with := toolboxes(t)[0]
	full := newMachine(t, with)
	require.NoError(t, os.WriteFile(full.path(".ehpcflow"), nil, 0o600))
	requireUnsaid(t, full, "stop: unrecorded")

	blind := newMachine(t, with)
	running := blind.token
	command := blind.startWrapped(`echo ready; sleep 1000; sleep 1000`)
	seeing := blind.tools.path
	blind.tools.path = folderOf(t, "uname", "mkdir", "awk", "sleep")
	requireUnsaid(t, blind, "stop: blind")
	blind.token = guard.NewToken("blind, and not arrived")
	output, _ := blind.start(guard.Stop(blind.token, 0, time.Second)).end()
	found, _ := guard.ReadStop(blind.token, output)
	require.Equal(t, guard.Prevented, found, "that needs no look")

	blind.token, blind.tools.path = running, seeing
	require.Equal(t, guard.Stopped, blind.stop(time.Minute))
	command.end()
}

// folderOf is a folder with nothing but these programs.
func folderOf(t *testing.T, programs ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range programs {
		program, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(program, filepath.Join(folder, name)))
	}
	return folder
}

func requireUnsaid(t *testing.T, m machine, words string) {
	t.Helper()
	output, code := m.start(guard.Stop(m.token, 0, time.Second)).end()
	_, said := guard.ReadStop(m.token, output)
	require.False(t, said, output)
	require.Contains(t, output, words)
	require.Equal(t, 1, code)
}

func TestAStopFitsIntoACommand(t *testing.T) {
	t.Parallel()
	stop := guard.Stop(guard.NewToken(), 30*24*time.Hour, 31*24*time.Hour)
	require.Less(t, len(stop), 2048)
	require.False(t, guard.Carries(guard.NewToken(), stop), "it is not the command that it stops")
}

func TestAnOutputIsReadForTheStopOfItsTokenOnly(t *testing.T) {
	t.Parallel()
	token := guard.NewToken("a stop")
	line := "ehpcflow " + token + " stop: "
	for output, found := range map[string]guard.Stopping{
		line + "stopped\n":                         guard.Stopped,
		line + "stopped":                           guard.Stopped,
		"a warning\n" + line + "finished\n":        guard.Finished,
		line + "prevented \r\n":                    guard.Prevented,
		"12.7 13.9\n" + line + "left\n":            guard.Left,
		line + "left\n" + line + "stopped\n":       guard.Stopped,
		line + "unrecorded\n":                      "",
		line + "blind\n":                           "",
		line + "stop":                              "",
		line:                                       "",
		"":                                         "",
		"a command says " + line + "stopped\n":     "",
		strings.ToUpper(line) + "stopped\n":        "",
		"ehpcflow aaaaaaaaaaaaa stop: stopped\n":   "",
		"ehpcflow " + token + " refuses: second\n": "",
	} {
		got, said := guard.ReadStop(token, output)
		require.Equal(t, found, got, "%q", output)
		require.Equal(t, found != "", said, "%q", output)
	}
}
