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
			wantLines(t, got, row.want, "ok settings", "warning issuer .*: no audience", "failed service unix:.*: it does not answer")
			if code != exitFailed {
				t.Errorf("exit code %d", code)
			}
		})
	}
	code, got := doctor(t, "--domain", "http://no-such-host.invalid", "--audience", "a", "--address", "127.0.0.1:1")
	wantLines(t, got, "failed issuer .*: its name does not resolve", "ok issuer .*: an audience is configured", "failed issuer .*: its keys cannot be fetched", "failed service 127.0.0.1:1: it does not answer")
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

// envoyWith is a configuration as the admin port shows it.
func envoyWith(filter, manager string) string {
	return `{"configs":[{"@type":"type.googleapis.com/envoy.admin.v3.ListenersConfigDump","dynamic_listeners":[{"typed_config":
		{"@type":"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager","stat_prefix":"in",` + manager + `
		"http_filters":[{"typed_config":` + filter + `}]}}]}]}`
}

func TestDoctorFindsAFaultyEnvoy(t *testing.T) {
	const kind = `"@type":"type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",`
	const good = `{` + kind + `"grpc_service":{},"status_on_error":{"code":503}}`
	const strip = `"early_header_mutation_extensions":[{"typed_config":{"mutations":[{"remove_on_match":{"key_matcher":{"prefix":"x-kinde-"}}}]}}],`
	for name, row := range map[string]struct {
		dump string
		code int
		want []string
	}{
		"fails open":       {envoyWith(`{`+kind+`"grpc_service":{},"failure_mode_allow":true}`, strip), exitFailed, []string{"failed .*failure_mode_allow is true", "warning .*status_on_error is not set"}},
		"not stripped":     {envoyWith(good, ``), exitFailed, []string{"failed .*are not stripped", "warning .*x_kinde_user_id", "warning .*paths are not normalised", "ok .*it fails closed"}},
		"something else":   {envoyWith(good, strings.Replace(strip, "x-kinde-", "x-other-", 1)), exitFailed, []string{"failed .*are not stripped"}},
		"blind":            {envoyWith(`{`+kind+`"grpc_service":{},"allowed_headers":{"patterns":[{"exact":"x"}]}}`, strip), exitFailed, []string{"failed .*allowed_headers lacks authorization", "warning .*allowed_headers lacks x-kinde-"}},
		"over HTTP":        {envoyWith(`{`+kind+`"http_service":{}}`, strip), exitFailed, []string{`warning envoy listener "in": has no ext_authz`, "failed .*no listener asks"}},
		"none":             {`{"configs":[]}`, exitFailed, []string{"failed .*no listener asks"}},
		"switched off":     {envoyWith(good, strip+`"route_config":{"x":{"@type":"a/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute","disabled":true}},`), exitFine, []string{"warning .*switches ext_authz off", "ok .*1 listeners ask"}},
		"clears its cache": {envoyWith(`{`+kind+`"grpc_service":{},"clear_route_cache":true}`, strip), exitFine, []string{"warning .*clear_route_cache is true"}},
		"no JSON":          {`<html>`, exitFailed, []string{"failed .*is not JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, row.dump) }))
			defer admin.Close()
			r := &report{}
			checkEnvoy(t.Context(), r, admin.URL)
			lines, code := "", exitFine
			for _, f := range r.findings {
				lines += fmt.Sprintf("%s %s: %s\n", f.Outcome, f.Check, f.Text)
				if f.Outcome == failed {
					code = exitFailed
				}
			}
			wantLines(t, lines, row.want...)
			if code != row.code {
				t.Errorf("got %d, want %d\n%s", code, row.code, lines)
			}
		})
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
