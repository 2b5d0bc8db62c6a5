package ehpcsim_test

import (
	"encoding/xml"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestACommandReallyRunsOnItsNode(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	got := b.run(`echo "$((6*7)) $HOSTNAME $(hostname) $EHPC_INSTANCE_ID"; echo err >&2; exit 3`)
	require.Equal(t, "Finished", got.InvokeRecordStatus, "finished does not mean success")
	require.Equal(t, 3, got.ExitCode)
	require.True(t, got.Success)
	require.Equal(t, "42 "+b.host+" "+b.host+" "+b.ids[0]+"\nerr\n", got.Message)
	_, err := time.Parse(time.RFC3339, got.FinishedTime)
	require.NoError(t, err)
	require.Equal(t, 1, b.Executions(b.ids[0]))
	require.Zero(t, b.Executions(b.ids[1]))
}

func TestANodeHasADirectoryOfItsOwn(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for working, want := range map[string]string{"": "/root", "/data/x": "/data/x", "../../../escape": "/escape"} {
		got := b.end(b.submit("pwd", map[string]string{"WorkingDir": working}))
		require.Equal(t, filepath.Join(b.ScratchDir(), clusterID, b.ids[0], want)+"\n", got.Message, working)
	}
	require.Equal(t, filepath.Join(b.ScratchDir(), clusterID, b.ids[0], "root")+"\n", b.run(`echo "$HOME"`).Message)
}

func TestACommandSeesNothingOfThisProcessesEnvironment(t *testing.T) {
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "leak")
	got := newBundle(t).run("env")
	require.NotContains(t, got.Message, "leak")
	require.Contains(t, got.Message, "EHPC_CLUSTER_ID="+clusterID)
}

func TestScriptsWithAnInterpreterOfTheirOwnAreRunByIt(t *testing.T) {
	t.Parallel()
	got := newBundle(t).run("#!/usr/bin/env awk -f\nBEGIN { exit 1 }")
	if got.ExitCode == 127 { // this env takes one argument only
		got = newBundle(t).run("#!/bin/cat\nhello")
		require.Equal(t, "#!/bin/cat\nhello", got.Message)
		return
	}
	require.Equal(t, 1, got.ExitCode)
}

func TestTheBeginningOfALongOutputIsKept(t *testing.T) {
	t.Parallel()
	got := newBundle(t).run(`yes 0123456789 | head -c 200000; echo status $?; exit 5`)
	require.Len(t, got.Message, 24<<10)
	require.Equal(t, 5, got.ExitCode, "the writer is not blocked by what is dropped")
}

func TestOutputThatIsNotUTF8IsSentAsItIs(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	id := b.submit(`printf 'a\377<"\\\n\000b'`, nil)
	require.Equal(t, "a\uFFFD<\"\\\n\x00b", b.end(id).Message, "a decoder of JSON can read it")

	params := map[string]string{"Action": "ListInvocationResults", "ClusterId": clusterID, "CommandId": id}
	_, text, err := b.send(http.MethodGet, signed(http.MethodGet, params))
	require.NoError(t, err)
	require.Contains(t, string(text), "a\xff")

	params["Format"] = "XML"
	_, text, err = b.send(http.MethodGet, signed(http.MethodGet, params))
	require.NoError(t, err)
	var read struct {
		Message string `xml:"InvocationResults>InvocationResult>Message"`
	}
	require.NoError(t, xml.Unmarshal(text, &read), "XML has no form for some bytes, and is well-formed: %s", text)
	require.Equal(t, "a\uFFFD<\"\\\n\uFFFDb", read.Message)
}

func TestAShellEndedByASignalReportsItsNumber(t *testing.T) {
	t.Parallel()
	require.Equal(t, 128+9, newBundle(t).run("kill -9 $$").ExitCode)
}

func TestABackgroundChildDoesNotHoldUpTheCommand(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	started := time.Now()
	got := b.run("sleep 60 & echo started")
	require.Less(t, time.Since(started), 30*time.Second)
	require.Equal(t, "started\n", got.Message)
	require.NotEmpty(t, processes(t, b), "it lives on")
	require.NoError(t, b.Close())
	require.Empty(t, processes(t, b), "until the simulator closes")
}

func TestACommandIsKilledWithAllItsChildrenAtItsTimeout(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	id := b.submit(`echo before; setsid sleep 61 & (trap '' TERM; sleep 62) & setsid env -i sleep 60.25 & sleep 63`, map[string]string{"Timeout": "1"})
	require.Eventually(t, func() bool { return len(processes(t, b)) >= 4 && sleeping(t, "60.25") }, soon, often)
	got := b.end(id)
	require.Equal(t, "Failed", got.InvokeRecordStatus)
	require.Equal(t, -1, got.ExitCode)
	require.False(t, got.Success)
	require.Equal(t, "before\n", got.Message)
	require.Empty(t, processes(t, b))
	require.False(t, sleeping(t, "60.25"), "neither a session nor an environment of its own hides a child")
}

func TestClosingKillsWhatRunsAndRemovesTheScratchDirectory(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.submit("setsid sleep 64 & sleep 65", nil)
	require.Eventually(t, func() bool { return len(processes(t, b)) >= 3 }, soon, often)
	require.NoError(t, b.Close())
	require.Empty(t, processes(t, b))
	require.NoDirExists(t, b.ScratchDir())
}

// sleeping looks for a sleep of this duration in the real process table.
func sleeping(t *testing.T, duration string) bool {
	t.Helper()
	return sleepers(t, duration) > 0
}

// sleepers counts them.
func sleepers(t *testing.T, duration string) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	count := 0
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && string(line) == "sleep\x00"+duration+"\x00" {
			count++
		}
	}
	return count
}

// processes finds, in the real process table, those that live in the simulator's
// directory.
func processes(t *testing.T, b *bundle) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("no /proc here")
	}
	var found []string
	for _, file := range files {
		if environment, err := os.ReadFile(file); err == nil && strings.Contains(string(environment), "HOME="+b.ScratchDir()) {
			found = append(found, filepath.Base(filepath.Dir(file)))
		}
	}
	return found
}
