package ehpcsim

import "slices"

// SetNodeStatus changes a node's status word, such as to stopped.
func (s *Simulator) SetNodeStatus(clusterID, instanceID, status string) {
	s.onNode(clusterID, instanceID, func(node *Node) { node.Status = status })
}

// LockNode says why the cloud holds a node back, such as recycling; "" when it no
// longer does.
func (s *Simulator) LockNode(clusterID, instanceID, reason string) {
	s.onNode(clusterID, instanceID, func(node *Node) { node.LockReason = reason })
}

// SetClusterStatus changes a cluster's status word. Any but running refuses
// commands and jobs.
func (s *Simulator) SetClusterStatus(clusterID, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cluster := s.clusters[clusterID]; cluster != nil {
		cluster.Status = status
	}
}

// RemoveNode makes a node vanish: from its cluster, and from the listings of the
// commands that it was given. What it runs is killed, and what earlier commands left
// in the background if the node is confined.
func (s *Simulator) RemoveNode(clusterID, instanceID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cluster := s.clusters[clusterID]
	if cluster == nil {
		return
	}
	cluster.Nodes = slices.DeleteFunc(cluster.Nodes, func(node Node) bool { return node.InstanceID == instanceID })
	for _, c := range s.commandOrder {
		for _, e := range c.executions {
			if c.clusterID == clusterID && e.node.InstanceID == instanceID && !e.gone {
				e.gone = true
				close(e.vanished)
			}
		}
	}
	s.machine(s.nodeDir(clusterID, instanceID)).end()
}

// Silence makes a node never answer again: what it was given stays Running, past
// any timeout.
func (s *Simulator) Silence(clusterID, instanceID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent[instanceID] = true
	for _, c := range s.commandOrder {
		for _, e := range c.executions {
			if c.clusterID == clusterID && e.node.InstanceID == instanceID && e.status == statusRunning {
				e.silent = true
			}
		}
	}
}

func (s *Simulator) onNode(clusterID, instanceID string, change func(*Node)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cluster := s.clusters[clusterID]; cluster != nil {
		if node := cluster.node(instanceID); node != nil {
			change(node)
		}
	}
}
