package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
)

const (
	chaosNodes = 8
	chaosPart  = 0.1 // of the requests go wrong
)

// chaosForm is how long and how much.
type chaosForm struct {
	runs    int
	trouble time.Duration // after which all is well; 0 is until every run has ended
	kill    [2]time.Duration
	outage  [2]time.Duration
}

var (
	shortChaos = chaosForm{80, 45 * time.Second, [2]time.Duration{3 * time.Second, 9 * time.Second}, [2]time.Duration{12 * time.Second, 18 * time.Second}}
	longChaos  = chaosForm{200, 0, [2]time.Duration{3 * time.Second, 9 * time.Second}, [2]time.Duration{30 * time.Second, 60 * time.Second}}
)

// Everything goes wrong at the same time: the worker is killed every few seconds,
// the Temporal server is killed or stopped now and then, and a tenth of the requests
// to the service meet one of all its faults. Every run ends all the same, with what
// really happened. The long form, make chaos, goes on so until the last run has
// ended. It weighs on the machine, so it is none of the parallel tests.
func TestNothingRunsTwiceOrIsLostInChaos(t *testing.T) {
	form := shortChaos
	if *soak {
		form = longChaos
	}
	c := newChaos(t, form)
	c.run()
	reports := c.reports()
	await(t, time.Minute, "the nodes are quiet", func() bool { return c.Simulator.Stats().Running == 0 })

	truth := c.truth(chaosNodes)
	refused, lost := 0, 0
	var lies []string
	for i, run := range c.runs {
		switch report := reports[i]; report.State {
		case runs.Completed:
			lies = append(lies, truth.lies(run, report, chaosNodes)...)
		case runs.Failed:
			refused++
			if ran := truth.runs[markOf(run.number)]; len(ran) > 0 || report.Counts()[activities.Skipped] != len(report.Nodes) {
				lies = append(lies, fmt.Sprintf("%s failed (%+v), said %v, and ran %v times", run.id, report.Error, report.Counts(), ran))
			}
		default:
			lost++
		}
	}
	c.say(truth, refused, lost)
	require.Empty(t, strings.Join(lies, "\n"))
	require.Zero(t, truth.duplicates)
	require.Zero(t, lost)
	require.Equal(t, (len(c.runs)-refused)*chaosNodes, truth.executions)
	require.Zero(t, truth.untold, "every execution knows its token")
}

// chaos is a system in which everything goes wrong.
type chaos struct {
	*system
	form    chaosForm
	server  *server
	worker  *exec.Cmd
	gone    chan struct{} // closed when the worker has ended
	runs    []counted
	started time.Time

	kills, exits, outages int
	took                  time.Duration
}

func newChaos(t *testing.T, form chaosForm) *chaos {
	t.Helper()
	server := newServer(t)
	s := newSystemWith(t, stack.Options{Temporal: server.address(), Nodes: chaosNodes, Pace: activities.DefaultPace(), Logger: zap.NewNop()})
	s.StopWorker()
	faults := ehpcsim.Faults{ListLate: 5 * time.Second}
	for _, action := range chaosActions {
		faults.Faults = append(faults.Faults, evenly(action, everyFault(), chaosPart)...)
	}
	s.Simulator.SetFaults(faults)
	return &chaos{system: s, form: form, server: server, started: time.Now()}
}

// run begins the runs little by little, makes trouble, and returns when no run goes
// on any more.
func (c *chaos) run() {
	c.t.Helper()
	c.startWorker()
	c.t.Cleanup(c.endWorker)
	look := time.NewTicker(time.Second)
	defer look.Stop()
	kill, outage := time.After(between(c.form.kill)), time.After(between(c.form.outage))
	var calm <-chan time.Time
	if c.form.trouble > 0 {
		calm = time.After(c.form.trouble)
	}
	for {
		select {
		case <-kill:
			c.endWorker()
			c.kills++
			c.startWorker()
			kill = time.After(between(c.form.kill))
		case <-outage:
			[]func(){c.server.kill, c.server.stop}[c.outages%2]()
			c.outages++
			c.server.start()
			outage = time.After(between(c.form.outage))
		case <-calm:
			c.Simulator.SetFaults(ehpcsim.Faults{})
			kill, outage = nil, nil
		case <-look.C:
			c.beginSome()
			if len(c.runs) == c.form.runs && c.goingOn() == 0 {
				c.took = time.Since(c.started)
				return
			}
		case <-c.gone: // it could not reach Temporal
			c.exits++
			c.startWorker()
		case <-c.t.Context().Done():
			c.t.Fatal("given up")
		}
	}
}

// beginSome begins a few runs more.
func (c *chaos) beginSome() {
	c.t.Helper()
	const some = 8
	for range min(some, c.form.runs-len(c.runs)) {
		run := counted{number: len(c.runs), pause: 6, all: true}
		c.begin(&run, chaosNodes)
		c.runs = append(c.runs, run)
	}
}

// goingOn counts the runs that have not ended. While nobody can say, all have not.
func (c *chaos) goingOn() int {
	running, err := c.Client.CountWorkflow(c.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: devserver.Namespace, Query: `ExecutionStatus = "Running" AND TaskQueue = "` + c.queue + `"`,
	})
	if err != nil {
		return len(c.runs)
	}
	return int(running.GetCount())
}

func (c *chaos) startWorker() {
	c.t.Helper()
	c.worker = exec.Command(filepath.Join(programs, "worker"), "--api-rate", "200", "--log-level", "error")
	c.worker.Env = c.forPrograms().with("TEMPORAL_ADDRESS", c.server.address()).list()
	require.NoError(c.t, c.worker.Start())
	c.gone = make(chan struct{})
	go func(worker *exec.Cmd, gone chan struct{}) {
		defer close(gone)
		_ = worker.Wait() // killed, or without Temporal
	}(c.worker, c.gone)
}

// endWorker kills it.
func (c *chaos) endWorker() {
	_ = c.worker.Process.Kill() // it fails for one that is gone
	<-c.gone
}

func (c *chaos) reports() []runs.Report {
	c.t.Helper()
	reports := make([]runs.Report, len(c.runs))
	for i, run := range c.runs {
		var err error
		reports[i], err = runs.Read(c.t.Context(), c.Client, run.id)
		require.NoError(c.t, err)
	}
	return reports
}

func (c *chaos) say(t truth, refused, lost int) {
	stats := c.Simulator.Stats()
	hit := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(stats.Faults)) {
		hit += stats.Faults[kind]
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, stats.Faults[kind]))
	}
	arrived := 0
	for _, n := range stats.Executions {
		arrived += n
	}
	c.t.Logf("%d runs on %d nodes in %v: %d executions, %d duplicates, %d lost; %d refused before anything was started; "+
		"%d arrivals at nodes, %d submits\n%d kills of the worker, %d times it gave up; %d ends of Temporal\n%d of %d requests went wrong: %s",
		len(c.runs), chaosNodes, c.took.Round(time.Second), t.executions, t.duplicates, lost, refused, arrived, stats.Requests["InvokeShellCommand"],
		c.kills, c.exits, c.outages, hit, requestsIn(stats), strings.Join(kinds, ", "))
}

// between is a time within bounds.
func between(bounds [2]time.Duration) time.Duration {
	return bounds[0] + rand.N(bounds[1]-bounds[0])
}
