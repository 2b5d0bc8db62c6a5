package ehpcsim

import (
	"maps"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats is what a simulator has counted.
type Stats struct {
	// Requests that were authenticated, by action.
	Requests map[string]int `json:"requests"`

	// Throttled requests, over the quota.
	Throttled int `json:"throttled"`

	// Faults that hit a request, by what went wrong.
	Faults map[string]int `json:"faults,omitempty"`

	// Executions that were started, by instance id.
	Executions map[string]int `json:"executions"`

	// Running executions now.
	Running int `json:"running"`
}

// Stats reports what the simulator has counted.
func (s *Simulator) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{
		Requests: maps.Clone(s.requests), Throttled: s.throttled, Faults: maps.Clone(s.faultsHit), Executions: maps.Clone(s.executions),
	}
	now := s.clock.Now()
	for _, c := range s.commandOrder {
		for _, e := range c.present(now) {
			if e.status == statusRunning {
				stats.Running++
			}
		}
	}
	return stats
}

// Requests counts the authenticated requests for an action.
func (s *Simulator) Requests(action string) int { return s.Stats().Requests[action] }

// Executions counts the commands that were started on a node.
func (s *Simulator) Executions(instanceID string) int { return s.Stats().Executions[instanceID] }

// CommandIDs are the ids of the commands that were submitted, as they came.
func (s *Simulator) CommandIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, c := range s.commandOrder {
		ids = append(ids, c.id)
	}
	return ids
}

// ExecutionsOf counts, for each node, the commands started there whose text holds
// this part, such as a token.
func (s *Simulator) ExecutionsOf(part string) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int)
	for _, c := range s.commandOrder {
		if strings.Contains(c.text, part) {
			for _, e := range c.executions {
				counts[e.node.InstanceID]++
			}
		}
	}
	return counts
}

// JobsNamed counts the jobs that the schedulers took whose name holds this part, by name.
func (s *Simulator) JobsNamed(part string) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int)
	for _, j := range s.jobs {
		if strings.Contains(j.name, part) {
			counts[j.name]++
		}
	}
	return counts
}

// JobEnds says when the jobs ended that have, by their names.
func (s *Simulator) JobEnds() map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schedule(s.clock.Now())
	ends := make(map[string]time.Time)
	for _, j := range s.jobs {
		if j.state == jobFinished {
			ends[j.name] = j.changed
		}
	}
	return ends
}

// Ends says when a command ended on each of its nodes, by instance id. Nodes where
// it still runs are not in it.
func (s *Simulator) Ends(commandID string) map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends := make(map[string]time.Time)
	c := s.commands[commandID]
	if c == nil {
		return ends
	}
	for _, e := range c.present(s.clock.Now()) {
		if !e.finished.IsZero() {
			ends[e.node.InstanceID] = e.finished
		}
	}
	return ends
}

var (
	requestsMetric   = prometheus.NewDesc("ehpcsim_requests_total", "Authenticated requests.", []string{"action"}, nil)
	throttledMetric  = prometheus.NewDesc("ehpcsim_throttled_requests_total", "Requests over the quota.", nil, nil)
	faultsMetric     = prometheus.NewDesc("ehpcsim_faults_total", "Faults that hit a request.", []string{"fault"}, nil)
	executionsMetric = prometheus.NewDesc("ehpcsim_executions_total", "Commands started on nodes.", []string{"instance_id"}, nil)
	runningMetric    = prometheus.NewDesc("ehpcsim_running_executions", "Commands running on nodes.", nil, nil)
)

// Describe makes the simulator a Prometheus collector.
func (s *Simulator) Describe(to chan<- *prometheus.Desc) {
	to <- requestsMetric
	to <- throttledMetric
	to <- faultsMetric
	to <- executionsMetric
	to <- runningMetric
}

// Collect reports the counts to Prometheus.
func (s *Simulator) Collect(to chan<- prometheus.Metric) {
	stats := s.Stats()
	for action, n := range stats.Requests {
		to <- prometheus.MustNewConstMetric(requestsMetric, prometheus.CounterValue, float64(n), action)
	}
	for fault, n := range stats.Faults {
		to <- prometheus.MustNewConstMetric(faultsMetric, prometheus.CounterValue, float64(n), fault)
	}
	for id, n := range stats.Executions {
		to <- prometheus.MustNewConstMetric(executionsMetric, prometheus.CounterValue, float64(n), id)
	}
	to <- prometheus.MustNewConstMetric(throttledMetric, prometheus.CounterValue, float64(stats.Throttled))
	to <- prometheus.MustNewConstMetric(runningMetric, prometheus.GaugeValue, float64(stats.Running))
}
