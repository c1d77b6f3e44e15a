package e2e

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const (
	traced   = "4bf92f3577b34da6a3ce929d0e0e4736"
	untraced = "5bf92f3577b34da6a3ce929d0e0e4736"
	clients  = "00f067aa0ba902b7"

	sampled    = "00-" + traced + "-" + clients + "-01"
	notSampled = "00-" + untraced + "-" + clients + "-00"
)

// tracingEnvoy is the project's envoy.yaml with tracing as Envoy has it.
func tracingEnvoy(t *testing.T, collector string) (path string) {
	t.Helper()
	content, err := os.ReadFile("../envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(collector, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	const manager, clusters = "          use_remote_address: true\n", "  clusters:\n"
	replaced := strings.NewReplacer(manager, manager+`          tracing:
            provider:
              name: envoy.tracers.opentelemetry
              typed_config:
                "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig
                service_name: envoy
                http_service: {http_uri: {uri: "`+collector+`/v1/traces", cluster: collector, timeout: 1s}}
`, clusters, clusters+`  - name: collector
    connect_timeout: 1s
    load_assignment:
      cluster_name: collector
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: `+host+`, port_value: `+port+`}}}}]}]
`).Replace(string(content))
	if len(replaced) < len(content)+300 {
		t.Fatal("envoy.yaml has no place for tracing")
	}
	path = filepath.Join(t.TempDir(), "envoy.yaml")
	write(t, path, replaced)
	return path
}

func traceTo(endpoint string) []string {
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint, "OTEL_BSP_SCHEDULE_DELAY=50"}
}

// get sends a request with a token and, if any, a trace context.
func getTraced(t *testing.T, url, token, traceparent string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("authorization", "Bearer "+token)
	if traceparent != "" {
		request.Header.Set("traceparent", traceparent)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// isChild wants a span of ours to be a child of the span of Envoy's call.
func isChild(t *testing.T, c *collector, ours span) {
	t.Helper()
	parent := c.one(t, "Envoy's span of its call", func(s span) bool {
		return s.service == "envoy" && s.trace() == ours.trace() && s.id() == ours.parent()
	})
	if parent.Kind != tracev1.Span_SPAN_KIND_CLIENT {
		t.Errorf("the parent is %s, a %s, want the call of ext_authz", parent.Name, parent.Kind)
	}
}

// Attack W5: nothing of a token is in a trace, and no query.
func TestSpansJoinThoseOfEnvoy(t *testing.T) {
	c := newCollector(t)
	s := own(t, func(config *stack.Config) {
		config.EnvoyConfig, config.AuthzEnv = tracingEnvoy(t, c.http), traceTo(c.http)
	})
	token := s.Issuer.Token(s.Issuer.UserClaims())
	const query = "/api/agents/weather?q=hidden"

	getTraced(t, s.URL+query, token, "")
	ours := c.one(t, "a span of a decision", func(s span) bool {
		return s.service == "kinde-authz" && s.attributes()["kinde_authz.reason"] == "allowed"
	})
	isChild(t, c, ours)
	got := ours.attributes()
	if len(got["kinde_authz.decision_id"]) != 32 {
		t.Errorf("the decision's ID is %q", got["kinde_authz.decision_id"])
	}
	delete(got, "kinde_authz.decision_id")
	want := map[string]string{
		"rpc.system.name": "grpc", "rpc.method": "envoy.service.auth.v3.Authorization/Check",
		"rpc.response.status_code": "OK",
		"kinde_authz.decision":     "allow", "kinde_authz.reason": "allowed", "kinde_authz.actor": "user",
		"kinde_authz.policy": "default",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attributes (-want +got)\n%s", diff)
	}
	if ours.Kind != tracev1.Span_SPAN_KIND_SERVER || ours.Name != want["rpc.method"] {
		t.Errorf("it is %s, a %s", ours.Name, ours.Kind)
	}

	getTraced(t, s.URL+query, token, notSampled)
	getTraced(t, s.URL+query, "nonsense", sampled)
	ours = c.one(t, "a span in the client's trace", of("kinde-authz", traced))
	isChild(t, c, ours)
	if reason := ours.attributes()["kinde_authz.reason"]; reason != "malformed_token" {
		t.Errorf("reason %q", reason)
	}
	if spans := c.all(of("kinde-authz", untraced)); len(spans) > 0 {
		t.Errorf("%d spans in a trace that is not sampled", len(spans))
	}
	for _, s := range c.all(of("kinde-authz", "")) {
		if text := s.String(); strings.Contains(text, "hidden") || strings.Contains(text, token) ||
			strings.Contains(text, "kp_") || strings.Contains(text, "org_acme") {
			t.Errorf("a span says too much: %s", text)
		}
	}
}

// The client's context is the parent where Envoy does not trace.
func TestSpansOfClientsTraces(t *testing.T) {
	c := newCollector(t)
	s := own(t, func(config *stack.Config) { config.AuthzEnv = traceTo(c.http) })
	getTraced(t, s.URL, s.Issuer.Token(s.Issuer.UserClaims()), sampled)
	if ours := c.one(t, "a span", of("kinde-authz", traced)); ours.parent() != clients {
		t.Errorf("its parent is %s, want %s", ours.parent(), clients)
	}
	s.Authz.Stop() // sends what waits
}

func TestProtocolsOfTraces(t *testing.T) {
	for protocol, endpoint := range map[string]func(*collector) string{
		"http/protobuf": func(c *collector) string { return c.http },
		"grpc":          func(c *collector) string { return c.grpc },
	} {
		t.Run(protocol, func(t *testing.T) {
			c := newCollector(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint(c))
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-secret=hunter2")
			t.Setenv("OTEL_SERVICE_NAME", "edge")
			var log process.Log
			i := start(t, &log)
			if reason, err := i.reason(t, "/", i.issuer.Token(i.issuer.UserClaims())); reason != "allowed" {
				t.Fatal(reason, err)
			}
			i.signal(t, syscall.SIGTERM) // what waits is sent before the end
			ends(t, i.Process, 0, 20*time.Second)
			spans := c.all(of("edge", ""))
			names := map[string]int{}
			for _, s := range spans {
				names[s.Name]++
			}
			if names["fetch keys"] == 0 || names["envoy.service.auth.v3.Authorization/Check"] != 1 {
				t.Errorf("spans: %v", names)
			}
			if len(c.headers) == 0 || c.headers[0] != "hunter2" {
				t.Errorf("headers: %q", c.headers)
			}
		})
	}
}

// Attack W6: a collector that is away, hangs, or answers with what it was sent.
func TestDecisionsDoNotWaitForTheCollector(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for name, test := range map[string]struct {
		handler http.HandlerFunc // nil: nobody listens
		says    string
	}{
		"away":  {nil, "connection refused"},
		"hangs": {func(http.ResponseWriter, *http.Request) { <-hang }, "no answer in time"},
		"echoes": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, r.Header.Get("x-secret"))
		}, "the collector answered 401 Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewUnstartedServer(test.handler)
			web.Start()
			if test.handler == nil {
				web.Close()
			} else {
				t.Cleanup(func() { web.CloseClientConnections() })
			}
			for name, value := range map[string]string{
				"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": web.URL + "/hunter2/v1/traces?key=hunter2",
				"OTEL_EXPORTER_OTLP_HEADERS":         "x-secret=hunter2,broken hunter2",
				"OTEL_BSP_SCHEDULE_DELAY":            "20", "OTEL_EXPORTER_OTLP_TIMEOUT": "1000",
			} {
				t.Setenv(name, value)
			}
			var log process.Log
			i := start(t, &log)
			i.check(t, enough)
			i.healthy(t)
			const message = "traces could not be sent"
			eventually(t, "the log tells", func() bool { return strings.Contains(log.String(), message) })
			if spans := i.metric(t, "kinde_authz_trace_spans_total"); spans < enough {
				t.Errorf("%g spans were to be sent", spans)
			}
			if sent := i.metric(t, "kinde_authz_trace_spans_exported_total"); sent != 0 {
				t.Errorf("%g spans were sent", sent)
			}
			i.signal(t, syscall.SIGTERM)
			ends(t, i.Process, 0, 5*time.Second)
			text := log.String()
			if n := strings.Count(text, message); n > 2 || !strings.Contains(text, test.says) {
				t.Errorf("%d lines about it, and %q in them: %v", n, test.says, strings.Contains(text, test.says))
			}
			if strings.Contains(text, "hunter2") {
				t.Error("the log holds a secret")
			}
		})
	}
}

func TestTracingThatIsRefused(t *testing.T) {
	for variable, says := range map[string]string{
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuff":        `want http/protobuf or grpc: did you mean "http/protobuf"?`,
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=thrift":         `"thrift": want http/protobuf or grpc`,
		"OTEL_TRACES_EXPORTER=jaeger":                       `"jaeger": want otlp or none, or unset it`,
		"OTEL_TRACES_SAMPLER=always":                        `"always": want one of always_on`,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector:4318": "want a URL with a scheme and a host, like http://",
	} {
		command := exec.CommandContext(t.Context(), programs.Authz)
		command.Env = []string{
			"KINDE_DOMAIN=https://yourapp.kinde.com", "KINDE_AUTHZ_LISTEN=127.0.0.1:0",
			"KINDE_AUTHZ_ADMIN_LISTEN=127.0.0.1:0", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", variable,
		}
		name, _, _ := strings.Cut(variable, "=")
		code, _, stderr := output(t, command)
		if code != 2 || !strings.Contains(stderr, "kinde-authz: "+name+": ") || !strings.Contains(stderr, says) {
			t.Errorf("%s: exit code %d and %q, want 2 and %q", variable, code, stderr, says)
		}
	}
}

// The command of docs/tracing.md turns tracing on, and nothing else of it is needed.
func TestGuideToTracing(t *testing.T) {
	c, issuer := newCollector(t), kindetest.NewServer()
	t.Cleanup(issuer.Close)
	t.Setenv("KINDE_DOMAIN", issuer.Issuer.URL)
	t.Setenv("KINDE_AUTHZ_INSECURE_HTTP", "true")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	command := strings.NewReplacer("http://collector:4318", c.http, " kinde-authz", " exec "+programs.Authz).
		Replace(blocksOf(t, "docs/tracing.md", "sh")[0])
	address, _ := alone(t, "sh", "-ec", command)
	if got := reasonFrom(t, address, issuer.Token(issuer.UserClaims())); got != "allowed" {
		t.Errorf("got %s", got)
	}
	c.one(t, "the span of a decision", func(s span) bool {
		return s.service == "kinde-authz" && s.attributes()["kinde_authz.reason"] == "allowed"
	})
}
