package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"

	"ehpcflow/ehpcsim"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// query is a question to Prometheus, and where it stands.
type query struct{ where, expr string }

// panelsOf reads the queries of the dashboard.
func panelsOf(t *testing.T) []query {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
			GridPos struct{ X, Y int }
		}
	}
	text, err := os.ReadFile("../../deploy/grafana/ehpcflow.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &dashboard))
	var queries []query
	places := make(map[any]string)
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		require.Empty(t, places[panel.GridPos], "%s covers another panel", panel.Title)
		places[panel.GridPos] = panel.Title
		for _, target := range panel.Targets {
			queries = append(queries, query{"panel " + panel.Title, target.Expr})
		}
	}
	return queries
}

// alertsOf reads the queries of the alerts, of which each has to help whoever is woken.
func alertsOf(t *testing.T) []query {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	text, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &rules))
	var queries []query
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["remedy"], rule.Alert)
			require.Contains(t, []string{"warning", "critical"}, rule.Labels["severity"], rule.Alert)
			if rule.For != "" {
				_, err := time.ParseDuration(rule.For)
				require.NoError(t, err, rule.Alert)
			}
			queries = append(queries, query{"alert " + rule.Alert, rule.Expr})
		}
	}
	return queries
}

// namesIn are the metrics that a query asks for.
func namesIn(t *testing.T, q query) []string {
	t.Helper()
	parsed, err := metricsql.Parse(strings.ReplaceAll(q.expr, "$__rate_interval", "5m"))
	require.NoError(t, err, q.where)
	var names []string
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		metric, is := e.(*metricsql.MetricExpr)
		if !is {
			return
		}
		for _, filters := range metric.LabelFilterss {
			require.NotEmpty(t, filters, q.where)
			require.Equal(t, "__name__", filters[0].Label, "%s asks for a metric by its name", q.where)
			names = append(names, filters[0].Value)
		}
	})
	require.NotEmpty(t, names, q.where)
	return names
}

func TestTheDashboardAndTheAlertsAskForMetricsThatAWorkerHas(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newSystemWith(t, stack.Options{Pace: quickPace(), Logger: zap.NewNop(), Temporal: server.address()})
	s.StopWorker()
	address, _, _ := startMeasured(t, s.forPrograms().with("TEMPORAL_ADDRESS", server.address()), "--output-store", t.TempDir())
	s.Simulator.Inject(ehpcsim.Fault{Action: "ListInvocationStatus", Code: "InternalError"})
	report := s.run("echo measured")
	require.True(t, report.Succeeded(), "%+v", report)
	_, err := s.Client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: s.queue}, "NoSuchWorkflow")
	require.NoError(t, err)
	const stepsFail = "temporal_workflow_task_execution_failed_total"
	await(t, 20*time.Second, "a step fails", func() bool { return scrape(t, address)[stepsFail] != nil })
	watched := s.start("sleep 300")
	await(t, 30*time.Second, "a run is watched", func() bool { return s.phase(watched) == workflows.Watching })
	server.kill()
	const refused, pollRefused = "temporal_request_failure_total", "temporal_long_request_failure_total"
	await(t, 2*time.Minute, "a heartbeat and a poll fail", func() bool {
		now := scrape(t, address)
		return now[refused] != nil && now[pollRefused] != nil
	})

	has := []string{"up"} // of Prometheus itself
	for name, family := range scrape(t, address) {
		has = append(has, name)
		if family.GetMetric()[0].GetHistogram() != nil {
			has = append(has, name+"_bucket", name+"_sum", name+"_count")
		}
	}
	asked := append(panelsOf(t), alertsOf(t)...)
	require.Greater(t, len(asked), 30)
	var lacking []string
	for _, q := range asked {
		for _, name := range namesIn(t, q) {
			if !slices.Contains(has, name) {
				lacking = append(lacking, q.where+": "+name)
			}
		}
	}
	require.Empty(t, lacking, "no worker has these")
}
