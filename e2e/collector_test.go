package e2e

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// collector takes spans as an OpenTelemetry collector does, over HTTP and gRPC.
type collector struct {
	collectorv1.UnimplementedTraceServiceServer
	http, grpc string // addresses

	mu      sync.Mutex
	spans   []span
	headers []string // x-secret of each message
}

// span is one that was taken, and whose it is.
type span struct {
	service string
	*tracev1.Span
}

func (s span) trace() string  { return hex.EncodeToString(s.TraceId) }
func (s span) id() string     { return hex.EncodeToString(s.SpanId) }
func (s span) parent() string { return hex.EncodeToString(s.ParentSpanId) }

// attributes are the texts and numbers of the span, as text.
func (s span) attributes() map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		all[a.Key] = a.Value.GetStringValue()
	}
	return all
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	web := httptest.NewServer(c)
	t.Cleanup(web.Close)
	c.http = web.URL
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	c.grpc = "http://" + listener.Addr().String()
	return c
}

// ServeHTTP takes spans over HTTP.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var message collectorv1.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &message) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.take(&message, r.Header.Get("x-secret"))
}

// Export takes spans over gRPC.
func (c *collector) Export(ctx context.Context, message *collectorv1.ExportTraceServiceRequest) (
	*collectorv1.ExportTraceServiceResponse, error) {
	secret := ""
	if values := metadata.ValueFromIncomingContext(ctx, "x-secret"); len(values) == 1 {
		secret = values[0]
	}
	c.take(message, secret)
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

func (c *collector) take(message *collectorv1.ExportTraceServiceRequest, secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = append(c.headers, secret)
	for _, resource := range message.ResourceSpans {
		service := ""
		for _, a := range resource.Resource.Attributes {
			if a.Key == "service.name" {
				service = a.Value.GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, span{service, s})
			}
		}
	}
}

// all returns the spans that were taken which match.
func (c *collector) all(matches func(span) bool) (found []span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if matches(s) {
			found = append(found, s)
		}
	}
	return found
}

// one waits for a span that matches.
func (c *collector) one(t *testing.T, what string, matches func(span) bool) (found span) {
	t.Helper()
	eventually(t, what, func() bool {
		all := c.all(matches)
		if len(all) > 0 {
			found = all[0]
		}
		return len(all) > 0
	})
	return found
}

// of matches spans of a service in a trace.
func of(service, trace string) func(span) bool {
	return func(s span) bool { return s.service == service && (trace == "" || s.trace() == trace) }
}
