package ehpcsim

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

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
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	number, size, failure := page(params, 100)
	if failure != nil {
		return nil, failure
	}
	matching, failure := filterNodes(cluster.Nodes, params)
	if failure != nil {
		return nil, failure
	}
	return nodesPage(matching, number, size), nil
}

// listNodesByQueue takes a queue that there is not for one that no node serves: what
// the service does then is not documented.
func (s *Simulator) listNodesByQueue(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	queue := params.Get("QueueName")
	if queue == "" {
		return nil, missing("QueueName")
	}
	number, size, failure := page(params, 50)
	if failure != nil {
		return nil, failure
	}
	var serving []Node
	for _, node := range cluster.Nodes {
		if node.Queue == queue {
			serving = append(serving, node)
		}
	}
	return nodesPage(serving, number, size), nil
}

func nodesPage(nodes []Node, number, size int) nodesAnswer {
	answer := nodesAnswer{
		RequestID:  newRequestID(),
		TotalCount: len(nodes),
		PageNumber: number,
		PageSize:   size,
		Nodes:      nodeList{NodeInfo: []nodeInfo{}},
	}
	for _, node := range slicePage(nodes, number, size) {
		answer.Nodes.NodeInfo = append(answer.Nodes.NodeInfo, infoOf(node))
	}
	return answer
}

func infoOf(node Node) nodeInfo {
	inSched := "active"
	if node.Status != nodeRunning {
		inSched = "offline"
	}
	return nodeInfo{
		ID:             node.InstanceID,
		HostName:       node.HostName,
		Status:         node.Status,
		StateInSched:   inSched,
		Roles:          roleList{Role: node.Roles},
		IPAddress:      "127.0.0.1",
		RegionID:       region,
		ZoneID:         region + "-b",
		CreatedByEhpc:  true,
		LockReason:     node.LockReason,
		Location:       "PublicCloud",
		CreateMode:     "manual",
		Version:        "1.0.78",
		AddTime:        "2026-03-30T02:00:00.000Z",
		TotalResources: resources{Cpu: 4, Memory: 8192},
	}
}

// filterNodes keeps the nodes that every filter lets through, in the order asked
// for.
func filterNodes(nodes []Node, params url.Values) ([]Node, *apiError) {
	var filter struct{ Status string }
	if text := params.Get("Filter"); text != "" && json.Unmarshal([]byte(text), &filter) != nil {
		return nil, invalid("Filter")
	}
	name, err := regexp.Compile(params.Get("HostName"))
	if err != nil {
		return nil, invalid("HostName")
	}
	var matching []Node
	for _, node := range nodes {
		if role := params.Get("Role"); (role == "" || slices.Contains(node.Roles, role)) &&
			(filter.Status == "" || node.Status == filter.Status) &&
			name.MatchString(node.HostName) &&
			strings.HasPrefix(node.HostName, params.Get("HostNamePrefix")) &&
			strings.HasSuffix(node.HostName, params.Get("HostNameSuffix")) {
			matching = append(matching, node)
		}
	}
	if params.Get("SortBy") == "HostName" {
		slices.SortStableFunc(matching, func(a, b Node) int { return strings.Compare(a.HostName, b.HostName) })
	}
	switch params.Get("Sequence") {
	case "", "Forward":
	case "Backward":
		slices.Reverse(matching)
	default:
		return nil, invalid("Sequence")
	}
	return matching, nil
}
