package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// escapes are ways in which processes get away from whoever started them. LONG is
// how long they sleep.
var escapes = map[string]string{
	"forks children":                `sleep LONG & sleep LONG & (sleep LONG; true) & wait`,
	"ignores TERM":                  `trap '' TERM; sleep LONG & while true; do sleep LONG; done`,
	"changes its process group":     `set -m; sleep LONG & (sleep LONG; true) & wait`,
	"opens sessions of its own":     `setsid sleep LONG & setsid sh -c 'sleep LONG; true' & wait`,
	"makes daemons":                 `(setsid sh -c 'sleep LONG & sleep LONG &' < /dev/null > /dev/null 2>&1 &); sleep LONG`,
	"leaves daemons that ignore it": `(setsid sh -c 'trap "" TERM HUP INT; sleep LONG & sleep LONG' < /dev/null > /dev/null 2>&1 &); exec sleep LONG`,
}

// canceling are the ways to cancel a run.
var canceling = map[string]func(*system, string){
	"by Temporal's client": func(s *system, id string) {
		require.NoError(s.t, s.Client.CancelWorkflow(s.t.Context(), id, ""))
	},
	"by starter": func(s *system, id string) {
		got := program(s.t, s.forPrograms(), "starter", "cancel", id)
		require.Equal(s.t, 0, got.code, got.stderr)
		require.Contains(s.t, got.stdout, "3 stopped")
	},
}

func TestACancelledRunLeavesNoProcessBehind(t *testing.T) {
	t.Parallel()
	for escape, text := range escapes {
		for way, cancel := range canceling {
			t.Run(escape+", cancelled "+way, func(t *testing.T) {
				t.Parallel()
				s := newSystem(t, quickPace())
				long := longTime()
				command := "[ $HOSTNAME != compute003 ] || exit 0\n" + strings.ReplaceAll(text, "LONG", long)
				id := s.startInput(func(in *workflows.RunCommandInput) { in.Command, in.GraceSeconds = command, 1 })
				least := 3 * strings.Count(text, "LONG")
				await(t, 20*time.Second, "all its processes run, and one node has ended", func() bool {
					report := s.read(id)
					return len(processesWith(t, long)) >= least && report.Nodes[3].State == activities.Finished
				})

				cancel(s, id)
				report := s.end(id)
				require.Empty(t, processesWith(t, long))
				require.Equal(t, runs.Canceled, report.State)
				for _, node := range report.Nodes[:3] {
					require.Equal(t, activities.Stopped, node.State, "%+v", node)
				}
				require.Equal(t, activities.Succeeded, report.Nodes[3].State, "%+v: it had finished before", report.Nodes[3])
				require.Equal(t, 0, *report.Nodes[3].ExitCode)
				require.Contains(t, report.Reason, "3 stopped")
			})
		}
	}
}

var longTimes atomic.Int64

// longTime is some hours in seconds, as nobody else on this machine waits for.
func longTime() string { return fmt.Sprintf("%d.%03d", 20_000+os.Getpid()%10_000, longTimes.Add(1)) }

// processesWith are the command lines, of the whole machine, that hold a text.
func processesWith(t *testing.T, text string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var found []string
	for _, file := range files {
		line, err := os.ReadFile(file) // it fails for those that are gone
		if err == nil && bytes.Contains(line, []byte(text)) {
			found = append(found, file+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func TestARestartOfTheWorkerCancelsNothing(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"asked to stop": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if signal == syscall.SIGKILL && testing.Short() {
				t.Skip("waits for heartbeats that do not come")
			}
			s := newSystem(t, quickPace())
			s.StopWorker()
			worker, _ := background(t, s.forPrograms(), "worker")
			c := counted{number: 14, pause: 15}
			s.begin(&c, 4)
			await(t, 20*time.Second, "it is watched", func() bool { return s.watchedBy(c.id, worker) })
			require.NoError(t, worker.Process.Signal(signal))
			_ = worker.Wait() // how it ended is not the question
			background(t, s.forPrograms(), "worker")

			report := s.end(c.id)
			require.Empty(t, s.truth(4).lies(c, report, 4))
			require.Equal(t, 1, s.Simulator.Requests("InvokeShellCommand"), "nothing was sent to stop it")
		})
	}
}
