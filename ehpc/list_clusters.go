package ehpc

import (
	"context"
	"iter"
	"strconv"
)

// MaxClustersPage is the largest PageSize of ListClusters.
const MaxClustersPage = 50

// ClusterRunning is the status word of a cluster that can be used. Others are
// uninit, creating, init, exception and releasing.
const ClusterRunning = "running"

// ListClustersRequest asks for one page of the account's clusters in the region.
type ListClustersRequest struct {
	PageNumber int // from 1
	PageSize   int // 1 to MaxClustersPage
}

// Cluster is an E-HPC cluster.
type Cluster struct {
	ID            string
	Name          string
	Status        string // ClusterRunning or one of the other words
	RegionID      string
	SchedulerType string // slurm, pbs, …

	// Computes counts its compute nodes; nil where the answer does not.
	Computes *NodeCounts
}

// NodeCounts counts the nodes of a cluster by how they are.
type NodeCounts struct {
	Total     int
	Normal    int
	Exception int
	Operating int // being started, stopped or the like
	Stopped   int
}

type nodeCountsAnswer struct {
	Total          scalar
	NormalCount    scalar
	ExceptionCount scalar
	OperatingCount scalar
	StoppedCount   scalar
}

// nodeCounts are nil without a total; what else is missing is 0.
func nodeCounts(answers []nodeCountsAnswer) *NodeCounts {
	if len(answers) != 1 || answers[0].Total.number() == nil {
		return nil
	}
	a := answers[0]
	count := func(of scalar) int {
		if n := of.number(); n != nil {
			return *n
		}
		return 0
	}
	return &NodeCounts{count(a.Total), count(a.NormalCount), count(a.ExceptionCount), count(a.OperatingCount), count(a.StoppedCount)}
}

type clusterAnswer struct {
	ID            scalar `json:"Id"`
	Name          scalar
	Status        scalar
	RegionID      scalar `json:"RegionId"`
	SchedulerType scalar
	Computes      list[nodeCountsAnswer]
}

func (a clusterAnswer) cluster() Cluster {
	return Cluster{string(a.ID), string(a.Name), string(a.Status), string(a.RegionID), string(a.SchedulerType), nodeCounts(a.Computes)}
}

type listClusters struct {
	rpc
	PageNumber string `position:"Query" name:"PageNumber"`
	PageSize   string `position:"Query" name:"PageSize"`
}

func (*listClusters) subject() subject { return subject{action: "ListClusters"} }

// ListClusters reads one page of the account's clusters.
func (c *Client) ListClusters(ctx context.Context, in ListClustersRequest) (*Page[Cluster], error) {
	req := &listClusters{
		rpc:        newRPC("ListClusters"),
		PageNumber: strconv.Itoa(in.PageNumber),
		PageSize:   strconv.Itoa(in.PageSize),
	}
	if problem := pageProblem("every cluster", in.PageNumber, in.PageSize, MaxClustersPage); problem != "" {
		return nil, req.subject().badRequest(problem)
	}
	return readPage(ctx, c.read, req, "Clusters", clusterAnswer.cluster)
}

// Clusters yields every cluster of the account in the region.
func (c *Client) Clusters(ctx context.Context) iter.Seq2[Cluster, error] {
	return allPages(func(cluster Cluster) string { return cluster.ID }, func(number int) (*Page[Cluster], error) {
		return c.ListClusters(ctx, ListClustersRequest{PageNumber: number, PageSize: MaxClustersPage})
	})
}
