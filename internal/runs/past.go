package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/client"

	"ehpcflow/internal/connect"
	"ehpcflow/workflows"
)

// Past is a run with what it was told to do.
type Past struct {
	Report
	Input workflows.RolloutInput // of a plain run, without a policy
}

// readPast reads a run. When it has ended, its nodes are known.
func readPast(ctx context.Context, c client.Client, id string) (Past, error) {
	report, err := Read(ctx, c, id)
	if err != nil {
		return Past{}, err
	}
	if report.Phase == "" && report.State != Running {
		return Past{}, unanswered(id)
	}
	began, err := ReadBeginning(ctx, c, id)
	if report.StartedAt.IsZero() {
		report.StartedAt = began.At
	}
	return Past{Report: report, Input: began.Input}, err
}

func unanswered(id string) error {
	return &connect.UnreachableError{Message: fmt.Sprintf(
		"how run %s stands is to be had from a worker only, and none answers: start the worker and try again", id)}
}

// stillGoesOn refuses a run that has not ended.
func (p Past) stillGoesOn() error {
	if p.State != Running {
		return nil
	}
	return fmt.Errorf("run %s still goes on, so that its sets are not final: wait for its end (starter status %s) or stop it (starter cancel %s)", p.RunID, p.RunID, p.RunID)
}

// empty says that a run has no node in any of the sets.
func (p Past) empty(chosen []Set) error {
	why := workflows.CountsText(p.Counts())
	if len(p.Nodes) == 0 {
		why = "it ended before it had nodes"
	}
	return fmt.Errorf("no node of run %s is %s (%s)", p.RunID, joined(chosen, " or "), why)
}

// Selected are nodes of past runs, each once, and their cluster.
type Selected struct {
	ClusterID string
	Nodes     []string
}

// Select reads the past runs and takes the nodes of all selections together. An
// *workflows.InputError says everything that is wrong with them.
func Select(ctx context.Context, c client.Client, clusterID string, selections []Selection) (Selected, error) {
	pasts := make(map[string]Past)
	var problems []string
	for _, selection := range selections {
		if _, read := pasts[selection.Run]; read {
			continue
		}
		past, err := readPast(ctx, c, selection.Run)
		var notFound *NotFoundError
		switch {
		case errors.As(err, &notFound):
			problems = append(problems, err.Error())
		case err != nil:
			return Selected{}, err
		}
		pasts[selection.Run] = past
	}
	selected, more := choose(clusterID, selections, pasts)
	if problems = append(problems, more...); len(problems) > 0 {
		return Selected{}, &workflows.InputError{Problems: problems}
	}
	return selected, nil
}

// choose takes the nodes from runs that were read. Those that were not found have no
// name.
func choose(clusterID string, selections []Selection, pasts map[string]Past) (selected Selected, problems []string) {
	selected.ClusterID = clusterID
	where := "--cluster names"
	taken, empty := make(map[string]bool), []string(nil)
	judged := make(map[string]bool)
	for _, selection := range selections {
		past := pasts[selection.Run]
		if past.RunID == "" {
			continue
		}
		if !judged[past.RunID] {
			judged[past.RunID] = true
			if err := past.stillGoesOn(); err != nil {
				problems = append(problems, err.Error())
			}
			switch cluster := past.Input.ClusterID; {
			case selected.ClusterID == "":
				selected.ClusterID, where = cluster, "run "+past.RunID+" was on"
			case selected.ClusterID != cluster:
				problems = append(problems, fmt.Sprintf("run %s was on cluster %s, and %s %s: a run takes nodes of one cluster",
					past.RunID, cluster, where, selected.ClusterID))
			}
		}
		ids := past.in(selection.Sets)
		if len(ids) == 0 {
			empty = append(empty, past.empty(selection.Sets).Error())
		}
		for _, id := range ids {
			if !taken[id] {
				taken[id] = true
				selected.Nodes = append(selected.Nodes, id)
			}
		}
	}
	if len(problems) == 0 && len(selected.Nodes) == 0 {
		problems = empty
	}
	return selected, problems
}

// Among keeps the nodes that are named too; no names keep all.
func (s Selected) Among(named []string) []string {
	if len(named) == 0 {
		return s.Nodes
	}
	return slices.DeleteFunc(slices.Clone(s.Nodes), func(id string) bool { return !slices.Contains(named, id) })
}
