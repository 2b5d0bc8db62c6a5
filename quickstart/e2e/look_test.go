package e2e

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

func TestARunIsWatchedReadAndReportedByWhoeverAsks(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	bad := s.nodes()[2]
	id := s.startInput(func(in *workflows.RunCommandInput) {
		in.Command, in.ExpectedSeconds = `sleep 2; echo "</script>one"; [ "$EHPC_INSTANCE_ID" != `+bad+` ] || exit 3`, 5
	})
	watched := s.starter("watch", id, "--json")
	require.Equal(t, 4, watched.code, watched.stderr)
	var last struct {
		State, Verdict  string
		ExpectedSeconds int
		NodeCount       int
	}
	lines := strings.Split(strings.TrimSpace(watched.stdout), "\n")
	require.Greater(t, len(lines), 1)
	for _, line := range lines {
		require.NoError(t, json.Unmarshal([]byte(line), &last), line)
	}
	require.Equal(t, []any{"completed", "partial", 5, 4}, []any{last.State, last.Verdict, last.ExpectedSeconds, last.NodeCount})
	after := s.starter("watch", id)
	require.Equal(t, 4, after.code, "of one that has ended")
	require.Contains(t, after.stdout, "partial (3 succeeded, 1 nonzero)")

	failed := s.starter("results", id, "--failed")
	require.Equal(t, 0, failed.code, failed.stderr)
	require.Contains(t, failed.stdout, bad)
	require.NotContains(t, failed.stdout, s.nodes()[0])
	output := s.starter("results", id, "--node", "compute000", "--node", bad, "--output")
	require.Contains(t, output.stdout, "==> "+s.nodes()[0]+" compute000: succeeded (exit 0)\n</script>one\n")
	missing := s.starter("results", id, "--node", "i-none", "--node", "compute777", "--node", bad)
	require.Equal(t, 2, missing.code)
	require.Contains(t, missing.stderr, "no node i-none, compute777")
	table := s.starter("results", id, "--csv")
	rows, err := csv.NewReader(strings.NewReader(table.stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 5)

	file := filepath.Join(t.TempDir(), "page.html")
	for _, want := range []struct {
		code int
		args []string
	}{{0, nil}, {2, nil}, {0, []string{"--force"}}} {
		reported := s.starter(append([]string{"report", id, "--file", file}, want.args...)...)
		require.Equal(t, want.code, reported.code, reported.stderr)
	}
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(page), "&lt;/script&gt;one")

	var names string
	await(t, 20*time.Second, "the name is completed", func() bool {
		names = s.starter("__complete", "status", id[:len(id)-2]).stdout
		return strings.Contains(names, id+"\n")
	})
	require.Regexp(t, `(?m)^Temporal server 1\.`, s.starter("version", "--server").stdout)
}

func TestARunThatGoesOnIsReadAndAnUnknownOneIsNot(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	id := s.start("sleep 300")
	await(t, 20*time.Second, "running", func() bool { return s.phase(id) == workflows.Watching })
	going := s.starter("results", id, "--state", "running", "--json")
	require.Equal(t, 0, going.code, going.stderr)
	var nodes []struct{ Run, ClusterID, InstanceID, State string }
	require.NoError(t, json.Unmarshal([]byte(going.stdout), &nodes))
	require.Len(t, nodes, 4)
	require.Equal(t, stack.ClusterID, nodes[0].ClusterID)
	require.Contains(t, going.stderr, "the run goes on")
	page := s.starter("report", id, "--file", "-")
	require.Equal(t, 0, page.code, page.stderr)
	require.Contains(t, page.stdout, "goes on")
	for _, command := range []string{"watch", "results", "report"} {
		unknown := s.starter(command, "no-such-run")
		require.Equal(t, 2, unknown.code)
		require.Contains(t, unknown.stderr, "there is no run no-such-run")
		require.NotContains(t, unknown.stderr, "goes on")
	}
}
