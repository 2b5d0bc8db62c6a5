package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// stored reads a complete output by its reference, as its reader would.
func stored(t *testing.T, reference, digest string) string {
	t.Helper()
	uri, err := url.Parse(reference)
	require.NoError(t, err)
	output, err := os.ReadFile(uri.Path)
	require.NoError(t, err)
	sum := sha256.Sum256(output)
	require.Equal(t, hex.EncodeToString(sum[:]), digest)
	return string(output)
}

// allTheyCan is what a node's output may have, in bytes.
const allTheyCan = 24 << 10

// These weigh on the machine, so they are none of the parallel ones.
func TestAThousandNodesThatPrintAllTheyCanFitTemporal(t *testing.T) {
	_, report := printing(t, 1000)
	digests := make(map[string]bool)
	for _, node := range report.Nodes {
		output := stored(t, node.OutputURI, node.OutputSHA256)
		require.Len(t, output, allTheyCan)
		first, last, _ := strings.Cut(node.Output, "\n[… output cut …]\n")
		require.Greater(t, len(first)+len(last), 400)
		require.True(t, strings.HasPrefix(output, first) && strings.HasSuffix(output, last))
		digests[node.OutputSHA256] = true
	}
	require.Len(t, digests, 1000, "each prints something else")
}

func TestTheOutputsOfALargerRunAreListed(t *testing.T) {
	dir, report := printing(t, 1050)
	for _, node := range report.Nodes {
		require.Empty(t, node.OutputURI)
	}
	for _, command := range report.Commands {
		list := stored(t, command.OutputsURI, command.OutputsSHA256)
		require.Equal(t, command.Nodes, strings.Count(list, "\n"))
		check := exec.Command("sha256sum", "-c", "--quiet", "SHA256SUMS")
		check.Dir = filepath.Join(dir, stack.ClusterID, report.RunID, command.CommandID)
		said, err := check.CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
}

// printing runs a command on nodes that print all they can, and returns the output
// store. Temporal's limits are 2 MiB for a payload, 50 MiB and 51,200 events for a
// history.
func printing(t *testing.T, nodes int) (store string, report runs.Report) {
	t.Helper()
	store = t.TempDir()
	s := newSystemWith(t, stack.Options{
		Nodes: nodes, Pace: quickPace(), Logger: zap.NewNop(), OutputStore: store,
		Script: &ehpcsim.Script{Duration: [2]time.Duration{time.Second, 3 * time.Second}, OutputBytes: allTheyCan},
	})
	report = s.runInput(func(in *workflows.RunCommandInput) { in.Command = "solve" })
	require.Equal(t, workflows.Succeeded, report.Verdict, "%s", report.Reason)
	require.Len(t, report.Nodes, nodes)
	for _, node := range report.Nodes {
		require.Equal(t, allTheyCan, node.OutputBytes)
		require.True(t, node.OutputCut)
		require.Empty(t, node.OutputRemark)
	}
	size, events, links := s.chain(report.RunID)
	largest := 0
	for _, event := range s.history(report.RunID).GetEvents() {
		largest = max(largest, proto.Size(event))
	}
	t.Logf("%d nodes x %d bytes: %.2f MiB and %d events of history in %d runs, %.2f MiB in the largest event",
		nodes, allTheyCan, float64(size)/(1<<20), events, links, float64(largest)/(1<<20))
	require.Less(t, size, int64(8<<20))
	require.Less(t, events, int64(10_000))
	require.Less(t, largest, 2<<20)
	return store, report
}

func TestOutputThatIsNotUTF8ReachesItsReader(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "outputs")
	s := newSystem(t, quickPace())
	s.StopWorker()
	env := s.forPrograms().with("EHPCFLOW_OUTPUT_STORE", dir)
	_, said := background(t, env, "worker")
	await(t, 20*time.Second, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })

	node := s.nodes()[0]
	got := program(t, env, "starter", "run", "--cluster", stack.ClusterID, "--node", node, "--json", "--", `printf 'caf\351 \377\000\n'`)
	require.Equal(t, 0, got.code, got.stderr)
	var report runs.Report
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &report), got.stdout)
	const printed = "caf\xe9 \xff\x00\n"
	require.Equal(t, "caf\uFFFD \uFFFD\x00\n", report.Nodes[0].Output)
	require.Equal(t, printed, string(report.Nodes[0].OutputRaw))
	require.Contains(t, got.stdout, `"outputBytesBase64": "Y2Fm6SD/AAo="`)
	require.Equal(t, printed, stored(t, report.Nodes[0].OutputURI, report.Nodes[0].OutputSHA256))

	shown := program(t, env, "starter", "status", report.RunID)
	require.Contains(t, shown.stdout, "caf\uFFFD \uFFFD·")
}

func TestAnOutputStoreThatIsGoneDoesNotLoseTheRun(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "outputs")
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), OutputStore: dir})
	require.NoError(t, os.Rename(dir, dir+" unmounted"))

	id := s.start("echo hello")
	await(t, 30*time.Second, "the trouble is told while it lasts", func() bool {
		report, err := runs.Read(t.Context(), s.Client, id)
		require.NoError(t, err)
		return strings.Contains(report.Trouble, "could not be stored")
	})
	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	for _, node := range report.Nodes {
		require.Equal(t, "hello\n", node.Output)
		require.Empty(t, node.OutputURI)
		require.Equal(t, "the complete output could not be stored: no such file or directory", node.Remark())
	}

	id = s.start("echo hello again")
	await(t, 30*time.Second, "it is tried again", func() bool {
		report, err := runs.Read(t.Context(), s.Client, id)
		require.NoError(t, err)
		return strings.Contains(report.Trouble, "could not be stored")
	})
	require.NoError(t, os.Rename(dir+" unmounted", dir))
	for _, node := range s.end(id).Nodes {
		require.Equal(t, activities.Succeeded, node.State)
		require.Empty(t, node.Remark())
		require.Equal(t, "hello again\n", stored(t, node.OutputURI, node.OutputSHA256))
	}
}
