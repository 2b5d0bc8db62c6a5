package taskqueue

import "github.com/prometheus/client_golang/prometheus"

// Describe makes a worker a Prometheus collector of what it holds.
func (w *Worker) Describe(to chan<- *prometheus.Desc) { w.watcher.Describe(to) }

// Collect reports what the worker holds to Prometheus.
func (w *Worker) Collect(to chan<- prometheus.Metric) { w.watcher.Collect(to) }
