package e2e

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"ehpcflow/ehpcsim"
)

// spanCollector is a collector of traces: it keeps the spans that it is sent.
type spanCollector struct {
	collector.UnimplementedTraceServiceServer
	mu      sync.Mutex
	spans   []*tracepb.Span
	headers metadata.MD
}

func (c *spanCollector) Export(ctx context.Context, in *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers, _ = metadata.FromIncomingContext(ctx)
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// startCollector serves on a port of its own.
func startCollector(t *testing.T) (*spanCollector, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c, server := &spanCollector{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return c, "http://" + listener.Addr().String()
}

// named counts the spans of a trace by their names.
func (c *spanCollector) named() map[string]map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	traces := make(map[string]map[string]int)
	for _, span := range c.spans {
		id := hex.EncodeToString(span.GetTraceId())
		if traces[id] == nil {
			traces[id] = make(map[string]int)
		}
		traces[id][span.GetName()]++
	}
	return traces
}

func TestARunIsOneTraceDownToItsCallsAndNoSpanHoldsACommand(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	s.StopWorker()
	s.Simulator.Inject(ehpcsim.Fault{Action: "ListInvocationResults", Code: "InternalError"})
	received, endpoint := startCollector(t)
	env := s.forPrograms().with("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).with("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20me").
		with("OTEL_BSP_SCHEDULE_DELAY", "200")
	_, stop, _ := startMeasured(t, env)
	report := s.run("echo geheim; sleep 2")
	require.True(t, report.Succeeded(), "%+v", report)
	stop()

	var run map[string]int
	await(t, 30*time.Second, "the spans of the run arrive", func() bool {
		traces := received.named()
		for _, names := range traces {
			run = names
		}
		return len(traces) == 1 && run["RunWorkflow:RunCommand"] > 0
	})
	for _, name := range []string{
		"RunActivity:InvokeShellCommand", "RunActivity:ListInvocationStatus", "RunActivity:ListInvocationResults",
		"StartActivity:InvokeShellCommand", "ListNodes", "InvokeShellCommand", "ListInvocationStatus", "ListInvocationResults",
	} {
		require.Positive(t, run[name], "%s in %v", name, run)
	}
	require.Equal(t, s.Simulator.Requests("ListInvocationStatus"), run["ListInvocationStatus"], "every look, those between two steps too")

	received.mu.Lock()
	defer received.mu.Unlock()
	require.Equal(t, []string{"Bearer me"}, received.headers.Get("authorization"))
	parents, codes := make(map[string]string), make(map[string]bool)
	for _, span := range received.spans {
		parents[hex.EncodeToString(span.GetSpanId())] = span.GetName()
	}
	for _, span := range received.spans {
		require.NotContains(t, fmt.Sprint(span), "geheim")
		require.NotContains(t, fmt.Sprint(span), s.Key.ID)
		for _, attribute := range span.GetAttributes() {
			if attribute.GetKey() == "ehpc.code" {
				codes[attribute.GetValue().GetStringValue()] = true
			}
		}
		if span.GetName() == "ListInvocationResults" {
			require.Equal(t, "RunActivity:ListInvocationResults", parents[hex.EncodeToString(span.GetParentSpanId())])
			require.Contains(t, fmt.Sprint(span.GetAttributes()), "ehpc.request_id")
		}
	}
	require.Equal(t, map[string]bool{"InternalError": true}, codes)
}
