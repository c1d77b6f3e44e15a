package tracing

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// counting counts the spans that are to be sent.
type counting struct {
	sdktrace.SpanProcessor
	tracing *Tracing
}

// OnEnd implements [sdktrace.SpanProcessor].
func (c counting) OnEnd(span sdktrace.ReadOnlySpan) {
	if span.SpanContext().IsSampled() {
		c.tracing.Recorded.Add(1)
	}
	c.SpanProcessor.OnEnd(span)
}

// counted counts the spans that were sent, and tells the log of those that were not.
type counted struct {
	sdktrace.SpanExporter
	tracing *Tracing
	faults  *faults
}

// ExportSpans implements [sdktrace.SpanExporter].
func (c *counted) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := c.SpanExporter.ExportSpans(ctx, spans); err != nil {
		c.faults.lost(len(spans), err)
		return nil
	}
	c.tracing.Exported.Add(uint64(len(spans)))
	return nil
}
