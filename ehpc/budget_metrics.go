package ehpc

import "github.com/prometheus/client_golang/prometheus"

var (
	budgetRate      = prometheus.NewDesc("ehpcflow_budget_rate", "Requests a second that the budget allows now.", nil, nil)
	budgetWaiting   = prometheus.NewDesc("ehpcflow_budget_waiting_requests", "Requests that wait for the budget now.", nil, nil)
	budgetRequests  = prometheus.NewDesc("ehpcflow_budget_requests_total", "Requests that the budget let through.", nil, nil)
	budgetWaited    = prometheus.NewDesc("ehpcflow_budget_wait_seconds_total", "Time that requests waited for the budget.", nil, nil)
	budgetThrottles = prometheus.NewDesc("ehpcflow_budget_throttled_requests_total", "Requests that the service throttled.", nil, nil)
)

// Describe makes a budget a Prometheus collector.
func (b *Budget) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{budgetRate, budgetWaiting, budgetRequests, budgetWaited, budgetThrottles} {
		to <- desc
	}
}

// Collect reports the budget's stats to Prometheus.
func (b *Budget) Collect(to chan<- prometheus.Metric) {
	stats := b.Stats()
	to <- prometheus.MustNewConstMetric(budgetRate, prometheus.GaugeValue, stats.Rate)
	to <- prometheus.MustNewConstMetric(budgetWaiting, prometheus.GaugeValue, float64(stats.Waiting))
	to <- prometheus.MustNewConstMetric(budgetRequests, prometheus.CounterValue, float64(stats.Requests))
	to <- prometheus.MustNewConstMetric(budgetWaited, prometheus.CounterValue, stats.Waited.Seconds())
	to <- prometheus.MustNewConstMetric(budgetThrottles, prometheus.CounterValue, float64(stats.Throttles))
}
