package ehpcsim

import "net/url"

type nodesAnswer struct {
	RequestID  string `json:"RequestId"`
	TotalCount int
	PageNumber int
	PageSize   int
	Nodes      nodeList
}

type nodeList struct{ NodeInfo []nodeInfo }

type nodeInfo struct {
	ID             string `json:"Id"`
	HostName       string
	Status         string
	StateInSched   string
	Roles          roleList
	IPAddress      string `json:"IpAddress"`
	RegionID       string `json:"RegionId"`
	ZoneID         string `json:"ZoneId"`
	CreatedByEhpc  bool
	Expired        bool
	LockReason     string
	Location       string
	CreateMode     string
	Version        string
	AddTime        string
	TotalResources resources
	UsedResources  resources
}

type roleList struct{ Role []string }

type resources struct{ Cpu, Gpu, Memory int } //nolint:revive // the names are the wire's

func (s *Simulator) listNodes(params url.Values) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	number, size, failure := page(params, 100)
	if failure != nil {
		return nil, failure
	}
	answer := nodesAnswer{
		RequestID:  newRequestID(),
		TotalCount: len(cluster.Nodes),
		PageNumber: number,
		PageSize:   size,
		Nodes:      nodeList{NodeInfo: []nodeInfo{}},
	}
	for _, node := range slicePage(cluster.Nodes, number, size) {
		inSched := "active"
		if node.Status != nodeRunning {
			inSched = "offline"
		}
		answer.Nodes.NodeInfo = append(answer.Nodes.NodeInfo, nodeInfo{
			ID:             node.InstanceID,
			HostName:       node.HostName,
			Status:         node.Status,
			StateInSched:   inSched,
			Roles:          roleList{Role: []string{"Compute"}},
			IPAddress:      "127.0.0.1",
			RegionID:       "cn-hangzhou",
			ZoneID:         "cn-hangzhou-b",
			CreatedByEhpc:  true,
			Location:       "PublicCloud",
			CreateMode:     "manual",
			Version:        "1.0.78",
			AddTime:        "2026-03-30T02:00:00.000Z",
			TotalResources: resources{Cpu: 4, Memory: 8192},
		})
	}
	return answer, nil
}
