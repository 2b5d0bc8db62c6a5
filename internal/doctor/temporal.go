package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"ehpcflow/activities/checks"
	"ehpcflow/internal/connect"
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
			"let the namespace keep ended runs for a day or longer (temporal operator namespace update --retention)")
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

// Attribute is a search attribute that runs carry.
type Attribute struct {
	Name string
	Type enumspb.IndexedValueType
}

// Attributes are those that a namespace must have.
var Attributes = []Attribute{
	{"EhpcflowCluster", enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST},
	{"EhpcflowCommandId", enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST},
	{"EhpcflowVerdict", enumspb.INDEXED_VALUE_TYPE_KEYWORD},
	{"EhpcflowPhase", enumspb.INDEXED_VALUE_TYPE_KEYWORD},
	{"EhpcflowFailedNodes", enumspb.INDEXED_VALUE_TYPE_INT},
	{"EhpcflowUser", enumspb.INDEXED_VALUE_TYPE_KEYWORD},
	{"EhpcflowParentRun", enumspb.INDEXED_VALUE_TYPE_KEYWORD},
}

func (x *examination) attributes(ctx context.Context) checks.Check {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	listed, err := x.client.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: x.options.Namespace})
	switch {
	case notTold(err):
		return checks.Skip(checks.Attributes, "this client may not ask for them")
	case err != nil:
		return checks.Fail(checks.Attributes, connect.Explain(err, x.options).Error(), "try again, or look at the server's log")
	}
	return attributes(listed.GetCustomAttributes())
}

func attributes(there map[string]enumspb.IndexedValueType) checks.Check {
	var missing, wrong []string
	for _, a := range Attributes {
		switch kind, found := there[a.Name]; {
		case !found:
			missing = append(missing, a.Name)
		case kind != a.Type:
			wrong = append(wrong, fmt.Sprintf("%s is of type %v, not %v", a.Name, kind, a.Type))
		}
	}
	switch {
	case len(wrong) > 0:
		return checks.Fail(checks.Attributes, strings.Join(wrong, "; "), "remove it, which another program may need, and run starter setup; or use another namespace")
	case len(missing) > 0:
		return checks.Fail(checks.Attributes, "the namespace has no "+strings.Join(missing, ", "), "")
	}
	return checks.Pass(checks.Attributes, fmt.Sprintf("all %d are there", len(Attributes)))
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
