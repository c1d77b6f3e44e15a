package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// doctor runs the command and returns its findings, a line each.
func doctor(t *testing.T, args ...string) (code int, lines string) {
	t.Helper()
	var out, faults bytes.Buffer
	code = run(append([]string{"doctor", "--format", "json", "--insecure-http"}, args...), nil, &out, &faults)
	var findings []finding
	if err := json.Unmarshal(out.Bytes(), &findings); err != nil {
		t.Fatalf("exit code %d: %v: %s%s", code, err, out.String(), faults.String())
	}
	for _, f := range findings {
		if (f.Do == "") != (f.Outcome == fine) {
			t.Errorf("%+v does not say what to do", f)
		}
		lines += fmt.Sprintf("%s %s: %s\n", f.Outcome, f.Check, f.Text)
	}
	return code, lines
}

func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !regexp.MustCompile(`(?m)^` + line).MatchString(got) {
			t.Errorf("no line %q in\n%s", line, got)
		}
	}
}

func TestDoctorFindsAFaultyIssuer(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	for name, row := range map[string]struct {
		change func(w http.ResponseWriter, r *http.Request) bool // whether it has answered
		want   string
	}{
		"clock": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			return false
		}, `failed issuer .*: this machine's clock is (59m59|1h0m)`},
		"another issuer": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "openid-configuration") {
				return false
			}
			fmt.Fprint(w, `{"issuer":"https://other.kinde.com"}`)
			return true
		}, `failed issuer .*: its discovery document names the issuer "https://other.kinde.com"`},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(w, `<html>`)
			return true
		}, `failed issuer .*: its discovery document is not JSON`},
		"no discovery": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusForbidden)
			return true
		}, `failed issuer .*: its discovery document cannot be read: it answered 403`},
		"no keys": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "jwks") {
				return false
			}
			fmt.Fprint(w, `{"keys":[]}`)
			return true
		}, `failed issuer .*: its keys cannot be fetched`},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !row.change(w, r) {
					issuer.ServeHTTP(w, r)
				}
			}))
			defer server.Close()
			code, got := doctor(t, "--domain", server.URL, "--address", "unix:"+filepath.Join(t.TempDir(), "none"))
			wantLines(t, got, row.want, "ok settings", "warning issuer .*: no audience", "failed service unix:.*: dial unix .*: connect: no such file or directory")
			if code != exitFailed {
				t.Errorf("exit code %d", code)
			}
		})
	}
	code, got := doctor(t, "--domain", "http://no-such-host.invalid", "--audience", "a", "--address", "127.0.0.1:1")
	wantLines(t, got, "failed issuer .*: its name does not resolve", "ok issuer .*: an audience is configured", "failed issuer .*: its keys cannot be fetched", "failed service 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused")
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}

func TestDoctorRefusesSettingsThatServeRefuses(t *testing.T) {
	var out, faults bytes.Buffer
	if code := run([]string{"doctor", "--domain", "nonsense"}, nil, &out, &faults); code != exitUsage || !strings.Contains(faults.String(), "KINDE_DOMAIN") {
		t.Errorf("exit code %d: %s", code, faults.String())
	}
}

func TestDoctorCountsUnknownPolicies(t *testing.T) {
	m := newMetrics()
	admin := httptest.NewServer(http.StripPrefix("/metrics", m.handler()))
	defer admin.Close()
	for _, row := range []struct {
		outcome outcome
		text    string
	}{
		{fine, "Envoy has named no unknown policy"},
		{warning, "3 requests were denied because Envoy named a policy that is not defined (unknown_policy)"},
	} {
		r := &report{}
		checkUnknownPolicies(t.Context(), r, &settings{adminListen: strings.TrimPrefix(admin.URL, "http://")})
		if len(r.findings) != 1 || r.findings[0].Outcome != row.outcome || r.findings[0].Text != row.text {
			t.Errorf("got %+v, want %s", r.findings, row.text)
		}
		m.decisions.WithLabelValues("deny", "missing_role", "user").Add(5)
		m.decisions.WithLabelValues("deny", "unknown_policy", "none").Add(3)
	}
	r := &report{}
	if checkUnknownPolicies(t.Context(), r, &settings{adminListen: "127.0.0.1:1"}); len(r.findings) != 0 {
		t.Errorf("an admin port that cannot be reached: %+v", r.findings)
	}
}

// Every example of a settings file is valid, without a warning.
func TestExamplesAreValid(t *testing.T) {
	examples, err := filepath.Glob("../../deploy/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatal(examples, err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		path := filepath.Join(t.TempDir(), "readme.yaml")
		if err := os.WriteFile(path, []byte(block[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		examples = append(examples, path)
	}
	for _, path := range examples {
		var out, faults bytes.Buffer
		if code := run([]string{"validate", "--strict", path}, nil, &out, &faults); code != exitFine || !strings.HasPrefix(out.String(), "valid: ") {
			t.Errorf("%s: exit code %d: %s%s", path, code, out.String(), faults.String())
		}
	}
}
