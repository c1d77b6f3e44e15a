package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/doctor"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// runDoctor runs the command and returns its findings, a line each.
func runDoctor(t *testing.T, args ...string) (code int, lines string) {
	t.Helper()
	var out, faults bytes.Buffer
	code = run(append([]string{"doctor", "--format", "json", "--insecure-http"}, args...), nil, &out, &faults)
	var findings []doctor.Finding
	if err := json.Unmarshal(out.Bytes(), &findings); err != nil {
		t.Fatalf("exit code %d: %v: %s%s", code, err, out.String(), faults.String())
	}
	for _, f := range findings {
		if (f.Do == "") != (f.Outcome == doctor.Fine) {
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
			code, got := runDoctor(t, "--domain", server.URL, "--address", "unix:"+filepath.Join(t.TempDir(), "none"))
			wantLines(t, got, row.want, "ok settings", "warning issuer .*: no audience",
				"failed service unix:.*: dial unix .*: connect: no such file or directory")
			if code != exitFailed {
				t.Errorf("exit code %d", code)
			}
		})
	}
	code, got := runDoctor(t, "--domain", "http://no-such-host.invalid", "--audience", "a", "--address", "127.0.0.1:1")
	wantLines(t, got, "failed issuer .*: its name does not resolve", "ok issuer .*: an audience is configured",
		"failed issuer .*: its keys cannot be fetched",
		"failed service 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused")
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}

func TestDoctorRefusesSettingsThatServeRefuses(t *testing.T) {
	var out, faults bytes.Buffer
	if code := run([]string{"doctor", "--domain", "nonsense"}, nil, &out, &faults); code != exitUsage ||
		!strings.Contains(faults.String(), "KINDE_DOMAIN") {
		t.Errorf("exit code %d: %s", code, faults.String())
	}
}
