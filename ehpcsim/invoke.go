package ehpcsim

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits and defaults of InvokeShellCommand as its page documents them.
const (
	minCommand        = 2
	maxCommand        = 2048
	defaultTimeout    = 60
	longestTimeout    = 7 * 24 * 3600
	defaultWorkingDir = "/root"
)

type invokeAnswer struct {
	RequestID   string `json:"RequestId"`
	CommandID   string `json:"CommandId"`
	InstanceIDs struct {
		InstanceID []string `json:"InstanceId"`
	} `json:"InstanceIds"`
}

func (s *Simulator) invokeShellCommand(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	text := params.Get("Command")
	if text == "" {
		return nil, missing("Command")
	}
	if n := utf8.RuneCountInString(text); n < minCommand || n > maxCommand {
		return nil, invalid("Command")
	}
	timeout, failure := whole(params, "Timeout", defaultTimeout, 1, longestTimeout)
	if failure != nil {
		return nil, failure
	}
	nodes, failure := targets(cluster, params)
	if failure != nil {
		return nil, failure
	}
	workingDir := params.Get("WorkingDir")
	if workingDir == "" {
		workingDir = defaultWorkingDir
	}
	if cluster.Status != nodeRunning {
		return nil, fail("InvalidClusterStatus")
	}
	if s.closed {
		return nil, fail("ServiceUnavailable")
	}
	now := s.clock.Now()
	c := &command{
		id:         "c-sim" + newID(),
		clusterID:  cluster.ID,
		text:       text,
		workingDir: workingDir,
		timeout:    time.Duration(timeout) * time.Second,
		listedAt:   now.Add(s.listedAfter),
	}
	answer := invokeAnswer{RequestID: newRequestID(), CommandID: c.id}
	for _, node := range nodes {
		answer.InstanceIDs.InstanceID = append(answer.InstanceIDs.InstanceID, node.InstanceID)
		c.executions = append(c.executions, &execution{
			node: node, status: statusRunning, started: now, timeout: c.timeout,
			silent: s.silent[node.InstanceID], vanished: make(chan struct{}),
		})
	}
	s.commands[c.id] = c
	s.commandOrder = append(s.commandOrder, c)
	for _, e := range c.executions {
		s.executions[e.node.InstanceID]++
		switch {
		case s.script != nil:
			f := s.script.fate(c.text, e.node.InstanceID)
			e.fate = &f
		case !e.silent:
			s.running.Go(func() { s.execute(c, e) })
		}
	}
	return answer, nil
}

// targets reads Instance.N.Id. Without any, the command is for every node. One
// node that cannot take it refuses the whole call.
func targets(cluster *Cluster, params url.Values) ([]Node, *apiError) {
	ids, failure := instanceIDs(params)
	if failure != nil {
		return nil, failure
	}
	if len(ids) == 0 {
		for _, node := range cluster.Nodes {
			ids = append(ids, instanceID{"Instance", node.InstanceID})
		}
	}
	var nodes []Node
	for _, id := range ids {
		node := cluster.node(id.value)
		switch {
		case node == nil:
			return nil, invalid(id.name)
		case node.Status != nodeRunning:
			return nil, invalid(fmt.Sprintf("%s (instance %s is %s, not running)", id.name, node.InstanceID, node.Status))
		case slices.ContainsFunc(nodes, func(n Node) bool { return n.InstanceID == node.InstanceID }):
			continue
		}
		nodes = append(nodes, *node)
	}
	return nodes, nil
}

type instanceID struct{ name, value string }

var instanceName = regexp.MustCompile(`^Instance\.([1-9][0-9]{0,5})\.Id$`)

// instanceIDs reads Instance.N.Id in the order of N, which may have gaps. One
// that cannot be read is refused: dropping it could leave none, which means all.
func instanceIDs(params url.Values) ([]instanceID, *apiError) {
	numbers := make(map[string]int)
	var ids []instanceID
	for name := range params {
		if !strings.HasPrefix(name, "Instance") {
			continue
		}
		match := instanceName.FindStringSubmatch(name)
		if match == nil || params.Get(name) == "" {
			return nil, invalid(name)
		}
		numbers[name], _ = strconv.Atoi(match[1]) // digits, by the pattern
		ids = append(ids, instanceID{name, params.Get(name)})
	}
	slices.SortFunc(ids, func(a, b instanceID) int { return numbers[a.name] - numbers[b.name] })
	return ids, nil
}
