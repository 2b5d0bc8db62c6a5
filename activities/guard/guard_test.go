package guard_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

const anyToken = "abcdefghij234"

func TestATokenIsDerivedFromEachPart(t *testing.T) {
	t.Parallel()
	token := guard.NewToken("a run", "1")
	require.Regexp(t, "^[a-z2-7]{13}$", token)
	require.Len(t, token, guard.TokenLength)
	require.Equal(t, token, guard.NewToken("a run", "1"))
	others := [][]string{{"a run", "2"}, {"a run", "11"}, {"a run1"}, {"a run", "1", ""}, {"", "a run", "1"}, {"1", "a run"}, {}}
	for _, parts := range others {
		require.NotEqual(t, token, guard.NewToken(parts...), parts)
	}
}

func TestTheWrapperLeavesMostOfACommandsLengthToTheCommand(t *testing.T) {
	t.Parallel()
	for command, cost := range map[string]int{
		"echo hi":                             584,
		"#!/usr/bin/env python3\nprint('hi')": 603,
		strings.Repeat("世", 1400):             587,
	} {
		require.Equal(t, cost, guard.Cost(command))
		wrapped := guard.Wrap(anyToken, command)
		require.Equal(t, cost, utf8.RuneCountInString(wrapped)-utf8.RuneCountInString(command))
	}
}

func TestATextTellsUnderWhichTokenItWasWrapped(t *testing.T) {
	t.Parallel()
	wrapped := guard.Wrap(anyToken, "echo hi")
	require.True(t, guard.Carries(anyToken, wrapped))
	require.True(t, guard.Carries(anyToken, strings.TrimSpace(wrapped)))
	require.False(t, guard.Carries(guard.NewToken("another"), wrapped))
	require.False(t, guard.Carries(anyToken, guard.Stop(anyToken, time.Second, time.Minute)), "a stop is no copy of it")
}

func TestASecondCopyRefusesAndRunsNothing(t *testing.T) {
	t.Parallel()
	for _, of := range shells(t) {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			const command = "echo ran >>log; exit 113"
			n := newNode(t, of)
			left, first := n.wrapped(command)
			require.Equal(t, 113, left.code)
			require.True(t, first.Whole)
			require.Empty(t, first.Refusal, "whatever code the command itself ends with")
			left, second := n.wrapped(command)
			require.Equal(t, guard.RefusedCode, left.code)
			require.Equal(t, guard.Second, second.Refusal)
			require.False(t, second.Began)
			require.Equal(t, "ran\n", n.read("work/log"))
		})
	}
}

func TestOfManyCopiesAtOnceOneRuns(t *testing.T) {
	t.Parallel()
	for _, of := range shells(t) {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t, of)
			text := guard.Wrap(anyToken, "echo ran >>log; sleep 0.1")
			var seconds atomic.Int32
			var copies sync.WaitGroup
			for range 20 {
				copies.Go(func() {
					if guard.Read(anyToken, n.run(text).output).Refusal == guard.Second {
						seconds.Add(1)
					}
				})
			}
			copies.Wait()
			require.EqualValues(t, 19, seconds.Load())
			require.Equal(t, "ran\n", n.read("work/log"))
		})
	}
}

func TestNodesThatShareAHomeEachRunTheirCopy(t *testing.T) {
	t.Parallel()
	n := newNode(t, shell{"sh", "/bin/sh", filepath.Join(t.TempDir(), "sh")})
	require.NoError(t, os.Symlink("/bin/sh", n.shell.sh))
	for _, host := range []string{"compute000", "compute001"} {
		writeProgram(t, filepath.Join(filepath.Dir(n.shell.sh), "uname"), "#!/bin/sh\necho "+host+"\n")
		_, outcome := n.wrapped("echo hi")
		require.True(t, outcome.Whole)
		require.Equal(t, "0\n", n.read("home/.ehpcflow/*."+host+"/exit"))
	}
}

func TestANodeThatCannotRecordACommandDoesNotRunIt(t *testing.T) {
	t.Parallel()
	for _, of := range shells(t) {
		for name, hinder := range map[string]func(node) (before string){
			"there is no folder": func(n node) string {
				require.NoError(n.t, os.WriteFile(n.records(""), nil, 0o600))
				return ""
			},
			"nothing can be written": func(node) string { return "trap '' XFSZ; ulimit -f 0\n" },
		} {
			t.Run(of.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				n := newNode(t, of)
				left := n.run(hinder(n) + guard.Wrap(anyToken, "mkdir ran"))
				require.Equal(t, guard.RefusedCode, left.code)
				outcome := guard.Read(anyToken, left.output)
				require.Equal(t, guard.Unrecorded, outcome.Refusal, left.output)
				require.False(t, outcome.Began)
				require.NoDirExists(t, filepath.Join(n.work, "ran"))
				require.NotEmpty(t, outcome.Output, "the reason")
			})
		}
	}
}

func TestARecordIsPrivateAndSmall(t *testing.T) {
	t.Parallel()
	for _, of := range shells(t) {
		n := newNode(t, of)
		_, _ = n.wrapped("umask 0; exit 42")
		require.Equal(t, os.ModeDir|0o700, n.mode(".ehpcflow"))
		require.Equal(t, os.ModeDir|0o700, n.mode(".ehpcflow/*"))
		require.Equal(t, "umask 0; exit 42", n.read("home/.ehpcflow/*/run"))
		require.Equal(t, "42\n", n.read("home/.ehpcflow/*/exit"))
		require.Regexp(t, `^\d+ \(.*\) [A-Z] `, n.read("home/.ehpcflow/*/pid"))
		entries, _ := filepath.Glob(n.records("*/*"))
		require.Len(t, entries, 4, "and the mark of its start")
	}
}

func TestRecordsOfSixtyDaysAgoAreRemoved(t *testing.T) {
	t.Parallel()
	for _, of := range shells(t) {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t, of)
			for name, days := range map[string]int{"ancient": 100, "old": 62, "young": 58, "new": 0} {
				require.NoError(t, os.MkdirAll(n.records(name+"/go"), 0o700))
				then := time.Now().AddDate(0, 0, -days)
				require.NoError(t, os.Chtimes(n.records(name), then, then))
			}
			_, outcome := n.wrapped("echo hi")
			require.True(t, outcome.Whole)
			require.Eventually(t, func() bool {
				left, _ := filepath.Glob(n.records("*"))
				return len(left) == 3
			}, 10*time.Second, 10*time.Millisecond)
			require.DirExists(t, n.records("young/go"))
			require.DirExists(t, n.records("new/go"))
		})
	}
}

func TestACommandFindsItsTokenInItsEnvironment(t *testing.T) {
	t.Parallel()
	n := newNode(t, shells(t)[0])
	left := n.run(guard.Wrap(anyToken, "echo $EHPCFLOW"))
	require.Equal(t, anyToken+"\n", guard.Read(anyToken, left.output).Output)
}

func TestAMissingInterpreterIsSaid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"#!/no/such/program\necho never", "#!/bin/sh\r\necho never", "#!no-such-program -x\necho never"} {
		left, outcome := newNode(t, shells(t)[0]).wrapped(text)
		require.Equal(t, 127, left.code)
		require.Contains(t, left.output, "not found")
		require.NotContains(t, left.output, "never")
		require.True(t, outcome.Whole)
	}
}

// read is what the one file of this pattern holds.
func (n node) read(pattern string) string {
	n.t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(n.home), pattern))
	require.NoError(n.t, err)
	require.Len(n.t, files, 1, pattern)
	text, err := os.ReadFile(files[0])
	require.NoError(n.t, err)
	return string(text)
}

// mode is that of the one file of this pattern in the home.
func (n node) mode(pattern string) os.FileMode {
	n.t.Helper()
	files, err := filepath.Glob(filepath.Join(n.home, pattern))
	require.NoError(n.t, err)
	require.Len(n.t, files, 1, fmt.Sprint(pattern, files))
	info, err := os.Stat(files[0])
	require.NoError(n.t, err)
	return info.Mode()
}
