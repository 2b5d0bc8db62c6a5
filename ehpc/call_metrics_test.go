package ehpc

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc/catalogue"
)

func TestAnyNumberOfCodesMakesAFewLabels(t *testing.T) {
	t.Parallel()
	for code, label := range map[string]string{
		"ConflictOpt":                "ConflictOpt",
		"AgentError.Job.ListFailure": "AgentError",
		catalogue.BadResponse:        catalogue.BadResponse,
		catalogue.HTTPCode(503):      "HTTP.503",
		"HTTP.x-i-made-this-up":      otherCode,
		"MadeUp.1b2c3d":              otherCode,
		"":                           otherCode,
	} {
		require.Equal(t, label, boundedCode(code), code)
	}
}

func TestACallIsCountedByItsOutcome(t *testing.T) {
	t.Parallel()
	m := newCallMetrics()
	m.ended("ListNodes", nil)
	m.ended("ListNodes", &Error{Code: "Throttling.User"})
	m.ended("ListNodes", &Error{Code: "InternalError"})
	m.ended("ListNodes", errors.New("of another origin"))
	require.InDelta(t, 1, value(t, m.calls.WithLabelValues("ListNodes", outcomeAnswered)), 0)
	require.InDelta(t, 1, value(t, m.calls.WithLabelValues("ListNodes", outcomeThrottled)), 0)
	require.InDelta(t, 2, value(t, m.calls.WithLabelValues("ListNodes", outcomeFailed)), 0)
	require.InDelta(t, 1, value(t, m.errors.WithLabelValues("ListNodes", "Throttling.User")), 0)
}

func value(t *testing.T, counter prometheus.Counter) float64 {
	t.Helper()
	var metric dto.Metric
	require.NoError(t, counter.Write(&metric))
	return metric.GetCounter().GetValue()
}
