package workflows_test

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/workflows"
)

// enough cases for everything to occur that everOccurs lists.
const enough = 3000

var (
	oneSeed    = flag.Uint64("seed", 0, "run the one case of TestRolloutsKeepTheirPromises that a failure named")
	howMany    = flag.Int("cases", enough, "how many cases TestRolloutsKeepTheirPromises tries")
	everOccurs = []string{
		"add-nodes", "approved wave", "breach known", "concurrency reached", "continued", "doubt", "failed", "halt abandoned",
		"halt and stop", "halt breached", "halt late", "halt reached", "halt refused", "halt rejected", "halt unattended", "halt unreachable",
		"lost", "nonzero", "pause", "question", "refused order", "resume", "retry", "retry-nodes", "set", "skip-nodes", "skipped", "soak",
		"stop", "stopped", "stopped at a breach", "succeeded", "timed_out", "to its end", "cancelled",
		"verdict aborted", "verdict failed", "verdict parked", "verdict partial", "verdict succeeded",
	}
)

// Each case is a fleet, a policy, faults, and people with orders, all by the dice of its
// number.
func TestRolloutsKeepTheirPromises(t *testing.T) {
	t.Parallel()
	if *oneSeed > 0 {
		c := newCase(*oneSeed)
		c.run()
		t.Logf("%+v\n%+v\n%s", c.in, c.faults, strings.Join(c.log, "\n"))
		require.Empty(t, c.broken)
		return
	}
	holdByTheDice(t, *howMany, enough, everOccurs, func(seed uint64) (map[string]int, []string) {
		c := newCase(seed)
		c.run()
		return c.seen, c.broken
	})
}

// rolloutCase is a rollout on a fleet, from its start to its end in as many runs as it
// takes.
type rolloutCase struct {
	*claims
	api    *fleetAPI
	in     workflows.RolloutInput
	faults faults
	env    *testsuite.TestWorkflowEnvironment
	crowd  crowd
	runs   int
	log    []string
}

func newCase(seed uint64) *rolloutCase {
	dice := rand.New(rand.NewPCG(seed, 0))
	in, deal, wrong := deal(dice)
	f := newFleet(dice, len(in.Target.Nodes), deal)
	in.Target.Nodes = slices.Clone(f.ids)
	c := &rolloutCase{claims: newClaims(f, in, time.Unix(1_800_000_000, 0).UTC()), api: newFleetAPI(f), in: in, faults: wrong}
	c.api.faults, c.crowd = wrong, newCrowd(c)
	c.api.onSubmit = func(in submitInput, now time.Time) {
		c.note(now, "submit %v stop=%v %s", in.InstanceIDs, in.Stop != nil, in.Token)
		c.submits(in, now)
	}
	c.api.onThrough = c.through
	c.api.onResults = func(in resultsInput, records resultRecords, now time.Time) {
		c.note(now, "results of %s: %d", in.CommandID, len(records))
		c.results(in, records, now)
	}
	c.api.onGone = c.lost
	return c
}

func (c *rolloutCase) note(now time.Time, format string, args ...any) {
	if *oneSeed > 0 {
		c.log = append(c.log, fmt.Sprintf("%v: ", now.Sub(c.started))+fmt.Sprintf(format, args...))
	}
}

// run goes through the runs of a rollout, each in an environment of its own.
func (c *rolloutCase) run() {
	in, now := c.in, c.started
	for {
		c.runs++
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
		c.env = suite.NewTestWorkflowEnvironment()
		c.env.SetStartTime(now)
		c.env.SetTestTimeout(time.Minute)
		c.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{c.api}, DeadlockDetectionTimeout: time.Minute})
		c.api.runID = fmt.Sprintf("run-%d", c.runs)
		c.api.origin = c.api.runID
		c.crowd.begin(now)
		c.env.ExecuteWorkflow(workflows.Rollout, in)
		now = c.env.Now().UTC()
		err := c.env.GetWorkflowError()
		var next *workflow.ContinueAsNewError
		if !errors.As(err, &next) {
			c.end(err, now)
			return
		}
		c.seen["continued"]++
		c.note(now, "continued as new")
		c.require(c.api.pending == 0, "%v: it goes on as a new run, and %d activities are under way", now.Sub(c.started), c.api.pending)
		in = workflows.RolloutInput{}
		if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in); err != nil {
			c.require(false, "the input of the next run: %v", err)
			return
		}
	}
}

func (c *rolloutCase) end(err error, now time.Time) {
	c.count("breach known", !c.breach.IsZero())
	c.seen["doubt"] += c.api.doubts
	var result workflows.RunCommandResult
	var failed *temporal.ApplicationError
	var cancelled *temporal.CanceledError
	switch {
	case err == nil:
		err = c.env.GetWorkflowResult(&result)
	case errors.As(err, &cancelled):
		c.require(c.cancelled, "it was cancelled by itself")
		c.seen["cancelled"]++
		err = cancelled.Details(&result)
		c.require(result.Verdict == workflows.Canceled, "a cancelled rollout is %q", result.Verdict)
	case errors.As(err, &failed) && failed.HasDetails():
		c.seen["nothing started"]++
		c.require(len(c.claims.runs) == 0, "it says that nothing was started: %v", err)
		err = failed.Details(&result)
		c.require(result.Counts()[workflows.NodeState("skipped")] == len(c.target), "nothing was started, and the nodes are %v", result.Counts())
		if err == nil {
			return
		}
	}
	if err != nil {
		c.require(false, "it ended with %v", err)
		return
	}
	c.cancelled = c.cancelled && cancelled != nil
	c.note(now, "ended %s, halt %+v, %s: %v", result.Verdict, result.Rollout.Halt, result.Reason, result.Counts())
	c.outcome(result, now)
}
