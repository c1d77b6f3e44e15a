// Package tracing tells an OpenTelemetry collector of each decision and of each fetch of
// keys. It is the only one that knows OpenTelemetry. Most readers want [Start].
//
// All that can be set is set by the environment of OpenTelemetry's SDK:
// https://opentelemetry.io/docs/languages/sdk-configuration/
package tracing

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/go-logr/logr"
)

// scope is who made the spans.
const scope = "github.com/kinde-authz/kinde-authz"

// Tracing makes spans. They wait in a bounded queue until they are sent; those that
// find it full are lost.
type Tracing struct {
	// Recorded counts the spans that were to be sent, and Exported those that the
	// collector took.
	Recorded, Exported atomic.Uint64

	protocol string
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// Start starts tracing if the environment asks for it; else it returns nil, and no
// error. What is wrong later goes to the log.
func Start(version string, log *zap.Logger) (*Tracing, error) {
	protocol, err := protocolOf(os.Getenv)
	if err != nil || protocol == off {
		return nil, err
	}
	if err := checkSampler(); err != nil {
		return nil, err
	}
	faults := &faults{log: log, now: time.Now}
	otel.SetLogger(logr.New(faults)) // before the SDK reads the environment
	otel.SetErrorHandler(faults)
	ctx := context.Background()
	exporter, err := newExporter(ctx, protocol)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: traces cannot be sent: %s", plain(err))
	}
	t := &Tracing{protocol: protocol}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(semconv.ServiceName("kinde-authz"), semconv.ServiceVersion(version)),
		resource.WithFromEnv()) // the last one wins
	if err != nil {
		faults.Handle(err) // it has the rest
	}
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithResource(about),
		sdktrace.WithSpanProcessor(counting{sdktrace.NewBatchSpanProcessor(&counted{exporter, t, faults}), t}))
	t.tracer = t.provider.Tracer(scope, trace.WithInstrumentationVersion(version))
	return t, nil
}

func newExporter(ctx context.Context, protocol string) (sdktrace.SpanExporter, error) {
	if protocol == overGRPC {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

// Protocol is how spans are sent, or off.
func (t *Tracing) Protocol() string {
	if t == nil {
		return off
	}
	return t.protocol
}

// Stop sends what waits, as far as the time allows.
func (t *Tracing) Stop(within time.Duration) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what the exporter said is in the log
}
