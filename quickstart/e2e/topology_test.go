package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
)

const (
	topologyRuns  = 50 // of a round
	topologyNodes = 4
	topologyPace  = 400 * time.Millisecond // from the start of one run to that of the next
)

// strikes are what happens to the parts in a round, by how many of its runs have been
// started by then. The simulator keeps its state in memory, so it is its network that
// goes and comes back, as a cluster's would.
var strikes = map[int]func(*topology){
	8:  func(p *topology) { p.restartWorker() },
	14: func(p *topology) { p.postgres.kill() },
	22: func(p *topology) { p.postgres.start() },
	30: func(p *topology) { p.temporal.kill(); p.temporal.start() },
	36: func(p *topology) { p.ui.restart() },
	40: func(p *topology) { p.network.cut() },
	46: func(p *topology) { p.network.mend() },
}

// The system of docker-compose.yml from programs of this machine, each a process of
// its own. While 50 runs are started and followed by starter, PostgreSQL, the Temporal
// server, the worker and the Web UI are killed and started again, and the network of
// the cluster is cut: every run succeeds, and every command ran once on every node.
// The long form, make topology, has five rounds. It weighs on the machine, so it is
// none of the parallel tests.
func TestRunsSurviveTheEndOfEveryPartOfTheTopology(t *testing.T) {
	rounds := 1
	if *soak {
		rounds = 5
	}
	p := newTopology(t)
	before, started := p.postgres.size(), time.Now()
	var all []*followed
	for range rounds {
		all = append(all, p.round(len(all))...)
	}
	took := time.Since(started).Round(time.Second)

	executions, wrong := p.truth(all)
	var tries int
	for _, run := range all {
		tries += run.tries
	}
	grown := p.postgres.size() - before
	t.Logf("%d runs on %d nodes in %v: %d executions; %d calls of starter; the databases grew by %d kB, %d kB a run",
		len(all), topologyNodes, took, executions, tries, grown>>10, grown>>10/len(all))
	require.Empty(t, strings.Join(wrong, "\n"))
	require.Equal(t, len(all)*topologyNodes, executions, "nothing twice, nothing lost")
	require.Equal(t, executions, p.arrivals(), "nothing was held back on a node because it had run before")
	require.Equal(t, http.StatusOK, p.ui.get("/api/v1/namespaces/default/workflows/"+all[0].id))
}

// topology is the parts, each a process.
type topology struct {
	t        *testing.T
	env      environment // of worker and starter
	postgres *postgres
	temporal *server
	ui       *webUI
	worker   *exec.Cmd
	network  *network // from the worker to the simulator
	scratch  string   // where the simulator's nodes are
	admin    string   // address of the simulator's counts
}

func newTopology(t *testing.T) *topology {
	t.Helper()
	db := newPostgres(t)
	p := &topology{t: t, postgres: db, temporal: newServerThatKeeps(t, serverPostgreSQL+"="+db.address(), serverPassword+"="+db.password)}
	p.ui = newWebUI(t, p.temporal.address())

	api := net.JoinHostPort("127.0.0.1", strconv.Itoa(steadyPort(t)))
	p.admin = net.JoinHostPort("127.0.0.1", strconv.Itoa(steadyPort(t)))
	p.scratch = t.TempDir()
	key := ehpcsim.NewAccessKey()
	simulator := environment{"ALIBABA_CLOUD_ACCESS_KEY_ID": key.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.Secret, "TMPDIR": p.scratch}
	_, said := background(t, simulator, "ehpcsim", "--listen", api, "--admin", p.admin,
		"--cluster", stack.ClusterID, "--nodes", strconv.Itoa(topologyNodes))
	await(t, 20*time.Second, "the simulator serves", func() bool { return strings.Contains(said.String(), "Ctrl-C ends it") })
	p.network = newNetwork(t, api)

	p.env = environment{
		"TEMPORAL_ADDRESS": p.temporal.address(), "EHPCFLOW_ENDPOINT": "http://" + p.network.from, "EHPCFLOW_REGION": "cn-hangzhou",
		"ALIBABA_CLOUD_ACCESS_KEY_ID": key.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.Secret, "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
	}
	prepared, err := p.starter(t.Context(), "setup")
	require.NoError(t, err)
	require.Zero(t, prepared.code, prepared.stderr)
	p.startWorker()
	return p
}

func (p *topology) startWorker() {
	p.t.Helper()
	var said *logBuffer
	p.worker, said = background(p.t, p.env, "worker", "--api-rate", "200")
	await(p.t, time.Minute, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
}

func (p *topology) restartWorker() {
	p.t.Helper()
	require.NoError(p.t, p.worker.Process.Kill())
	require.Error(p.t, p.worker.Wait())
	p.startWorker()
}

// followed is a run and what starter said of it.
type followed struct {
	counted
	tries  int // calls of starter
	report runs.Report
}

// round starts runs one after the other, strikes meanwhile, and returns when each of
// them has been followed to its end.
func (p *topology) round(first int) []*followed {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 6*time.Minute)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	next := time.NewTicker(topologyPace)
	defer next.Stop()
	var all []*followed
	for begun := range topologyRuns {
		number := first + begun
		run := &followed{counted: counted{number: number, id: fmt.Sprintf("topology-%d", number)}}
		all = append(all, run)
		group.Go(func() error { return p.follow(ctx, run) })
		if strike := strikes[begun]; strike != nil {
			strike(p)
		}
		<-next.C
	}
	require.NoError(p.t, group.Wait())
	return all
}

// follow starts a run and follows it to its end, as a person would who gets an error:
// the same command once more, for a name runs once; then a look at what is there.
func (p *topology) follow(ctx context.Context, run *followed) error {
	mark := markOf(run.number)
	args := []string{
		"run", "--cluster", stack.ClusterID, "--all", "--id", run.id, "--json", "--",
		fmt.Sprintf("echo \"%s $EHPCFLOW\" >> \"$HOME/executions\"; sleep %d; echo \"done by %s\"", mark, 1+run.number%5, mark),
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		run.tries++
		got, err := p.starter(ctx, args...)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", run.id, err)
		case got.stdout != "":
			if err := json.Unmarshal([]byte(got.stdout), &run.report); err != nil {
				return fmt.Errorf("%s: %w in %q", run.id, err, got.stdout)
			}
			if run.report.State != runs.Running {
				return nil
			}
		case strings.Contains(got.stderr, "exists already"):
			args = []string{"status", run.id, "--json"}
		case got.code != 3:
			return fmt.Errorf("%s: starter %s ended with %d: %s", run.id, args[0], got.code, got.stderr)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%s has not ended: %w; last: %s", run.id, ctx.Err(), got.stderr)
		}
	}
}

func (p *topology) starter(ctx context.Context, args ...string) (outcome, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "starter"), args...)
	cmd.Env = p.env.list()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if errors.As(err, new(*exec.ExitError)) && ctx.Err() == nil {
		err = nil
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, err
}

// truth counts what the commands left on the nodes, and says where that is not once
// for each run, or not what starter said.
func (p *topology) truth(all []*followed) (executions int, wrong []string) {
	p.t.Helper()
	dirs, err := filepath.Glob(filepath.Join(p.scratch, "*", stack.ClusterID))
	require.NoError(p.t, err)
	require.Len(p.t, dirs, 1)
	times := make(map[string]int) // by node and mark
	for _, node := range ehpcsim.DemoCluster(stack.ClusterID, topologyNodes).Nodes {
		for _, line := range executedBelow(p.t, filepath.Dir(dirs[0]), node.InstanceID) {
			times[node.InstanceID+line.mark]++
			executions++
		}
	}
	for _, run := range all {
		if !run.report.Succeeded() || len(run.report.Nodes) != topologyNodes {
			wrong = append(wrong, fmt.Sprintf("%s: %s, %s on %d nodes: %+v", run.id, run.report.State, run.report.Verdict, len(run.report.Nodes), run.report.Error))
		}
		for _, node := range run.report.Nodes {
			if n := times[node.InstanceID+markOf(run.number)]; n != 1 || node.State != activities.Succeeded || node.Output != "done by "+markOf(run.number)+"\n" {
				wrong = append(wrong, fmt.Sprintf("%s ran %d times on %s, which is said to be %+v", run.id, n, node.InstanceID, node))
			}
		}
	}
	slices.Sort(wrong)
	return executions, wrong
}

// arrivals counts the commands that the simulator started on nodes.
func (p *topology) arrivals() int {
	p.t.Helper()
	resp, err := http.Get("http://" + p.admin + "/stats")
	require.NoError(p.t, err)
	defer resp.Body.Close() //nolint:errcheck // only read from
	var stats ehpcsim.Stats
	require.NoError(p.t, json.NewDecoder(resp.Body).Decode(&stats))
	n := 0
	for _, started := range stats.Executions {
		n += started
	}
	return n
}
