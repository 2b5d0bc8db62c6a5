package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// mender finds the steps and items that failed, and whose command has been run again by
// itself since (starter rerun RUN/STEP), until it had succeeded on every node.
type mender struct {
	c    client.Client
	room int // bytes that may still be kept for later steps
}

// failure is a step, or an item, of a past run that may have succeeded since.
type failure struct {
	*workflows.StepResult
	form   pipeline.OutputForm
	wanted pipeline.Wanted // what later steps refer to

	// undone is one that was rolled back: it has failed for good, whatever its command came
	// to since.
	undone bool
}

// atOnce is how many runs are asked for at the same time.
const atOnce = 20

// mend has those succeed whose command did. It is a *RefusedError that one is being run again
// now. Reruns under a name that somebody chose are not looked for.
func (m *mender) mend(ctx context.Context, all []failure) error {
	all = slices.DeleteFunc(all, func(f failure) bool {
		return f.Kind != pipeline.RunsCommand || f.State != workflows.StepFailed && f.State != workflows.StepCanceled || len(f.Items) > 0 || f.RunID == ""
	})
	parts, again := make([][]string, len(all)), make([]bool, len(all))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range all {
		group.Go(func() (err error) {
			if parts[i], err = m.partsOf(ctx, all[i].RunID); err == nil {
				again[i], err = m.anyAgain(ctx, parts[i])
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range all {
		if !again[i] {
			continue
		}
		if err := m.mendOne(ctx, all[i], parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// partsOf are the runs that can be run again by themselves: of each cluster, where a run is on
// several, and otherwise the run itself. One that is no longer kept has none.
func (m *mender) partsOf(ctx context.Context, id string) ([]string, error) {
	kind, err := KindOf(ctx, m.c, id)
	var gone *NotFoundError
	var several *SeveralClustersError
	switch {
	case errors.As(err, &gone):
		return nil, nil
	case err != nil:
		return nil, err
	case kind != OnClusters:
		return []string{id}, nil
	}
	if err := severalClusters(ctx, m.c, id); !errors.As(err, &several) {
		return nil, err
	}
	return several.Runs, nil
}

func (m *mender) anyAgain(ctx context.Context, parts []string) (bool, error) {
	for _, part := range parts {
		_, err := describe(ctx, m.c, numberedName(part, 2))
		var never *NotFoundError
		if !errors.As(err, &never) {
			return err == nil, err
		}
	}
	return false, nil
}

func (m *mender) mendOne(ctx context.Context, f failure, parts []string) error {
	var all workflows.NodeResults
	var last Past
	done := !f.undone
	for _, part := range parts { // every one, for any may be running
		chain, err := ReadCommandChain(ctx, m.c, part)
		var gone *NotFoundError
		switch {
		case errors.As(err, &gone): // it never began, or is no longer kept: of which nodes it was is not known
			done = false
			continue
		case err != nil:
			return err
		case chain.GoesOn():
			return &RefusedError{fmt.Sprintf("run %s is being run again by itself: wait for the end of that, which starter history %s shows", part, part)}
		}
		nodes, succeeded := chain.nodes()
		all, done = append(all, nodes...), done && succeeded
		if ended := chain.Runs[len(chain.Runs)-1]; last.RunID == "" || ended.StartedAt.After(last.StartedAt) {
			last = ended
		}
	}
	if !done {
		return nil
	}
	mended, err := f.Mended(all, last.RunID, f.form, f.wanted, m.room)
	if err != nil { // it printed no JSON: it has not succeeded
		return nil //nolint:nilerr // the step runs again, and says so itself
	}
	*f.StepResult = mended
	m.room -= mended.Weight()
	return nil
}

// mendSteps does so for the steps of a pipeline.
func (m *mender) mendSteps(ctx context.Context, p pipeline.Pipeline, steps []workflows.StepResult) error {
	wanted := pipeline.References(p)
	var all []failure
	for i := range steps {
		name := steps[i].Name
		if def := slices.IndexFunc(p.Steps, func(def pipeline.Step) bool { return def.Name == name }); def >= 0 {
			all = append(all, failure{&steps[i], p.Steps[def].Output, wanted[name], workflows.RolledBack(steps, name)})
		}
	}
	return m.mend(ctx, all)
}

// nodes of the first run, each as in the last run that began the command there, which may have
// failed where one before it succeeded, and whether there are some and all succeeded.
func (c CommandChain) nodes() (nodes workflows.NodeResults, succeeded bool) {
	place := make(map[string]int)
	for i, id := range c.Runs[0].asked() {
		place[id] = i
	}
	nodes = make(workflows.NodeResults, len(place))
	for _, past := range c.Runs {
		for _, node := range past.Nodes {
			if at, asked := place[node.InstanceID]; asked && (nodes[at].InstanceID == "" || node.State != activities.Skipped) {
				node.HostName = cmp.Or(node.HostName, nodes[at].HostName) // a rerun names its nodes and lists none
				nodes[at] = node
			}
		}
	}
	failed := func(node workflows.NodeResult) bool { return node.State != activities.Succeeded }
	return nodes, len(nodes) > 0 && !slices.ContainsFunc(nodes, failed)
}
