package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// series returns the names and labels of all metrics.
func (i *instance) series(t *testing.T) (all []string) {
	t.Helper()
	text, _, err := i.ask("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			name, _, _ := strings.Cut(line, " ")
			all = append(all, name)
		}
	}
	return all
}

// odd is a request that nobody else sends.
func (i *instance) odd(n int) envoytest.Request {
	claims := i.issuer.UserClaims()
	switch n % 8 {
	case 0:
		claims = claims.With("sub", fmt.Sprintf("kp_%d", n))
	case 1:
		claims = claims.With("org_code", fmt.Sprintf("org_%d", n))
	case 2:
		claims = claims.With("iss", fmt.Sprintf("https://%d.example.com", n))
	case 3:
		claims = claims.With("aud", []string{fmt.Sprint(n)})
	case 4:
		claims = claims.With("gty", []string{fmt.Sprint(n)}).With("azp", fmt.Sprint(n))
	case 5:
		claims = claims.With("sub", n)
	}
	request := envoytest.New(fmt.Sprintf("M%d", n%700), fmt.Sprintf("/%d?%d", n, n)).
		With("traceparent", fmt.Sprintf("00-%032x-%016x-01", n+1, n+1)).With(fmt.Sprintf("x-kinde-%d", n), "forged")
	switch n % 7 {
	case 0:
		return request.Bearer(fmt.Sprint(n))
	case 1:
		return request.Bearer(i.issuer.Sign(claims)).Policy(fmt.Sprint(n))
	case 2:
		return request.With("authorization", fmt.Sprintf("Basic %d", n))
	default:
		return request.Bearer(i.issuer.Sign(claims))
	}
}

// Attack W2: what a client sends makes no series of metrics, traced or not.
func TestOddRequestsMakeNoSeries(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", newCollector(t).http)
	var log process.Log
	i := start(t, &log)
	i.check(t, 1)
	before := i.series(t)
	var group sync.WaitGroup
	client := authv3.NewAuthorizationClient(i.conn)
	for worker := range 4 {
		group.Go(func() {
			for n := worker; n < 2000 && !t.Failed(); n += 4 {
				if _, err := client.Check(t.Context(), i.odd(n).InList()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff(before, i.series(t)); diff != "" {
		t.Errorf("series (-before +after)\n%s", diff)
	}
	if decided := i.metric(t, "kinde_authz_decision_duration_seconds_count"); decided != 2001 {
		t.Errorf("%g decisions", decided)
	}
}

// An exemplar leads from a bucket to a trace.
func TestExemplarsNameTraces(t *testing.T) {
	c := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.http)
	var log process.Log
	i := start(t, &log)
	request := envoytest.Get("/").Bearer(i.issuer.Token(i.issuer.UserClaims()))
	for _, traceparent := range []string{notSampled, sampled} {
		check := request.With("traceparent", traceparent).InList()
		if _, err := authv3.NewAuthorizationClient(i.conn).Check(t.Context(), check); err != nil {
			t.Fatal(err)
		}
	}
	text := i.scrape(t, "application/openmetrics-text;version=1.0.0")
	if !strings.Contains(text, `# {trace_id="`+traced+`"}`) || strings.Contains(text, untraced) {
		t.Errorf("no exemplar, or one of a trace that is not sampled:\n%s", text)
	}
	if text := i.scrape(t, "text/plain"); strings.Contains(text, "trace_id") {
		t.Error("an exemplar in a format that has none")
	}
}

// scrape asks for the metrics in that format.
func (i *instance) scrape(t *testing.T, accept string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://admin/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("accept", accept)
	response, err := i.web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
