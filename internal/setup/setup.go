// Package setup prepares a Temporal namespace for ehpcflow: it has to know the search
// attributes that runs are listed by.
package setup

import (
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

	"ehpcflow/internal/connect"
	"ehpcflow/workflows"
)

// State is how the search attributes of a namespace stand.
type State struct {
	Namespace string

	// There are those that the namespace has with the right type, Missing those that it
	// has not, and Wrong those that it has with another type.
	There, Missing []workflows.SearchAttribute
	Wrong          []WrongType
}

// WrongType is a search attribute that exists with another type, by another program.
type WrongType struct {
	workflows.SearchAttribute
	Is enumspb.IndexedValueType
}

// Problem says what keeps runs from being started and how to mend it; nil when nothing
// does.
func (s State) Problem() error {
	var problems []string
	if len(s.Missing) > 0 {
		problems = append(problems, fmt.Sprintf("namespace %q lacks search attributes (%s): create them with starter setup", s.Namespace, names(s.Missing)))
	}
	for _, wrong := range s.Wrong {
		problems = append(problems, wrong.text(s.Namespace))
	}
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}

func (w WrongType) text(namespace string) string {
	return fmt.Sprintf("search attribute %s of namespace %q is of type %v and has to be %v: remove it (temporal operator search-attribute remove --namespace %s --name %s), when no other program uses it and no run goes on there, and run starter setup",
		w.Name, namespace, w.Is, w.Type, namespace, w.Name)
}

func names(attributes []workflows.SearchAttribute) string {
	texts := make([]string, len(attributes))
	for i, attribute := range attributes {
		texts[i] = attribute.Name
	}
	return strings.Join(texts, ", ")
}

// NotAllowedError says that the server lets nobody, or not this client, see or create
// search attributes, as Temporal Cloud does.
type NotAllowedError struct{ Message string }

func (e *NotAllowedError) Error() string { return e.Message }

// Check says how the search attributes of a namespace stand. It may return a
// *NotAllowedError.
func Check(ctx context.Context, c client.Client, namespace string) (State, error) {
	state := State{Namespace: namespace}
	answer, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return state, explain(err, namespace, "list", workflows.SearchAttributes)
	}
	for _, attribute := range workflows.SearchAttributes {
		switch is, there := answer.GetCustomAttributes()[attribute.Name]; {
		case !there:
			state.Missing = append(state.Missing, attribute)
		case is != attribute.Type:
			state.Wrong = append(state.Wrong, WrongType{attribute, is})
		default:
			state.There = append(state.There, attribute)
		}
	}
	return state, nil
}

// usablePatience is how long a server may take to use what was created: it reads the
// settings of its namespaces anew every few seconds.
const usablePatience = time.Minute

// Ensure creates the search attributes that the namespace lacks, and returns when they
// can be used. The state is that from before: its Missing were created. It creates
// nothing where one has the wrong type.
func Ensure(ctx context.Context, c client.Client, namespace string) (State, error) {
	state, err := Check(ctx, c, namespace)
	if err != nil {
		return state, err
	}
	if len(state.Wrong) > 0 {
		wrong := State{Namespace: namespace, Wrong: state.Wrong}
		return state, &connect.ConfigError{Message: "nothing was created: " + wrong.Problem().Error()}
	}
	if len(state.Missing) == 0 {
		return state, nil
	}
	types := make(map[string]enumspb.IndexedValueType)
	for _, attribute := range state.Missing {
		types[attribute.Name] = attribute.Type
	}
	if _, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: types,
	}); err != nil {
		return state, explain(err, namespace, "create", state.Missing)
	}
	return state, awaitUsable(ctx, c, namespace)
}

// awaitUsable waits until the server takes queries with all of the attributes.
func awaitUsable(ctx context.Context, c client.Client, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, usablePatience)
	defer cancel()
	terms := make([]string, len(workflows.SearchAttributes))
	for i, attribute := range workflows.SearchAttributes {
		terms[i] = attribute.Name + " IS NULL"
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: namespace, Query: strings.Join(terms, " AND "),
		})
		var unknown *serviceerror.InvalidArgument
		if err == nil || !errors.As(err, &unknown) && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &connect.UnreachableError{Message: fmt.Sprintf(
				"the search attributes were created, but the server does not use them yet (%v): run starter setup again in a minute", err)}
		}
	}
}

// explain makes errors of the operator's calls ones for people.
func explain(err error, namespace, verb string, attributes []workflows.SearchAttribute) error {
	var denied *serviceerror.PermissionDenied
	var unimplemented *serviceerror.Unimplemented
	var full *serviceerror.InvalidArgument
	list := make([]string, len(attributes))
	for i, attribute := range attributes {
		list[i] = fmt.Sprintf("%s=%v", attribute.Name, attribute.Type)
	}
	switch {
	case errors.As(err, &denied), errors.As(err, &unimplemented):
		return &NotAllowedError{fmt.Sprintf(
			"the server does not allow this client to %s search attributes (%v); create them as its administrator, or on Temporal Cloud in the namespace's settings or by tcld namespace search-attributes add --namespace %s %s",
			verb, err, namespace, "--sa "+strings.Join(list, " --sa "))}
	case errors.As(err, &full):
		return &connect.ConfigError{Message: fmt.Sprintf("the search attributes %s could not be created in namespace %q: %v", strings.Join(list, ", "), namespace, err)}
	}
	return fmt.Errorf("%s search attributes: %w", verb, err)
}
