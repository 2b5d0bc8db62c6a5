package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"ehpcflow/activities/columns"
)

// ListClustersResult holds the clusters of the account in the worker's region.
type ListClustersResult struct {
	Clusters Clusters `json:"clusters"`
}

// Clusters are those of an account; a long list is written as columns.
type Clusters []Cluster

// MarshalJSON writes the list; see package columns.
func (c Clusters) MarshalJSON() ([]byte, error) { return columns.Marshal(c) }

// UnmarshalJSON reads it, also as a plain array.
func (c *Clusters) UnmarshalJSON(text []byte) error { return columns.Unmarshal(text, (*[]Cluster)(c)) }

// Cluster is one of the account. Status and Scheduler are the vendor's words.
type Cluster struct {
	ClusterID string `json:"clusterId"`
	Name      string `json:"name,omitempty"`      // that a person gave it
	Status    string `json:"status,omitempty"`    // in the words of the service, as the rest
	Region    string `json:"region,omitempty"`    // of the cloud
	Scheduler string `json:"scheduler,omitempty"` // such as slurm22

	// ComputeNodes and, of these, RunningNodes; nil where the service does not count
	// them.
	ComputeNodes *int `json:"computeNodes,omitempty"`
	RunningNodes *int `json:"runningNodes,omitempty"`
}

// ListClusters reads the clusters of the account.
func (a *Activities) ListClusters(ctx context.Context) (*ListClustersResult, error) {
	stop := keepAlive(ctx, "listing")
	defer stop()
	result := &ListClustersResult{Clusters: Clusters{}}
	for cluster, err := range a.EHPC.Clusters(ctx) {
		if err != nil {
			return nil, a.readFailure(err, activity.GetInfo(ctx).Attempt)
		}
		listed := Cluster{
			ClusterID: cluster.ID, Name: cluster.Name, Status: cluster.Status, Region: cluster.RegionID, Scheduler: cluster.SchedulerType,
		}
		if cluster.Computes != nil {
			listed.ComputeNodes, listed.RunningNodes = &cluster.Computes.Total, &cluster.Computes.Normal
		}
		result.Clusters = append(result.Clusters, listed)
	}
	return result, nil
}
