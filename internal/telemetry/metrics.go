// Package telemetry is what a program tells of itself while it runs: metrics and health
// over HTTP, traces over OTLP. It knows the libraries for that, and nothing of runs.
package telemetry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// buckets of the histograms that Temporal's SDK and the workflows fill, in seconds: from
// a poll's answer to a run of a week.
var buckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 6 * 3600, 86400, 7 * 86400}

// Metrics serves metrics and health on an address. A nil one takes everything and
// serves nothing.
type Metrics struct {
	registry *prometheus.Registry
	handler  client.MetricsHandler
	server   *http.Server
	done     chan struct{}
}

// Listen serves /metrics in Prometheus' format, /healthz, which is well as long as it
// answers, and /readyz, which is well when ready returns nil and says why otherwise.
func Listen(ctx context.Context, address string, ready func(context.Context) error) (*Metrics, error) {
	m := &Metrics{registry: prometheus.NewRegistry(), done: make(chan struct{})}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	bridge, err := exporter.New(exporter.WithRegisterer(m.registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("bridge Temporal's metrics to Prometheus: %w", err)
	}
	provider := metric.NewMeterProvider(metric.WithReader(bridge), metric.WithView(metric.NewView(
		metric.Instrument{Kind: metric.InstrumentKindHistogram},
		metric.Stream{Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: buckets}},
	)))
	m.handler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: provider.Meter("temporal-sdk-go"), UseMonotonicCounters: true, OnError: func(error) {},
	})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%q cannot be listened on: %w", address, err)
	}
	m.server = &http.Server{Handler: m.routes(ready), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(m.done)
		_ = m.server.Serve(listener) // it ends when it is closed
	}()
	return m, nil
}

func (m *Metrics) routes(ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}

// ForTemporal is where Temporal's SDK, and workflows by way of it, count. What they
// count is not counted again when a run is replayed.
func (m *Metrics) ForTemporal() client.MetricsHandler {
	if m == nil {
		return nil
	}
	return m.handler
}

// Register adds what other parts count. They may not count under the same names.
func (m *Metrics) Register(more ...prometheus.Collector) {
	if m != nil {
		m.registry.MustRegister(more...)
	}
}

// Close ends the serving: metrics that end a moment early harm nobody.
func (m *Metrics) Close() {
	if m == nil {
		return
	}
	_ = m.server.Close() // it only closes connections
	<-m.done
}
