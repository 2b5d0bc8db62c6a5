package ehpcsim

import (
	"net/url"
	"slices"
	"strings"
)

type clustersAnswer struct {
	RequestID  string `json:"RequestId"`
	TotalCount int
	PageNumber int
	PageSize   int
	Clusters   clusterList
}

type clusterList struct{ ClusterInfoSimple []clusterSimple }

type clusterSimple struct {
	ID            string `json:"Id"`
	Name          string
	Status        string
	RegionID      string `json:"RegionId"`
	ZoneID        string `json:"ZoneId"`
	SchedulerType string
	AccountType   string
	DeployMode    string
	OsTag         string
	EhpcVersion   string
	ClientVersion string
	Count         int
	CreateTime    string
	Computes      nodeCounts
	Managers      nodeCounts
}

type nodeCounts struct {
	Total          int
	NormalCount    int
	ExceptionCount int
	OperatingCount int
	StoppedCount   int
}

func (s *Simulator) listClusters(params url.Values) (any, *apiError) {
	number, size, failure := page(params, 50)
	if failure != nil {
		return nil, failure
	}
	all := []clusterSimple{}
	for _, cluster := range s.clusters {
		all = append(all, clusterSimple{
			ID: cluster.ID, Name: cluster.ID, Status: cluster.Status, RegionID: region, ZoneID: region + "-b",
			SchedulerType: "slurm", AccountType: "nis", DeployMode: "Tiny", OsTag: "CentOS_7.6_64", EhpcVersion: "1.0.0",
			ClientVersion: "1.0.78", Count: len(cluster.Nodes), CreateTime: "2026-03-30T02:00:00.000Z",
			Computes: cluster.counts(func(n Node) bool { return slices.Contains(n.Roles, roleCompute) }),
			Managers: cluster.counts(func(n Node) bool { return slices.Contains(n.Roles, "Manager") }),
		})
	}
	slices.SortFunc(all, func(a, b clusterSimple) int { return strings.Compare(a.ID, b.ID) })
	return clustersAnswer{
		RequestID: newRequestID(), TotalCount: len(all), PageNumber: number, PageSize: size,
		Clusters: clusterList{slicePage(all, number, size)},
	}, nil
}

func (c *Cluster) counts(belongs func(Node) bool) nodeCounts {
	var n nodeCounts
	for _, node := range c.Nodes {
		if !belongs(node) {
			continue
		}
		n.Total++
		switch node.Status {
		case nodeRunning:
			n.NormalCount++
		case "stopped":
			n.StoppedCount++
		case "exception":
			n.ExceptionCount++
		default:
			n.OperatingCount++
		}
	}
	return n
}

type clusterAnswer struct {
	RequestID   string `json:"RequestId"`
	ClusterInfo clusterInfo
}

type clusterInfo struct {
	ID             string `json:"Id"`
	Name           string
	Status         string
	RegionID       string `json:"RegionId"`
	SchedulerType  string
	DeployMode     string
	AccountType    string
	OsTag          string
	ClusterVersion string
}

func (s *Simulator) describeCluster(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	return clusterAnswer{newRequestID(), clusterInfo{
		ID: cluster.ID, Name: cluster.ID, Status: cluster.Status, RegionID: region, SchedulerType: "slurm", DeployMode: "Tiny",
		AccountType: "nis", OsTag: "CentOS_7.6_64", ClusterVersion: "1.0",
	}}, nil
}
