package workflows_test

import (
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
)

// fleetAPI plays the activities on a fleet. It stands in the place of the server that
// would schedule them: they are coroutines of the workflow that wait in virtual time, so
// that a seed always gives the same course, and a submit that is cancelled while it is on
// its way still arrives, which the test environment's own activities do not show.
type fleetAPI struct {
	interceptor.WorkerInterceptorBase
	*fleet
	faults faults
	runID  string
	origin string // OriginalRunID

	pending int      // activities under way, watches apart
	doubts  int      // submits that left one
	hidden  []string // tokens whose commands could not be listed

	// What a test sees of it. A submit goes out with each attempt, and is through when
	// it is known in the fleet what became of it.
	onSubmit  func(in activities.InvokeShellCommandInput, now time.Time)
	onThrough func(in activities.InvokeShellCommandInput, mayHaveRun, refused bool)
	onResults func(in activities.ListInvocationResultsInput, records activities.ResultRecords, now time.Time)
	onGone    func(ids []string, now time.Time)
}

// faults are how often something goes wrong, in so many of a thousand calls, and how
// long a submit may take beyond a moment.
type faults struct {
	slow time.Duration
	vain bool // no submit in doubt has arrived

	throttle, refuse, doubt, workerLost, hideCommands, blind, unread int
}

func newFleetAPI(f *fleet) *fleetAPI {
	return &fleetAPI{
		fleet: f, runID: "run-1", origin: "run-1",
		onSubmit:  func(activities.InvokeShellCommandInput, time.Time) {},
		onThrough: func(activities.InvokeShellCommandInput, bool, bool) {},
		onResults: func(activities.ListInvocationResultsInput, activities.ResultRecords, time.Time) {},
		onGone:    func([]string, time.Time) {},
	}
}

func (a *fleetAPI) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}, api: a}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	api *fleetAPI
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{WorkflowOutboundInterceptorBase: interceptor.WorkflowOutboundInterceptorBase{Next: next}, api: i.api})
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	api *fleetAPI
}

// GetInfo names the run as a server would.
func (o *outbound) GetInfo(ctx workflow.Context) *workflow.Info {
	info := *o.Next.GetInfo(ctx)
	info.WorkflowExecution.RunID, info.OriginalRunID = o.api.runID, o.api.origin
	return &info
}

// ExecuteActivity plays an activity, with its retries.
func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	future, answer := workflow.NewFuture(ctx)
	call := &call{api: o.api, name: name, arg: args[0], options: workflow.GetActivityOptions(ctx)}
	call.expires = workflow.Now(ctx).Add(call.options.ScheduleToCloseTimeout)
	if name != "ListInvocationStatus" {
		o.api.pending++
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		result, err := call.perform(ctx)
		if name != "ListInvocationStatus" {
			o.api.pending--
		}
		if err != nil {
			answer.SetError(err)
			return
		}
		payloads, err := converter.GetDefaultDataConverter().ToPayloads(result)
		answer.Set(payloads, err)
	})
	return future
}

// call is an activity under way.
type call struct {
	api     *fleetAPI
	name    string
	arg     any
	options workflow.ActivityOptions
	expires time.Time
	attempt int
}

func (c *call) perform(ctx workflow.Context) (any, error) {
	attempt := ctx
	if c.options.WaitForCancellation { // one on its way arrives
		attempt, _ = workflow.NewDisconnectedContext(ctx)
	}
	for c.attempt = 1; ; c.attempt++ {
		if ctx.Err() != nil {
			return nil, c.failure(temporal.NewCanceledError(), enumspb.RETRY_STATE_CANCEL_REQUESTED)
		}
		result, err := c.try(attempt)
		var failed *temporal.ApplicationError
		var timeout *temporal.TimeoutError
		switch {
		case err == nil:
			return result, nil
		case temporal.IsCanceledError(err):
			return nil, err
		case errors.As(err, &timeout):
			return nil, c.failure(err, enumspb.RETRY_STATE_TIMEOUT)
		case errors.As(err, &failed) && failed.NonRetryable():
			return nil, c.failure(err, enumspb.RETRY_STATE_NON_RETRYABLE_FAILURE)
		}
		delay := failed.NextRetryDelay()
		if workflow.Now(ctx).Add(delay).After(c.expires) {
			return nil, c.failure(err, enumspb.RETRY_STATE_TIMEOUT)
		}
		if err := workflow.Sleep(ctx, delay); err != nil {
			return nil, c.failure(temporal.NewCanceledError(), enumspb.RETRY_STATE_CANCEL_REQUESTED)
		}
	}
}

func (c *call) try(ctx workflow.Context) (any, error) {
	switch c.name {
	case "InvokeShellCommand":
		return c.submit(ctx, through[activities.InvokeShellCommandInput](c.arg))
	case "ListInvocationStatus":
		return c.watch(ctx, through[activities.ListInvocationStatusInput](c.arg))
	case "ListInvocationResults":
		return c.results(ctx, through[activities.ListInvocationResultsInput](c.arg))
	case "ListCommands":
		return c.listCommands(ctx, through[activities.ListCommandsInput](c.arg))
	case "ListNodes":
		return c.listNodes(ctx, through[activities.ListNodesInput](c.arg))
	}
	return nil, fmt.Errorf("activity %s is not played", c.name)
}

// through writes an input and reads it, as it would reach a worker.
func through[T any](arg any) (in T) {
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(arg)
	if err == nil {
		err = converter.GetDefaultDataConverter().FromPayloads(payloads, &in)
	}
	if err != nil {
		panic(err)
	}
	return in
}

// failure is an error of an activity as a workflow gets it.
func (c *call) failure(err error, state enumspb.RetryState) error {
	failures := temporal.GetDefaultFailureConverter()
	return failures.FailureToError(&failurepb.Failure{
		Message: "activity error", Cause: failures.ErrorToFailure(err),
		FailureInfo: &failurepb.Failure_ActivityFailureInfo{ActivityFailureInfo: &failurepb.ActivityFailureInfo{
			ActivityType: &commonpb.ActivityType{Name: c.name}, RetryState: state,
		}},
	})
}

// take lets time pass, up to so long.
func (c *call) take(ctx workflow.Context, most time.Duration) error {
	return workflow.Sleep(ctx, time.Duration(1+c.api.dice.Int64N(int64(most))))
}

func (c *call) happens(perMille int) bool { return c.api.dice.IntN(1000) < perMille }

func retryable(code string, delay time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(code, code, temporal.ApplicationErrorOptions{NextRetryDelay: delay})
}

func refusal(code string) error { return temporal.NewNonRetryableApplicationError(code, code, nil) }
