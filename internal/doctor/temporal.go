package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"ehpcflow/activities/checks"
	"ehpcflow/internal/connect"
	"ehpcflow/internal/setup"
)

// leastRetention is how long ended runs should be kept.
const leastRetention = 24 * time.Hour

// clockFails is how far the clocks of this machine and of Temporal may be apart.
const clockFails = time.Minute

func (x *examination) server(ctx context.Context) checks.Check {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	info, err := x.client.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
	if err != nil {
		return checks.Fail(checks.Temporal, connect.Explain(err, x.options).Error(), "")
	}
	return checks.Pass(checks.Temporal, "Temporal "+cmp.Or(info.GetServerVersion(), "of unknown version")+" answers at "+x.options.HostPort)
}

func (x *examination) namespace(ctx context.Context) checks.Check {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	name := x.options.Namespace
	described, err := x.client.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name})
	var missing *serviceerror.NamespaceNotFound
	var notFound *serviceerror.NotFound
	switch {
	case errors.As(err, &missing) || errors.As(err, &notFound):
		return checks.Fail(checks.Namespace, fmt.Sprintf("namespace %q does not exist on %s", name, x.options.HostPort), "")
	case notTold(err):
		return checks.Skip(checks.Namespace, "this client may not ask for it")
	case err != nil:
		return checks.Fail(checks.Namespace, connect.Explain(err, x.options).Error(), "")
	}
	return retained(name, described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
}

func retained(namespace string, retention time.Duration) checks.Check {
	finding := fmt.Sprintf("namespace %q keeps ended runs for %s", namespace, days(retention))
	if retention < leastRetention {
		return checks.Warn(checks.Namespace, finding+": the name of a run is its own for so long only",
			fmt.Sprintf("let the namespace keep ended runs for a day or longer (temporal operator namespace update --namespace %s --retention 720h)", namespace))
	}
	return checks.Pass(checks.Namespace, finding)
}

func days(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == day:
		return "1 day"
	case d > 0 && d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

// notTold says that the server, as a rule a hosted one, does not let this client ask.
func notTold(err error) bool {
	var denied *serviceerror.PermissionDenied
	var unknown *serviceerror.Unimplemented
	return errors.As(err, &denied) || errors.As(err, &unknown)
}

func (x *examination) attributes(ctx context.Context) checks.Check {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	state, err := setup.Check(ctx, x.client, x.options.Namespace)
	var closed *setup.NotAllowedError
	switch {
	case errors.As(err, &closed):
		return checks.Skip(checks.Attributes, "this client may not ask for them")
	case err != nil:
		return checks.Fail(checks.Attributes, connect.Explain(err, x.options).Error(), "try again, or look at the server's log")
	}
	return attributes(state)
}

func attributes(state setup.State) checks.Check {
	if len(state.Wrong) > 0 {
		var wrong []string
		for _, a := range state.Wrong {
			wrong = append(wrong, fmt.Sprintf("%s is of type %v, not %v", a.Name, a.Is, a.Type))
		}
		return checks.Fail(checks.Attributes, strings.Join(wrong, "; "), "remove it, which another program may need, and run starter setup; or use another namespace")
	}
	if len(state.Missing) > 0 {
		var missing []string
		for _, a := range state.Missing {
			missing = append(missing, a.Name)
		}
		return checks.Fail(checks.Attributes, "the namespace has no "+strings.Join(missing, ", "), "")
	}
	return checks.Pass(checks.Attributes, fmt.Sprintf("all %d are there", len(state.There)))
}

// clock compares the time at which Temporal started the workflow with the times here
// before and after.
func (x *examination) clock(ctx context.Context, run client.WorkflowRun, before time.Time) checks.Check {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	after := time.Now()
	described, err := x.client.DescribeWorkflowExecution(ctx, run.GetID(), run.GetRunID())
	if err != nil {
		return checks.Skip(checks.Clock, "Temporal did not tell the time")
	}
	return apart(described.GetWorkflowExecutionInfo().GetStartTime().AsTime(), before, after)
}

func apart(there, before, after time.Time) checks.Check {
	ahead := max(before.Sub(there), 0) - max(there.Sub(after), 0)
	if ahead.Abs() < clockFails {
		return checks.Pass(checks.Clock, "this machine and Temporal agree")
	}
	direction := "behind"
	if ahead > 0 {
		direction = "ahead of"
	}
	return checks.Fail(checks.Clock, fmt.Sprintf("the clock of this machine is %v %s Temporal's", ahead.Abs().Round(time.Second), direction), "")
}
