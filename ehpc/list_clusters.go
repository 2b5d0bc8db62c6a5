package ehpc

import (
	"context"
	"encoding/json"
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

// ListClustersResponse is one page of clusters.
type ListClustersResponse struct {
	RequestID  string
	TotalCount int
	Clusters   []Cluster
}

// Cluster is an E-HPC cluster.
type Cluster struct {
	ID            string
	Name          string
	Status        string // ClusterRunning or one of the other words
	RegionID      string
	SchedulerType string // slurm, pbs, …
}

type clusterAnswer struct {
	ID            scalar `json:"Id"`
	Name          scalar
	Status        scalar
	RegionID      scalar `json:"RegionId"`
	SchedulerType scalar
}

func (a clusterAnswer) cluster() Cluster {
	return Cluster{string(a.ID), string(a.Name), string(a.Status), string(a.RegionID), string(a.SchedulerType)}
}

type listClusters struct {
	rpc
	PageNumber string `position:"Query" name:"PageNumber"`
	PageSize   string `position:"Query" name:"PageSize"`
}

func (*listClusters) subject() subject { return subject{action: "ListClusters"} }

// ListClusters reads one page of the account's clusters.
func (c *Client) ListClusters(ctx context.Context, in ListClustersRequest) (*ListClustersResponse, error) {
	req := &listClusters{
		rpc:        newRPC("ListClusters"),
		PageNumber: strconv.Itoa(in.PageNumber),
		PageSize:   strconv.Itoa(in.PageSize),
	}
	if problem := pageProblem("every cluster", in.PageNumber, in.PageSize, MaxClustersPage); problem != "" {
		return nil, req.subject().badRequest(problem)
	}
	body, err := c.read(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID  scalar `json:"RequestId"`
		TotalCount scalar
		Clusters   list[clusterAnswer]
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.TotalCount.number() == nil {
		return nil, req.subject().badResponse("the answer holds no TotalCount")
	}
	out := &ListClustersResponse{RequestID: string(answer.RequestID), TotalCount: *answer.TotalCount.number()}
	for _, cluster := range answer.Clusters {
		out.Clusters = append(out.Clusters, cluster.cluster())
	}
	return out, nil
}

// Clusters yields every cluster of the account in the region.
func (c *Client) Clusters(ctx context.Context) iter.Seq2[Cluster, error] {
	return allPages(func(cluster Cluster) string { return cluster.ID }, func(number int) (page[Cluster], error) {
		answer, err := c.ListClusters(ctx, ListClustersRequest{PageNumber: number, PageSize: MaxClustersPage})
		if err != nil {
			return page[Cluster]{}, err
		}
		return page[Cluster]{answer.Clusters, answer.TotalCount}, nil
	})
}
