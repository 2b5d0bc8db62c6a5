package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// validate returns everything that is wrong with the input as far as it is known: the
// nodes of past runs, and their cluster, are yet to be read.
func (o runOptions) validate(in workflows.RolloutInput) error {
	if len(o.from) == 0 {
		return in.Validate()
	}
	_, problems := o.selections()
	if o.all {
		problems = append(problems, "both all nodes (--all) and nodes of past runs (--from) are asked for: choose one")
	}
	in.ClusterID = cmp.Or(in.ClusterID, "that of the past runs")
	switch chosen := in.Target.Select; {
	case chosen != nil && len(chosen.InstanceIDs) == 0:
		all := *chosen
		all.All = true
		in.Target.Select = &all
	case chosen == nil && len(in.Target.Nodes) == 0:
		in.Target.All = true
	}
	return together(problems, in.Validate())
}

func (o runOptions) selections() (selections []runs.Selection, problems []string) {
	for _, text := range o.from {
		selection, err := runs.ParseSelection(text)
		if err != nil {
			problems = append(problems, "--from: "+err.Error())
		}
		selections = append(selections, selection)
	}
	return selections, problems
}

// fromPast narrows the target to the nodes that --from chose in past runs, those that
// --node names too where it names any.
func (o runOptions) fromPast(ctx context.Context, c client.Client, in workflows.RolloutInput) (workflows.RolloutInput, error) {
	if len(o.from) == 0 {
		return in, nil
	}
	selections, _ := o.selections()
	selected, err := runs.Select(ctx, c, in.ClusterID, selections)
	if err != nil {
		return in, err
	}
	in.ClusterID = selected.ClusterID
	nodes := &in.Target.Nodes
	if in.Target.Select != nil {
		narrowed := *in.Target.Select
		in.Target.Select, nodes = &narrowed, &narrowed.InstanceIDs
	}
	*nodes = selected.Among(*nodes)
	for _, selection := range selections {
		in.From = append(in.From, selection.String())
	}
	if len(*nodes) == 0 {
		return in, &workflows.InputError{Problems: []string{fmt.Sprintf(
			"none of the nodes that --node names is among the %s of %s", workflows.Nodes(len(selected.Nodes)), strings.Join(in.From, " and "))}}
	}
	return in, in.Validate()
}
