package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/client"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// mender finds the steps and items that failed, and whose command has been run again by
// itself since (starter rerun RUN/STEP), until it had succeeded on every node.
type mender struct {
	c    client.Client
	room int // bytes that may still be kept for later steps
}

// mend has a step, or an item, of a past run succeed where that is so. Wanted is what later
// steps refer to. It is a *RefusedError that the command is being run again now. Reruns
// under a name that somebody chose are not looked for.
func (m *mender) mend(ctx context.Context, step *workflows.StepResult, form pipeline.OutputForm, wanted pipeline.Wanted) error {
	if step.Kind != pipeline.RunsCommand || step.State != workflows.StepFailed && step.State != workflows.StepCanceled || len(step.Items) > 0 || step.RunID == "" {
		return nil
	}
	_, err := describe(ctx, m.c, numberedName(step.RunID, 2))
	var never *NotFoundError
	switch {
	case errors.As(err, &never):
		return nil
	case err != nil:
		return err
	}
	chain, err := ReadCommandChain(ctx, m.c, step.RunID)
	switch {
	case err != nil:
		return err
	case chain.GoesOn():
		return &RefusedError{fmt.Sprintf("run %s is being run again by itself: wait for the end of that, which starter history %s shows", step.RunID, step.RunID)}
	case !chain.Done():
		return nil
	}
	mended, err := step.Mended(chain.nodes(), chain.Runs[len(chain.Runs)-1].RunID, form, wanted, m.room)
	if err != nil { // it printed no JSON: it has not succeeded
		return nil //nolint:nilerr // the step runs again, and says so itself
	}
	*step = mended
	m.room -= mended.Weight()
	return nil
}

// mendAll does so for the steps of a pipeline. One that was rolled back has failed for good,
// whatever its command came to since.
func (m *mender) mendAll(ctx context.Context, p pipeline.Pipeline, steps []workflows.StepResult) error {
	wanted := pipeline.References(p)
	for i := range steps {
		def := slices.IndexFunc(p.Steps, func(def pipeline.Step) bool { return def.Name == steps[i].Name })
		if def < 0 || workflows.RolledBack(steps, steps[i].Name) {
			continue
		}
		if err := m.mend(ctx, &steps[i], p.Steps[def].Output, wanted[steps[i].Name]); err != nil {
			return err
		}
	}
	return nil
}

// nodes of the first run, each as in the run that tells how it stands.
func (c CommandChain) nodes() workflows.NodeResults {
	var nodes workflows.NodeResults
	for _, standing := range c.Standings() {
		run := slices.IndexFunc(c.Runs, func(p Past) bool { return p.RunID == standing.Run })
		if run < 0 {
			continue
		}
		for _, node := range c.Runs[run].Nodes {
			if node.InstanceID == standing.InstanceID {
				nodes = append(nodes, node)
			}
		}
	}
	return nodes
}
