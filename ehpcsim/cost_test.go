package ehpcsim_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
)

// BenchmarkCommandsOnANode runs short commands on one node, at most 16 at a time.
func BenchmarkCommandsOnANode(b *testing.B) {
	sim := newBundleOf(b, ehpcsim.Config{}, ehpcsim.DemoCluster(clusterID, 2))
	settle := func(most int) {
		for sim.Stats().Running > most {
			time.Sleep(time.Millisecond) // it has no other way to tell
		}
	}
	for b.Loop() {
		settle(15)
		sim.submit("echo hi", nil)
	}
	settle(0)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}

// BenchmarkNodes starts 200 nodes, whose price is their first process, and tells
// what memory of its own each of these holds.
func BenchmarkNodes(b *testing.B) {
	const nodes = 200
	for b.Loop() {
		sim := newBundleOf(b, ehpcsim.Config{}, ehpcsim.DemoCluster(clusterID, nodes))
		started := time.Now()
		status, got := sim.call("InvokeShellCommand", map[string]string{"Command": "echo hi; sleep 600 > /dev/null 2>&1 &"})
		require.Equal(b, http.StatusOK, status, got.Message)
		for sim.Stats().Running > 0 {
			time.Sleep(time.Millisecond) // it has no other way to tell
		}
		b.ReportMetric(nodes/time.Since(started).Seconds(), "nodes/s")
		memory := firstProcessMemory(b)
		require.Len(b, memory, nodes)
		total := 0
		for _, kib := range memory {
			total += kib
		}
		b.ReportMetric(float64(total)/nodes, "KiB/node")
		require.NoError(b, sim.Close())
	}
}

var privateMemory = regexp.MustCompile(`(?m)^Private_Dirty: +([0-9]+) kB$`)

// firstProcessMemory reads, in KiB, the memory that each first process shares with
// nobody.
func firstProcessMemory(b *testing.B) []int {
	b.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/smaps_rollup")
	require.NoError(b, err)
	var found []int
	for _, file := range files {
		dir := filepath.Dir(file)
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !strings.HasPrefix(string(line), "ehpcsim-confined\x00") {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil || !strings.Contains(string(stat), " "+strconv.Itoa(os.Getpid())+" ") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(b, err)
		kib, err := strconv.Atoi(privateMemory.FindStringSubmatch(string(text))[1])
		require.NoError(b, err)
		found = append(found, kib)
	}
	return found
}
