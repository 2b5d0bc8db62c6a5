package telemetry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// flushPatience bounds the wait for the last spans to be taken.
const flushPatience = 5 * time.Second

// Traces sends spans to a collector. A nil one sends none.
type Traces struct {
	provider    *sdktrace.TracerProvider
	interceptor interceptor.Interceptor
}

// NewTraces sends to a collector that takes OTLP over gRPC, by its URL; "" is none and
// returns nil. A collector that is away loses spans, and disturbs nothing else. The
// standard variables apply, such as OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME and
// OTEL_TRACES_SAMPLER.
func NewTraces(ctx context.Context, endpoint string) (*Traces, error) {
	if endpoint == "" {
		return nil, nil //nolint:nilnil // no traces are a choice, and no error
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(endpoint))
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "ehpcflow-worker")),
		resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("say who sends the traces, see OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	t := &Traces{provider: sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}
	tracer, err := opentelemetry.NewTracer(opentelemetry.TracerOptions{
		Tracer: t.provider.Tracer("temporal-sdk-go"), SpanStarter: startQuiet,
		DisableQueryTracing:     true, // starter asks every second
		DisableBaggage:          true,
		AllowInvalidParentSpans: true, // whoever starts a run must not be able to stop it so
	})
	if err != nil {
		return nil, err
	}
	t.interceptor = interceptor.NewTracingInterceptor(byRun{tracer})
	return t, nil
}

// Interceptors are what a Temporal client needs to trace.
func (t *Traces) Interceptors() []interceptor.ClientInterceptor {
	if t == nil {
		return nil
	}
	return []interceptor.ClientInterceptor{t.interceptor}
}

// Close sends what is left.
func (t *Traces) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushPatience)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the spans that are lost are nobody's business any more
}

// byRun gives a run that was started without a trace, as starter does it, one that
// follows from the run: every worker that takes a step of it finds the same one, also
// when it replays the run.
type byRun struct{ interceptor.Tracer }

// workflowRunID is the tag under which the SDK tells the run.
const workflowRunID = "temporalRunID"

func (t byRun) StartSpan(o *interceptor.TracerStartSpanOptions) (interceptor.TracerSpan, error) {
	if run := o.Tags[workflowRunID]; o.Parent == nil && o.Operation == "RunWorkflow" && run != "" {
		digest := sha256.Sum256([]byte(run))
		parent, err := t.UnmarshalSpan(map[string]string{
			"traceparent": "00-" + hex.EncodeToString(digest[:16]) + "-" + hex.EncodeToString(digest[16:24]) + "-01",
		})
		if err != nil {
			return nil, err
		}
		o.Parent = parent
	}
	return t.Tracer.StartSpan(o)
}

// quiet is a span that keeps the text of errors to itself: it may quote what payload
// encryption hides.
type quiet struct{ trace.Span }

func startQuiet(ctx context.Context, t trace.Tracer, name string, opts ...trace.SpanStartOption) trace.Span {
	_, span := t.Start(ctx, name, opts...)
	return quiet{span}
}

func (quiet) RecordError(error, ...trace.EventOption) {}

func (q quiet) SetStatus(code codes.Code, _ string) { q.Span.SetStatus(code, "") }
