package tracing

import (
	"context"
	"net/http"
	"strings"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"

	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// method is that of the one call, as the semantic conventions for RPC name it.
var method = strings.TrimPrefix(authv3.Authorization_Check_FullMethodName, "/")

// serverAttributes are those of every decision. A call is always answered.
//
// https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
var serverAttributes = []attribute.KeyValue{
	semconv.RPCSystemNameGRPC, semconv.RPCMethod(method), semconv.RPCResponseStatusCode("OK"),
}

// Decided makes the span of a decision, and returns its trace ID when it will be sent,
// else nothing. Nothing of the token goes in but who it stands for, user or system.
func (t *Tracing) Decided(ctx context.Context, o *extauthz.Observation) (traceID string) {
	if t == nil {
		return ""
	}
	parent := trace.ContextWithRemoteSpanContext(context.Background(), parentOf(ctx, o.Trace))
	_, span := t.tracer.Start(parent, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(o.Start))
	if !span.IsRecording() {
		return ""
	}
	d := o.Decision
	span.SetAttributes(serverAttributes...)
	span.SetAttributes(
		attribute.String("kinde_authz.decision", d.Effect()),
		attribute.String("kinde_authz.reason", string(d.Reason)),
		attribute.String("kinde_authz.decision_id", d.ID.String()),
		attribute.String("kinde_authz.actor", d.Actor()),
	)
	if policy := d.Policy(); policy != "" {
		span.SetAttributes(attribute.String("kinde_authz.policy", policy))
	}
	if !d.Allowed() && d.Status() >= http.StatusInternalServerError {
		span.SetAttributes(semconv.ErrorTypeKey.String(string(d.Reason)))
		span.SetStatus(codes.Error, string(d.Reason))
	}
	span.End(trace.WithTimestamp(o.Start.Add(o.Took)))
	if !span.SpanContext().IsSampled() {
		return ""
	}
	return span.SpanContext().TraceID().String()
}

// Refreshed makes the span of an attempt to fetch keys. It has a trace of its own: many
// decisions may wait for one attempt, and most have none to wait for.
func (t *Tracing) Refreshed(r kinde.Refresh) {
	if t == nil {
		return
	}
	_, span := t.tracer.Start(context.Background(), "fetch keys", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(r.Start), trace.WithAttributes(
			attribute.String("kinde_authz.issuer", r.Issuer),
			attribute.String("kinde_authz.result", string(r.Result)),
			attribute.Int("kinde_authz.keys", r.Keys),
		))
	if r.Err != nil {
		span.SetStatus(codes.Error, r.Err.Error())
	}
	span.End(trace.WithTimestamp(r.Start.Add(r.Took)))
}

// parentOf returns what a decision is part of: the trace of the request that Envoy asks
// about. Where Envoy traces, it sends that request on with the context of the client,
// and that of its own span with its call: the nearer one, when both are of one trace,
// or the request has none.
func parentOf(ctx context.Context, request extauthz.TraceContext) trace.SpanContext {
	asked := parse(strings.Clone(request.Parent), strings.Clone(request.State)) // its strings end with the call
	call := parse(one(ctx, "traceparent"), strings.Join(metadata.ValueFromIncomingContext(ctx, "tracestate"), ","))
	if call.IsValid() && (!asked.IsValid() || asked.TraceID() == call.TraceID()) {
		return call
	}
	return asked
}

// one returns the value of gRPC metadata that has exactly one.
func one(ctx context.Context, name string) string {
	if values := metadata.ValueFromIncomingContext(ctx, name); len(values) == 1 {
		return values[0]
	}
	return ""
}

// parse reads the two headers of W3C Trace Context.
func parse(parent, state string) trace.SpanContext {
	if parent == "" {
		return trace.SpanContext{}
	}
	headers := propagation.MapCarrier{"traceparent": parent, "tracestate": state}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), headers))
}
