package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"go.uber.org/zap/zapcore"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

var update = flag.Bool("update", false, "write the table of metrics in docs/operations.md anew")

// families are the metrics of the service, by name.
func (s *service) families(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	all, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*dto.MetricFamily{}
	for _, family := range all {
		byName[family.GetName()] = family
	}
	return byName
}

// The table in the documents is made of the help texts of the service's metrics.
func TestMetricsAreThoseOfTheDocuments(t *testing.T) {
	const path, begin, end = "../../docs/operations.md", "<!-- metrics: begin -->\n", "<!-- metrics: end -->"
	issuer := kindetest.NewServer()
	defer issuer.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	cert, key := writePair(t, t.TempDir(), "server", 1)
	s, _ := reloadable(t, fmt.Sprintf("issuers: [{domain: %q}]\ninsecure_http: true\ntls: {cert: %q, key: %q}\n",
		issuer.Issuer.URL, cert, key))
	soon(t, "a fetch is counted", func() bool { return s.families(t)["kinde_authz_jwks_refreshes_total"] != nil })
	all, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	table := "| metric | labels | type | meaning |\n|---|---|---|---|\n"
	for _, family := range all {
		if strings.HasPrefix(family.GetName(), "kinde_authz_") {
			table += row(family)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s lost its marks", path)
	}
	want := before + begin + table + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if string(content) != want {
		t.Errorf("%s is out of step: go test ./cmd/kinde-authz -run %s -update", filepath.Base(path), t.Name())
	}
}

func row(family *dto.MetricFamily) string {
	var labels []string
	for _, label := range family.GetMetric()[0].GetLabel() {
		labels = append(labels, "`"+label.GetName()+"`")
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", family.GetName(), strings.Join(labels, ", "),
		strings.ToLower(family.GetType().String()), family.GetHelp())
}

// gauge is the value of a metric without labels, or of its only series.
func (s *service) gauge(t *testing.T, name string) float64 {
	t.Helper()
	family := s.families(t)[name]
	if family == nil {
		t.Fatalf("there is no metric %s", name)
	}
	return family.GetMetric()[0].GetGauge().GetValue()
}

func TestKeysThatAreTooOldAreNotCounted(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	s, _ := reloadable(t, fmt.Sprintf("issuers: [{domain: %q}]\ninsecure_http: true\n"+
		"jwks: {refresh: 10ms, max_stale: 100ms}\n", issuer.Issuer.URL))
	soon(t, "there is a key", func() bool { return s.gauge(t, "kinde_authz_jwks_keys") == 1 })
	if err := issuer.Fail(kindetest.Down); err != nil {
		t.Fatal(err)
	}
	soon(t, "there is none", func() bool { return s.gauge(t, "kinde_authz_jwks_keys") == 0 })
}

// soon waits for a condition.
func soon(t *testing.T, what string, met func() bool) {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-deadline:
			t.Fatalf("still not true: %s", what)
		case <-tick.C:
		}
	}
}

// An error in the file is to be seen for as long as it is there.
func TestMetricTellsHowTheLastReloadWent(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	good := fmt.Sprintf("issuers: [{domain: %q}]\ninsecure_http: true\n", issuer.Issuer.URL)
	s, _ := reloadable(t, good)
	for n, test := range []struct {
		content string
		want    float64
	}{{"", 1}, {good + "nope: 1\n", 0}, {good, 1}} {
		if test.content != "" {
			s.reload(reading{content: test.content})
		}
		if got := s.gauge(t, "kinde_authz_config_last_reload_successful"); got != test.want {
			t.Errorf("after %d reloads: %g, want %g", n, got, test.want)
		}
	}
}

func TestMetricTellsWhenTheCertificateExpires(t *testing.T) {
	dir, end := t.TempDir(), time.Now().Add(48*time.Hour)
	cert, key := writePairUntil(t, dir, "server", 1, end)
	path := filepath.Join(dir, "settings.yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil,
		"issuers: [{domain: https://yourapp.kinde.com}]\ntls: {cert: %q, key: %q}\n", cert, key), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serviceWith(t, path, zapcore.NewNopCore())
	defer s.adminPort.Close()
	defer s.grpcPort.Close()
	const name = "kinde_authz_tls_certificate_expiry_timestamp_seconds"
	if got := s.gauge(t, name); got != float64(end.Unix()) {
		t.Errorf("%f, want %d", got, end.Unix())
	}
}
