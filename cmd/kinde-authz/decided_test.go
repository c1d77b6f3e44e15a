package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/tracing"
)

// observed is a decision as the server tells of it, in a trace that is sampled or not.
func observed(flags string) *extauthz.Observation {
	denial := authz.Denial(authz.NoRoute, "")
	return &extauthz.Observation{
		Decision: &denial, Start: time.Now(), Took: 2 * time.Microsecond,
		Trace: extauthz.TraceContext{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-" + flags},
	}
}

// tracer returns one that sends spans to a collector which takes them.
func tracer(t testing.TB) *tracing.Tracing {
	t.Helper()
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	started, err := tracing.Start("test", zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { started.Stop(time.Second) })
	return started
}

func TestObservingWithoutTracingAllocatesNothing(t *testing.T) {
	s, o := &service{metrics: newMetrics()}, observed("01")
	if n := testing.AllocsPerRun(1000, func() { s.decided(t.Context(), o) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

// BenchmarkDecided is what is done with a decision: counted alone, and with a span.
func BenchmarkDecided(b *testing.B) {
	on := tracer(b)
	metrics := newMetrics()
	for _, row := range []struct {
		name    string
		observe func(*extauthz.Observation)
		flags   string
	}{
		{"metrics_alone", func(o *extauthz.Observation) { metrics.decided(o, "") }, "01"},
		{"tracing_off", func(o *extauthz.Observation) { (&service{metrics: metrics}).decided(b.Context(), o) }, "01"},
		{"not_sampled", func(o *extauthz.Observation) {
			(&service{metrics: metrics, tracing: on}).decided(b.Context(), o)
		}, "00"},
		{"sampled", func(o *extauthz.Observation) {
			(&service{metrics: metrics, tracing: on}).decided(b.Context(), o)
		}, "01"},
	} {
		b.Run(row.name, func(b *testing.B) {
			o := observed(row.flags)
			b.ReportAllocs()
			for b.Loop() {
				row.observe(o)
			}
		})
	}
}
