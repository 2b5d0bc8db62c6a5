package outputs

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// Counted counts what is put into a store. It is a Prometheus collector.
type Counted struct {
	store  Store
	bytes  prometheus.Counter
	stored *prometheus.CounterVec
}

// Count counts what is put into a store; nil is no store, of which the counts stay 0.
func Count(s Store) *Counted {
	c := &Counted{
		store: s,
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ehpcflow_output_store_bytes_total", Help: "Bytes of output that were stored.",
		}),
		stored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ehpcflow_output_store_writes_total", Help: "Outputs that were to be stored, by their outcome: stored or failed.",
		}, []string{"outcome"}),
	}
	c.stored.WithLabelValues("stored") // from 0 on, so that the first one is seen
	c.stored.WithLabelValues("failed")
	return c
}

// Store is what is counted; nil when there is none.
func (c *Counted) Store() Store {
	if c.store == nil {
		return nil
	}
	return c
}

// Put puts an output into the store.
func (c *Counted) Put(ctx context.Context, key Key, output []byte) (Reference, error) {
	reference, err := c.store.Put(ctx, key, output)
	if err != nil {
		c.stored.WithLabelValues("failed").Inc()
		return reference, err
	}
	c.stored.WithLabelValues("stored").Inc()
	c.bytes.Add(float64(len(output)))
	return reference, nil
}

// Probe says why nothing can be put into the store now.
func (c *Counted) Probe(ctx context.Context) error { return c.store.Probe(ctx) }

// Describe makes it a collector.
func (c *Counted) Describe(to chan<- *prometheus.Desc) {
	c.bytes.Describe(to)
	c.stored.Describe(to)
}

// Collect reports the counts.
func (c *Counted) Collect(to chan<- prometheus.Metric) {
	c.bytes.Collect(to)
	c.stored.Collect(to)
}
