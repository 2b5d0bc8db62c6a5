package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// buffer takes what the quick start says while a test reads it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func once(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err buffer
	code = execute(t.Context(), append([]string{"--once"}, args...), &out, &err)
	return code, out.String(), err.String()
}

func TestOnceRunsTheCommandOnEveryNode(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := once(t, "--", "echo hi-$((6*7)) from $EHPC_INSTANCE_ID")
	require.Equal(t, 0, code, stderr)
	nodes := make(map[string]bool)
	for _, found := range regexp.MustCompile(`hi-42 from (i-sim\d+)`).FindAllStringSubmatch(stdout, -1) {
		nodes[found[1]] = true
	}
	require.Len(t, nodes, 4, stdout)
	warned := strings.Index(stderr, "Simulated nodes really run their commands, on THIS machine")
	require.GreaterOrEqual(t, warned, 0)
	require.Less(t, warned, strings.Index(stderr, "echo hi-"), "it is said before anything runs")
}

func TestOnceExitsWithTheVerdict(t *testing.T) {
	t.Parallel()
	code, stdout, _ := once(t, "--", "exit 3")
	require.Equal(t, 1, code)
	require.Len(t, regexp.MustCompile(`nonzero +3 *\n`).FindAllString(stdout, -1), 4, stdout)

	code, stdout, _ = once(t, "--db", filepath.Join(t.TempDir(), "temporal.db"), "--", `[ "$HOSTNAME" != compute002 ]`)
	require.Equal(t, 4, code)
	require.Regexp(t, `i-sim000000000003 +compute002 +nonzero +1`, stdout)
	require.Contains(t, stdout, "partial (3 succeeded, 1 nonzero)")
}

func TestBadUseIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk.db")
	require.NoError(t, os.WriteFile(junk, []byte("a list of what to buy, and no database"), 0o600))
	for says, args := range map[string][]string{
		"has 1 character,":       {"--", "w"},
		"the command is blank":   {"--", "   "},
		"0 nodes: choose 1":      {"--nodes", "0"},
		"unknown flag: --twice":  {"--twice"},
		"stands before --":       {"echo", "hi"},
		"no command after --":    {"--"},
		"junk.db cannot be used": {"--db", junk},
		"x.db cannot be used":    {"--db", filepath.Join(filepath.Dir(junk), "nowhere", "x.db")},
	} {
		code, stdout, stderr := once(t, args...)
		require.Equal(t, 2, code, says)
		require.Contains(t, stderr, says)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.Empty(t, stdout)
	}
}

func TestItStaysUpUntilInterruptedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	var stdout, stderr buffer
	ended := make(chan int, 1)
	go func() { ended <- execute(ctx, nil, &stdout, &stderr) }()
	require.Eventually(t, func() bool { return strings.Contains(stderr.String(), "In another terminal") }, time.Minute, 50*time.Millisecond)
	require.Contains(t, stdout.String(), "hello from compute003")

	page := regexp.MustCompile(`Web UI: +(http://\S+)`).FindStringSubmatch(stderr.String())[1]
	resp, err := http.Get(page)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)

	interrupt()
	require.Equal(t, 0, <-ended)
	_, err = net.Dial("tcp", resp.Request.URL.Host)
	require.Error(t, err, "nothing listens any more")
}

func TestAnInterruptedCommandExitsAsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	var stdout, stderr buffer
	ended := make(chan int, 1)
	go func() { ended <- execute(ctx, []string{"--once", "--", "sleep 600"}, &stdout, &stderr) }()
	require.Eventually(t, func() bool { return strings.Contains(stderr.String(), "running") }, time.Minute, 50*time.Millisecond)
	interrupt()
	require.Equal(t, 130, <-ended)
}
