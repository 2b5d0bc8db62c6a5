// Package doctor examines a set-up from the starter's side, has a worker examine its
// own, and puts both together. It changes nothing but that it starts one short workflow.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"ehpcflow/activities/checks"
	"ehpcflow/internal/connect"
	"ehpcflow/internal/runs"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/workflows"
)

// patience bounds each call to Temporal.
const patience = 5 * time.Second

// Examination is what was found.
type Examination struct {
	Checks []checks.Check `json:"checks"`

	// Failed and Warnings count the checks of these states.
	Failed   int `json:"failed"`
	Warnings int `json:"warnings"`

	// WorkerHost is the machine of the worker that answered; "" when none did.
	WorkerHost string `json:"workerHost,omitempty"`
}

// Unreachable says whether Temporal does not answer.
func (r Examination) Unreachable() bool {
	return slices.ContainsFunc(r.Checks, func(c checks.Check) bool { return c.Name == checks.Temporal && c.State == checks.Failed })
}

// Examine makes every check. An error is the context's alone.
func Examine(ctx context.Context, logger log.Logger, taskQueue, clusterID string) (Examination, error) {
	x := &examination{taskQueue: taskQueue, clusterID: clusterID}
	x.run(ctx, logger)
	if err := ctx.Err(); err != nil {
		return Examination{}, err
	}
	report := Examination{WorkerHost: x.host}
	report.Checks = checks.InOrder(append(append([]string{}, checks.OnStarter...), checks.OnWorker()...), x.found, x.why)
	for _, check := range report.Checks {
		switch check.State {
		case checks.Failed:
			report.Failed++
		case checks.Warned:
			report.Warnings++
		case checks.Passed, checks.Skipped:
		}
	}
	return report, nil
}

// examination is what is known so far.
type examination struct {
	taskQueue, clusterID string

	client  client.Client
	options client.Options
	found   []checks.Check
	host    string
	why     string // what is not found is skipped for
}

func (x *examination) note(c checks.Check) { x.found = append(x.found, c) }

// run makes the checks in the order in which one rests on another.
func (x *examination) run(ctx context.Context, logger log.Logger) {
	if !x.connect(ctx, logger) {
		return
	}
	defer x.client.Close()
	x.note(x.server(ctx))
	exists := x.namespace(ctx)
	x.note(exists)
	if exists.State == checks.Failed {
		x.why = "the namespace is not there"
		return
	}
	x.note(x.attributes(ctx))
	served := x.worker(ctx)
	if served.State == checks.Failed {
		x.note(served)
		x.why = "no worker answers"
		return
	}
	x.ask(ctx, served)
}

func (x *examination) connect(ctx context.Context, logger log.Logger) bool {
	c, options, err := connect.Temporal(ctx, logger)
	var config *connect.ConfigError
	if errors.As(err, &config) {
		x.note(checks.Fail(checks.Settings, config.Message, ""))
		x.why = "the settings cannot be used"
		return false
	}
	x.note(checks.Pass(checks.Settings, fmt.Sprintf("server %s, namespace %s, task queue %s", options.HostPort, options.Namespace, x.taskQueue)))
	if err != nil {
		remedy := checks.Of(checks.Temporal).Remedy
		x.note(checks.Fail(checks.Temporal, strings.TrimSuffix(err.Error(), ": "+remedy), remedy))
		x.why = "Temporal does not answer"
		return false
	}
	x.client, x.options = c, options
	return true
}

func (x *examination) worker(ctx context.Context) checks.Check {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	served, err := taskqueue.Served(ctx, x.client, x.taskQueue)
	switch {
	case err != nil:
		return checks.Fail(checks.Worker, connect.Explain(err, x.options).Error(), "")
	case !served:
		if stalled := taskqueue.Stalled(ctx, x.client, x.taskQueue); stalled != nil {
			return checks.Fail(checks.Worker, stalled.Error(), "make it current, as said")
		}
		return checks.Fail(checks.Worker, fmt.Sprintf("no worker serves task queue %q", x.taskQueue), "")
	}
	return checks.Pass(checks.Worker, fmt.Sprintf("task queue %q is served", x.taskQueue))
}

// ask has a worker examine its side. Where none takes the question up, none is there,
// whatever it looked like.
func (x *examination) ask(ctx context.Context, served checks.Check) {
	var result workflows.ExamineResult
	asked := time.Now()
	question := runs.Question{
		Kind: "doctor", Summary: "doctor: examine the worker's side", Workflow: workflows.ExamineWorker,
		Input: []any{workflows.ExamineInput{ClusterID: x.clusterID}},
	}
	place := runs.Place{Namespace: x.options.Namespace, TaskQueue: x.taskQueue}
	err := runs.Ask(ctx, x.client, place, question, &result, func(run client.WorkflowRun) {
		x.note(x.clock(ctx, run, asked))
	})
	var unreachable *connect.UnreachableError
	var unanswered *runs.UnansweredError
	switch explained := connect.Explain(err, x.options); {
	case errors.As(explained, &unreachable):
		served = checks.Fail(checks.Worker, fmt.Sprintf("no worker takes anything from task queue %q", x.taskQueue), "")
		x.why = "no worker answers"
	case errors.As(err, &unanswered) && unanswered.Outdated:
		x.note(checks.Fail(checks.Version, "the worker that was asked is older than starter and does not know this examination", ""))
		x.why = "the worker is too old"
	case explained != nil:
		x.note(checks.Fail(checks.Version, "the worker gave no answer: "+explained.Error(), "see the log of the worker"))
		x.why = "the worker gave no answer"
	default:
		x.host = result.Host
		x.note(checks.Pass(checks.Version, "it knows this examination; it runs on "+result.Host))
		x.found = append(x.found, result.Checks...)
		x.why = "the worker does not know this check"
	}
	x.note(served)
}
