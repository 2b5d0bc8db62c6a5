package activities

import "github.com/prometheus/client_golang/prometheus"

var (
	watchesHeld  = prometheus.NewDesc("ehpcflow_watches", "Runs that this worker watches now.", nil, nil)
	watchesLimit = prometheus.NewDesc("ehpcflow_watches_limit", "Most runs that this worker watches; see --watches.", nil, nil)
)

// Describe makes a watcher a Prometheus collector.
func (r *Watcher) Describe(to chan<- *prometheus.Desc) {
	to <- watchesHeld
	to <- watchesLimit
}

// Collect reports how many watches there are to Prometheus.
func (r *Watcher) Collect(to chan<- prometheus.Metric) {
	r.mu.Lock()
	held := len(r.held)
	r.mu.Unlock()
	to <- prometheus.MustNewConstMetric(watchesHeld, prometheus.GaugeValue, float64(held))
	to <- prometheus.MustNewConstMetric(watchesLimit, prometheus.GaugeValue, float64(r.most))
}
