package docs

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// The clusters that the pages speak of.
const (
	firstCluster  = "ehpc-hz-FYUr32"
	secondCluster = "ehpc-hz-K8dw21"
)

// theClusters have the nodes that the pages name; the quick start's is among them.
func theClusters() []ehpcsim.Cluster {
	first := ehpcsim.DemoCluster(firstCluster, 20)
	first.Nodes[0].InstanceID, first.Nodes[1].InstanceID = "i-bp1aaaa", "i-bp1bbbb"
	first.Nodes[3].InstanceID, first.Nodes[3].HostName, first.Nodes[3].Queue = "i-bp1dddd", "gpu000", "gpu"
	return append(stack.DemoClusters(4), first, ehpcsim.DemoCluster(secondCluster, 3))
}

// inPlace of what stands in a command, for this machine has none of it.
var inPlace = strings.NewReplacer(
	"go run ./starter", "starter",
	"go run ./worker", "worker",
	"go run ./cmd/ehpcsim", "ehpcsim --listen 127.0.0.1:0",
	"go -C quickstart run .", "quickstart",
	"nvidia-smi -L", "echo GPU 0",
	"/mnt/nas/solve.sh", "echo solved",
	"/mnt/nas/patch.sh", "echo patched",
	"/mnt/nas/ehpcflow-output", "outputs",
	"worker codec-server", "worker codec-server --address 127.0.0.1:0",
	"--activate ID", `--activate "$(grep -oE '[0-9]{8}-[a-z0-9]{6}' keys.yaml | tail -1)"`, // that of the last --add
)

// freePorts of this machine, in the place of those that pages name.
func freePorts(t *testing.T) *strings.Replacer {
	t.Helper()
	var pairs []string
	for _, named := range []string{"127.0.0.1:8766", "127.0.0.1:9090"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer listener.Close() //nolint:errcheck // only its port was wanted
		pairs = append(pairs, named, listener.Addr().String())
	}
	return strings.NewReplacer(pairs...)
}

// world is what the commands are run in.
type world struct {
	t        *testing.T
	stack    *stack.Stack
	temporal *devserver.Server
	programs string
	home     string // where they are run, and which they may write to
	ports    *strings.Replacer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, programs: t.TempDir(), home: t.TempDir(), ports: freePorts(t)}
	for module, packages := range map[string][]string{top: {"./starter", "./worker", "./cmd/ehpcsim"}, top + "/quickstart": {"."}} {
		for _, program := range packages {
			build := exec.CommandContext(t.Context(), "go", "-C", module, "build", "-o", w.programs+"/", program)
			out, err := build.CombinedOutput()
			require.NoError(t, err, "%s: %s", program, out)
		}
	}
	require.NoError(t, os.CopyFS(w.home, os.DirFS(top+"/docs"))) // a page may name files of the project
	require.NoError(t, os.CopyFS(filepath.Join(w.home, "examples"), os.DirFS(top+"/examples")))
	var err error
	w.temporal, err = devserver.Start(devserver.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.temporal.Stop()) })
	pace := activities.DefaultPace()
	pace.Look = activities.Bounds{Min: 100 * time.Millisecond, Max: time.Second}
	pace.NewFor = 2 * time.Second
	w.stack, err = stack.Start(t.Context(), stack.Options{
		Temporal: w.temporal.Address(), SimulatorAddress: "127.0.0.1:0", Clusters: theClusters(),
		Pace: pace, TaskQueue: taskqueue.Default, Logger: zap.NewNop(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.stack.Stop()) })
	return w
}

// run executes a command as a person would, and returns its exit code and what it said.
func (w *world) run(c command) (int, string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	text, shell := w.shell(ctx, c)
	var said bytes.Buffer
	shell.Stdout, shell.Stderr = &said, &said
	err := shell.Run()
	if ctx.Err() != nil {
		return -1, said.String() + "\nit did not end within a minute: say <!-- waits: … --> or <!-- stays up: … --> of one that goes on"
	}
	if shell.ProcessState == nil {
		return -1, err.Error()
	}
	return shell.ProcessState.ExitCode(), fmt.Sprintf("%s\n%s", text, said.String())
}

// shell is what executes a command, and its text for this world.
func (w *world) shell(ctx context.Context, c command) (string, *exec.Cmd) {
	w.t.Helper()
	text := w.withRuns(w.ports.Replace(inPlace.Replace(c.text)), c)
	shell := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", w.without(c.before)+text)
	shell.Dir = w.home
	shell.Env = []string{
		"PATH=" + w.programs + ":" + os.Getenv("PATH"), "HOME=" + w.home, "NO_COLOR=1",
		"TEMPORAL_ADDRESS=" + w.temporal.Address(), "EHPCFLOW_ENDPOINT=" + w.stack.API.URL(), "EHPCFLOW_REGION=cn-hangzhou",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + w.stack.Key.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + w.stack.Key.Secret, "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true",
	}
	shell.WaitDelay = time.Second
	return text, shell
}

// elsewhere is what names a server, an account or a queue.
var elsewhere = regexp.MustCompile(`TEMPORAL_|ALIBABA_CLOUD_|EHPCFLOW_`)

// without leaves out exports that would lead away from this world.
func (w *world) without(exports string) string {
	var kept []string
	for _, line := range strings.SplitAfter(exports, "\n") {
		if strings.HasPrefix(line, "export EHPCFLOW_ENCRYPTION_KEYS=") || !elsewhere.MatchString(line) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// shownCommand is the command of the first cluster that pages attach to.
const shownCommand = "c-hz01aaaa"

var runName = regexp.MustCompile(`run-2\d{7}-\d{6}-[a-z0-9]{6}`)

// withRuns names, in the place of each run or command that a command line names, one that
// was made for it.
func (w *world) withRuns(text string, c command) string {
	if strings.Contains(text, shownCommand) {
		report, err := runs.Read(w.t.Context(), w.stack.Client, w.runFor("attach"))
		require.NoError(w.t, err)
		text = strings.ReplaceAll(text, shownCommand, report.CommandID)
	}
	made := make(map[string]string)
	return runName.ReplaceAllStringFunc(text, func(name string) string {
		if made[name] == "" {
			made[name] = w.runFor(subcommand(c))
		}
		return made[name]
	})
}

func subcommand(c command) string {
	for _, call := range c.calls {
		if words := strings.Fields(inPlace.Replace(strings.Join(call, " "))); len(words) > 1 && words[0] == "starter" {
			return words[1]
		}
	}
	return ""
}

// runFor makes a run that a subcommand can be used on.
func (w *world) runFor(subcommand string) string {
	in := workflows.RolloutInput{RunCommandInput: workflows.RunCommandInput{
		ClusterID: firstCluster, Target: workflows.Target{Nodes: []string{"i-bp1aaaa", "i-bp1bbbb", "i-bp1dddd"}},
		Command: "[ $HOSTNAME != compute001 ]", TimeoutSeconds: 60,
	}}
	waits, paused := false, false
	switch subcommand {
	case "cancel":
		in.Command = "sleep 300"
	case "resume":
		waits, paused = true, true
	case "approve", "reject", "pause", "abandon", "set", "skip-nodes", "add-nodes", "retry-nodes":
		waits = true
	}
	if waits {
		in.Policy = policy.Policy{Waves: []policy.Size{policy.Number(1), policy.Number(2)}, Pause: []policy.Pause{policy.PauseFirst}}
	}
	id := runs.NewID()
	ctx, c := w.t.Context(), w.stack.Client
	require.NoError(w.t, runs.Start(ctx, c, runs.Place{Namespace: devserver.Namespace, TaskQueue: taskqueue.Default}, id, in))
	if paused {
		_, err := runs.Steer(ctx, c, id, workflows.PauseUpdate, workflows.Order{Why: "for a page"})
		require.NoError(w.t, err)
	}
	phase := workflows.Ended
	switch {
	case waits:
		phase = workflows.Waiting
	case subcommand == "cancel":
		phase = workflows.Watching
	}
	require.Eventually(w.t, func() bool {
		report, err := runs.Read(ctx, c, id)
		return err == nil && cmp.Or(report.Phase, workflows.Resolving) == phase
	}, time.Minute, 100*time.Millisecond, "a run for starter %s", subcommand)
	return id
}
