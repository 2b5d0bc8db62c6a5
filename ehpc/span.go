package ehpc

import (
	"context"
	"errors"
	"regexp"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// tracerName says where the spans come from.
const tracerName = "ehpcflow/ehpc"

// startSpan begins the span of a call, under that of the context and by its tracer; where
// that has none, it is nothing. A span names the action, the code and the request id, and
// never a parameter: the text of a command may hold a secret.
func startSpan(ctx context.Context, action string) (context.Context, trace.Span) {
	tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer(tracerName)
	return tracer.Start(ctx, action, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("ehpc.action", action)))
}

var requestIDKey = regexp.MustCompile(`"RequestId"\s*:\s*"([0-9A-Za-z-]{1,64})"`)

// endSpan ends it with what came of the call.
func endSpan(span trace.Span, body []byte, err error) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	var failure *Error
	if errors.As(err, &failure) {
		span.SetAttributes(attribute.String("ehpc.code", failure.Code), attribute.String("ehpc.request_id", failure.RequestID))
		span.SetStatus(codes.Error, failure.Code)
	} else if id := requestIDKey.FindSubmatch(body); id != nil {
		span.SetAttributes(attribute.String("ehpc.request_id", string(id[1])))
	}
}
