package runs

import (
	"context"
	"errors"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// Whole is a run with the runs of its clusters: of a run on one, that run alone.
type Whole struct {
	Clusters *ClustersReport // of a run on several; nil of one
	Runs     []Report        // with every node, in the order of the clusters
	Beginning
}

// ReadWhole reads a run with every node of every cluster. A cluster whose run was not
// started has none.
func ReadWhole(ctx context.Context, c client.Client, id string) (Whole, error) {
	var whole Whole
	report, err := Read(ctx, c, id)
	if !OnSeveralClusters(err) {
		if err != nil {
			return whole, err
		}
		whole.Runs = []Report{report}
		whole.Beginning, err = ReadBeginning(ctx, c, id)
		return whole, err
	}
	over, err := ReadClusters(ctx, c, id)
	if err != nil {
		return whole, err
	}
	whole.Clusters = &over
	for _, cluster := range over.Clusters {
		if cluster.Phase == workflows.ClusterWaiting || cluster.Phase == workflows.ClusterSkipped {
			continue
		}
		report, err := Read(ctx, c, cluster.RunID)
		var notFound *NotFoundError
		switch {
		case errors.As(err, &notFound): // it is about to be started
			continue
		case err != nil:
			return whole, err
		}
		whole.Runs = append(whole.Runs, report)
	}
	in, err := ReadBeginning(ctx, c, id)
	whole.Beginning = in
	return whole, err
}

// GoesOn says whether the run, or that of a cluster, does.
func (w Whole) GoesOn() bool {
	for _, report := range w.Runs {
		if report.State == Running {
			return true
		}
	}
	return w.Clusters != nil && w.Clusters.State == Running
}

// Unknown says that nobody could tell how nodes of a run stand: no worker answered.
func (w Whole) Unknown() (trouble string, unknown bool) {
	for _, report := range w.Runs {
		if report.Phase == "" {
			return report.Trouble, true
		}
	}
	return "", false
}
