package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
)

const (
	crashRuns  = 25 // of each case, at once
	crashNodes = 2  // of each run
)

// crash is something that goes wrong with the first submit of every run.
type crash struct {
	name   string
	first  treatment
	strike func(*bed)     // once every run is held at the gate; nil does nothing
	fault  *ehpcsim.Fault // of the service
}

var crashes = []crash{
	{name: "worker killed before the request arrives", first: holdTheRequest, strike: (*bed).killWorker},
	{name: "worker killed before the answer", first: holdTheAnswer, strike: (*bed).killWorker},
	{name: "worker killed before the answer is recorded", first: holdTheAnswer, strike: (*bed).killWorkerThatCannotRecord},
	{name: "connection dropped before the service did it", first: dropTheRequest},
	{name: "connection dropped after the service did it", first: dropTheAnswer},
	{name: "answer cut", first: cutTheAnswer},
	{name: "answer doubled", first: doubleTheAnswer},
	{name: "answer too late", first: delayTheAnswer},
	{name: "request done twice", first: letPass, fault: &ehpcsim.Fault{Action: "InvokeShellCommand", Twice: true, Times: crashRuns}},
	{name: "request surfaces after it was sent again", first: delayTheRequest},
}

// lateness is how late the service lists a command.
var lateness = []time.Duration{0, 5 * time.Second, 30 * time.Second}

// Every way in which a submit can be cut off, with the worker's own times: nothing
// runs twice, nothing is lost, and what is reported is what happened. It is none of
// the parallel tests, but its cases run side by side, for they mostly wait; two at a
// time begin, for the submits of a case have to come within the time of one call.
func TestASubmitThatIsCutOffRunsItsCommandOnce(t *testing.T) {
	var table crashTable
	beginning := make(chan struct{}, 2)
	t.Cleanup(func() { t.Log(table.String()) })
	for _, crash := range crashes {
		for _, late := range lateness {
			t.Run(fmt.Sprintf("%s, listed after %v", crash.name, late), func(t *testing.T) {
				t.Parallel()
				b := newBed(t, crash, late)
				func() {
					beginning <- struct{}{}
					defer func() { <-beginning }()
					b.cutOff(crash)
				}()
				row, lies := b.outcome(late)
				table.add(row)
				require.Empty(t, lies, row)
				require.Zero(t, row.duplicates, row)
				require.Equal(t, crashRuns*crashNodes, row.executions, row)
			})
		}
	}
}

// bed is a simulated cluster behind a gate, and a worker behind a link to Temporal.
type bed struct {
	*system
	crash   crash
	gate    *gate
	link    *link
	worker  *exec.Cmd
	runs    []counted
	started time.Time
}

func newBed(t *testing.T, c crash, late time.Duration) *bed {
	t.Helper()
	s := newSystemWith(t, stack.Options{Nodes: crashNodes, Pace: activities.DefaultPace(), Logger: zap.NewNop()})
	s.StopWorker()
	faults := ehpcsim.Faults{ListLate: late}
	if c.fault != nil {
		faults.Faults = append(faults.Faults, *c.fault)
	}
	s.Simulator.SetFaults(faults)
	return &bed{system: s, crash: c, gate: newGate(t, s.Simulator, c.first), link: newLink(t, temporal.Address()), started: time.Now()}
}

// cutOff has the case's runs cut off.
func (b *bed) cutOff(c crash) {
	b.t.Helper()
	b.startRuns()
	b.startWorker()
	if c.strike == nil {
		await(b.t, time.Minute, "every submit has come", func() bool { return b.gate.arrivals() == crashRuns })
		return
	}
	await(b.t, 14*time.Second, "every submit is held", func() bool { return b.gate.holds() == crashRuns })
	c.strike(b)
}

// startRuns puts the runs on the queue, where they wait for the worker.
func (b *bed) startRuns() {
	b.t.Helper()
	for number := range crashRuns {
		c := counted{number: number}
		b.begin(&c, crashNodes)
		b.runs = append(b.runs, c)
	}
}

func (b *bed) startWorker() {
	b.t.Helper()
	env := b.forPrograms().with("EHPCFLOW_ENDPOINT", b.gate.URL).with("TEMPORAL_ADDRESS", b.link.address())
	b.worker, _ = background(b.t, env, "worker", "--api-rate", "500")
}

// killWorker ends the worker on the spot and starts another.
func (b *bed) killWorker() {
	b.t.Helper()
	require.NoError(b.t, b.worker.Process.Kill())
	require.Error(b.t, b.worker.Wait())
	b.gate.open()
	b.link.renew()
	b.startWorker()
}

// killWorkerThatCannotRecord gives the worker every answer while Temporal no longer
// hears it, and ends it then.
func (b *bed) killWorkerThatCannotRecord() {
	b.t.Helper()
	b.link.hold()
	b.gate.open()
	answered := b.gate.answered()
	require.Len(b.t, answered, crashRuns)
	await(b.t, 10*time.Second, "the worker tells every answer", func() bool { return b.link.keeps(answered) })
	b.killWorker()
}

// outcome waits for the end of the runs and compares what they say with what
// happened.
func (b *bed) outcome(late time.Duration) (crashRow, []string) {
	b.t.Helper()
	row := crashRow{name: b.crash.name, late: late, runs: len(b.runs)}
	reports := make([]runs.Report, len(b.runs))
	ctx, cancel := context.WithTimeout(b.t.Context(), 6*time.Minute)
	defer cancel()
	var group errgroup.Group
	for i, c := range b.runs {
		group.Go(func() (err error) {
			_ = b.Client.GetWorkflow(ctx, c.id, "").Get(ctx, nil) // how it ended is read below
			reports[i], err = runs.Read(b.t.Context(), b.Client, c.id)
			return err
		})
	}
	require.NoError(b.t, group.Wait())
	row.took = time.Since(b.started)

	truth := b.truth(crashNodes)
	row.executions, row.duplicates = truth.executions, truth.duplicates
	var lies []string
	for i, c := range b.runs {
		submits := b.gate.submitsOf(markOf(c.number))
		row.resubmits += submits - 1
		if submits == 1 && reports[i].State == runs.Completed && b.crash.fault == nil {
			row.adopted++
		}
		lies = append(lies, truth.lies(c, reports[i], crashNodes)...)
	}
	return row, lies
}

// crashRow is what became of the runs of a case.
type crashRow struct {
	name                                             string
	late                                             time.Duration
	runs, executions, duplicates, adopted, resubmits int
	took                                             time.Duration
}

func (r crashRow) String() string {
	return fmt.Sprintf("%s\t%v\t%d\t%d\t%d\t%d\t%d\t%.0f s", r.name, r.late, r.runs, r.executions, r.duplicates, r.adopted, r.resubmits, r.took.Seconds())
}

// crashTable collects the rows of cases that run side by side.
type crashTable struct {
	mu   sync.Mutex
	rows []crashRow
}

func (c *crashTable) add(row crashRow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows = append(c.rows, row)
}

func (c *crashTable) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "\ncase\tlisted after\truns\texecutions\tduplicates\tadopted\tresubmits\ttook")
	for _, crash := range crashes {
		for _, row := range c.rows {
			if row.name == crash.name {
				fmt.Fprintln(columns, row)
			}
		}
	}
	_ = columns.Flush() // to memory
	return text.String()
}
