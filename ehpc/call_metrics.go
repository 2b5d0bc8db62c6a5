package ehpc

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ehpcflow/ehpc/catalogue"
)

// callMetrics are what a client counts of its calls. A label holds an action, an outcome
// or a code of the catalogue; never an id.
type callMetrics struct {
	requests *prometheus.CounterVec
	calls    *prometheus.CounterVec
	errors   *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	waits    *prometheus.HistogramVec
}

// The outcomes of a call.
const (
	outcomeAnswered  = "answered"
	outcomeThrottled = "throttled"
	outcomeFailed    = "failed"
)

// otherCode stands for all codes that the catalogue does not list: the service may
// invent any number of them.
const otherCode = "other"

func newCallMetrics() *callMetrics {
	return &callMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ehpcflow_api_requests_total",
			Help: "Requests that were sent to the API, those that net/http sent again over a new connection included.",
		}, []string{"action"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ehpcflow_api_calls_total",
			Help: "Calls of the API by their outcome: answered, throttled or failed, which includes those never sent.",
		}, []string{"action", "outcome"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ehpcflow_api_errors_total",
			Help: "Calls of the API that ended with an error, by its code; other is a code that starter errors does not list.",
		}, []string{"action", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ehpcflow_api_call_duration_seconds", Help: "Time from sending a request to its whole answer.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15},
		}, []string{"action"}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ehpcflow_budget_wait_seconds", Help: "Time that a call waited for the request budget.",
			Buckets: []float64{.001, .01, .1, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"priority"}),
	}
}

func (m *callMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.calls, m.errors, m.seconds, m.waits}
}

func (m *callMetrics) waited(priority Priority, since time.Time) {
	name := "read"
	if priority == Submits {
		name = "submit"
	}
	m.waits.WithLabelValues(name).Observe(time.Since(since).Seconds())
}

// ended counts a call; err is nil of one that was answered.
func (m *callMetrics) ended(action string, err error) {
	outcome := outcomeAnswered
	if err != nil {
		judgement := Judge(err)
		outcome = outcomeFailed
		if judgement.Read == catalogue.Throttled {
			outcome = outcomeThrottled
		}
		m.errors.WithLabelValues(action, boundedCode(judgement.Code)).Inc()
	}
	m.calls.WithLabelValues(action, outcome).Inc()
}

// unusable counts a call that was answered, but with nothing that can be used.
func (m *callMetrics) unusable(action string) {
	m.errors.WithLabelValues(action, catalogue.BadResponse).Inc()
}

func boundedCode(code string) string {
	if entry, listed := catalogue.Listed(code); listed {
		return entry.Code
	}
	if status, found := strings.CutPrefix(code, catalogue.HTTPCode(0)[:len("HTTP.")]); found && len(status) == len("503") {
		return code
	}
	return otherCode
}

// Describe makes a client a Prometheus collector.
func (c *Client) Describe(to chan<- *prometheus.Desc) {
	for _, collector := range c.metrics.all() {
		collector.Describe(to)
	}
}

// Collect reports what the client counted to Prometheus.
func (c *Client) Collect(to chan<- prometheus.Metric) {
	for _, collector := range c.metrics.all() {
		collector.Collect(to)
	}
}
