package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// get asks a worker's address for one of its paths.
func get(t *testing.T, address, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + address + path)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, string(body)
}

// scrape reads a worker's metrics as Prometheus does.
func scrape(t *testing.T, address string) map[string]*dto.MetricFamily {
	t.Helper()
	code, body := get(t, address, "/metrics")
	require.Equal(t, http.StatusOK, code)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	require.NoError(t, err)
	return families
}

// counts sums a counter up by some of its labels, written as "a b". Zeros are left out.
func counts(family *dto.MetricFamily, labels ...string) map[string]int {
	sums := make(map[string]int)
	for _, metric := range family.GetMetric() {
		var key []string
		for _, name := range labels {
			for _, label := range metric.GetLabel() {
				if label.GetName() == name {
					key = append(key, label.GetValue())
				}
			}
		}
		if n := int(metric.GetCounter().GetValue()); n > 0 {
			sums[strings.Join(key, " ")] += n
		}
	}
	return sums
}

// startMeasured starts a worker program that serves metrics, and waits until it is ready.
func startMeasured(t *testing.T, env environment, args ...string) (address string, worker signaller, said *logBuffer) {
	t.Helper()
	address = freeAddress(t)
	process, said := background(t, env, "worker", append(args, "--metrics-address", address)...)
	await(t, 30*time.Second, "the worker is ready", func() bool {
		resp, err := http.Get("http://" + address + "/readyz")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	return address, func() { require.NoError(t, process.Process.Signal(syscall.SIGTERM)) }, said
}

// signaller asks a program to stop.
type signaller func()

func TestTheMetricsOfAWorkerAreWhatTheServiceCounted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	s.Simulator.SetFaults(ehpcsim.Faults{Faults: []ehpcsim.Fault{
		{Action: "InvokeShellCommand", Drop: ehpcsim.DropAfter},
		{Action: "ListInvocationStatus", Code: "InternalError", Times: 2},
		{Action: "ListInvocationStatus", Drop: ehpcsim.DropBefore}, // net/http sends it again when the connection was used before
		{Action: "ListInvocationStatus", Code: "Throttling.Api", Times: 2},
		{Action: "ListInvocationResults", Body: ehpcsim.GarbageBody},
	}})
	output := t.TempDir()
	address, _, _ := startMeasured(t, s.forPrograms(), "--output-store", output, "--api-rate", "1000")

	const mark = "measured-here"
	want := map[string]int{}
	reports := []runs.Report{
		s.run("true " + mark), s.run("echo " + mark),
		s.run("exit 3 # " + mark), s.run("case $HOSTNAME in *000) exit 1;; esac # " + mark),
		s.runInput(func(in *workflows.RunCommandInput) { in.ClusterID, in.Command = "ehpc-nowhere", "echo never" }),
	}
	s.Simulator.SetFaults(ehpcsim.Faults{Quota: 1})
	reports = append(reports, s.run("true again "+mark))
	s.Simulator.SetFaults(ehpcsim.Faults{})
	canceled := s.start("sleep 300 # " + mark)
	await(t, time.Minute, "it runs", func() bool { return s.phase(canceled) == workflows.Watching })
	require.NoError(t, s.Client.CancelWorkflow(t.Context(), canceled, ""))
	reports = append(reports, s.end(canceled))
	states := map[string]int{}
	for _, report := range reports {
		switch {
		case report.State == runs.Canceled:
			want["cancelled"]++
		case report.Error != nil:
			want["error"]++
		default:
			want[string(report.Verdict)]++
		}
		for _, node := range report.Nodes {
			states[string(node.State)]++
		}
	}
	require.Equal(t, map[string]int{"succeeded": 3, "failed": 1, "partial": 1, "error": 1, "cancelled": 1}, want)

	got, stats := scrape(t, address), s.Simulator.Stats()
	// The service counts what it authenticates. A dropped request that net/http sends again
	// is not: its nonce was used.
	requests := counts(got["ehpcflow_api_requests_total"], "action")
	for action, n := range counts(got["ehpcflow_api_errors_total"], "action", "code") {
		if name, again := strings.CutSuffix(action, " SignatureNonceUsed"); again {
			requests[name] -= n
		}
	}
	require.Equal(t, stats.Requests, requests, "every request that the service took, by action")
	errors := counts(got["ehpcflow_api_errors_total"], "code")
	require.Positive(t, stats.Throttled, "the quota was short")
	require.Equal(t, stats.Throttled, errors["Throttling.User"])
	require.Equal(t, stats.Faults["Throttling.Api"], errors["Throttling.Api"])
	require.Equal(t, stats.Faults["InternalError"], errors["InternalError"])
	require.Equal(t, stats.Faults["body garbage"], errors["Client.BadResponse"])
	require.Equal(t, map[string]int{"InternalError": 2, "drop after": 1, "drop before": 1, "Throttling.Api": 2, "body garbage": 1}, stats.Faults, "all of them hit")
	require.Equal(t, stats.Throttled+2, counts(got["ehpcflow_api_calls_total"], "outcome")["throttled"])
	require.Equal(t, stats.Throttled+2, counts(got["ehpcflow_budget_throttled_requests_total"])[""])
	require.Equal(t, 1, counts(got["ehpcflow_api_errors_total"], "action", "code")["InvokeShellCommand Client.ConnectionLost"])

	require.Equal(t, want, counts(got["ehpcflow_runs_ended_total"], "verdict"))
	require.Equal(t, len(reports), counts(got["ehpcflow_runs_started_total"])[""])
	require.Equal(t, states, counts(got["ehpcflow_nodes_ended_total"], "state"))
	t.Logf("states %v", states)
	executed, submitted := 0, 0
	for state, n := range states {
		if state != "skipped" {
			submitted += n
		}
	}
	for _, n := range s.Simulator.ExecutionsOf(mark) {
		executed += n
	}
	require.Equal(t, executed, submitted, "every node where the service started a command, once: %v", states)
	require.Equal(t, 1, counts(got["ehpcflow_submits_in_doubt_total"])[""])
	require.Empty(t, counts(got["ehpcflow_submits_left_in_doubt_total"]))
	require.GreaterOrEqual(t, int(got["ehpcflow_node_end_lag_seconds"].GetMetric()[0].GetHistogram().GetSampleCount()), states["succeeded"]+states["nonzero"], "of every node that left a result")
	require.Equal(t, 4*len(mark+"\n"), counts(got["ehpcflow_output_store_bytes_total"])[""])
	require.Zero(t, got["ehpcflow_watches"].GetMetric()[0].GetGauge().GetValue())
	require.EqualValues(t, 10_000, got["ehpcflow_watches_limit"].GetMetric()[0].GetGauge().GetValue())
	for name := range got {
		for _, metric := range got[name].GetMetric() {
			for _, label := range metric.GetLabel() {
				require.NotContains(t, label.GetValue(), reports[0].RunID, "%s would grow with every run", name)
				require.NotContains(t, label.GetValue(), s.nodes()[0], "%s would grow with every node", name)
			}
		}
	}
}

func TestAWorkerIsReadyWhileItTakesWorkAndAliveTheWholeTime(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := newSystem(t, quickPace())
	env := s.forPrograms().with("TEMPORAL_ADDRESS", server.address())
	address, worker, said := startMeasured(t, env, "--stop-patience", "20s", "--log-format", "json")
	code, body := get(t, address, "/healthz")
	require.Equal(t, "200 alive\n", fmt.Sprint(code, " ", body))

	server.kill()
	await(t, 20*time.Second, "it is not ready without Temporal", func() bool {
		code, body = get(t, address, "/readyz")
		return code == http.StatusServiceUnavailable
	})
	require.Equal(t, "not ready: Temporal does not answer\n", body)
	code, _ = get(t, address, "/healthz")
	require.Equal(t, http.StatusOK, code)
	server.start()
	await(t, 30*time.Second, "it is ready again", func() bool {
		code, _ := get(t, address, "/readyz")
		return code == http.StatusOK
	})

	worker()
	await(t, 5*time.Second, "it says so", func() bool { return strings.Contains(said.String(), "a second signal ends at once") })
}

func TestAWorkerThatStopsIsNotReadyFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the attempt's timeout")
	}
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	s.Simulator.Inject(ehpcsim.Fault{Action: "InvokeShellCommand", Delay: 8 * time.Second})
	address, worker, said := startMeasured(t, s.forPrograms())
	id := s.start("echo slowly")
	await(t, 20*time.Second, "it submits", func() bool { return s.Simulator.Requests("InvokeShellCommand") == 1 })
	worker()
	await(t, 5*time.Second, "it is not ready", func() bool {
		code, body := get(t, address, "/readyz")
		return code == http.StatusServiceUnavailable && body == "not ready: stopping\n"
	})
	code, _ := get(t, address, "/healthz")
	require.Equal(t, http.StatusOK, code, "it finishes its submit")

	worker()
	await(t, 3*time.Second, "the second signal ends it at once", func() bool {
		resp, err := http.Get("http://" + address + "/healthz")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err != nil
	})
	require.Contains(t, said.String(), "a second signal ends at once")
	require.NoError(t, s.StartWorker())
	report := s.end(id)
	require.True(t, report.Succeeded(), "%+v", report)
	require.Equal(t, 4, s.executions(), "the command of the cut-off submit was found")
}
