package e2e

import (
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// request asks the admin port.
func (i *instance) request(t *testing.T, method, path string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://admin"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := i.web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// says wants the page to say something, without its markup.
func (i *instance) says(t *testing.T, wants ...string) {
	t.Helper()
	_, page := i.request(t, http.MethodGet, "/")
	_, page, _ = strings.Cut(page, "</head>")
	text := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")), " ")
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q: %s", want, text)
		}
	}
}

func TestStatusPageIsAtOnePathAndReadOnly(t *testing.T) {
	var log process.Log
	i := start(t, &log)
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/", 200}, {http.MethodHead, "/", 200}, {http.MethodGet, "/?a=b", 200},
		{http.MethodPost, "/", 405}, {http.MethodPut, "/", 405}, {http.MethodDelete, "/", 405},
		{http.MethodOptions, "/", 405},
		{http.MethodGet, "/index.html", 404}, {http.MethodGet, "/favicon.ico", 404}, {http.MethodGet, "/status", 404},
		{http.MethodGet, "/readyz/", 404}, {http.MethodGet, "/status.css", 404},
		{http.MethodGet, "//", 404}, {http.MethodGet, "//jwks", 404}, {http.MethodGet, "/%72eadyz", 404},
		{http.MethodGet, "/./readyz", 404},
	} {
		response, body := i.request(t, test.method, test.path)
		if response.StatusCode != test.status {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, response.StatusCode, test.status)
		}
		if test.method == http.MethodHead && body != "" {
			t.Errorf("HEAD has a body: %q", body)
		}
		if test.status != 200 {
			continue
		}
		policy := response.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s %s: Content-Security-Policy: %s", test.method, test.path, policy)
		}
		for name, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s %s: %s: %q, want %q", test.method, test.path, name, got, want)
			}
		}
	}
}

// Attack W9: what a client or a broken file says is to end up on the status page.
func TestStatusPageTellsNoSecretAndNoMarkup(t *testing.T) {
	config := filepath.Join(t.TempDir(), "authz.yaml")
	write(t, config, "routes: [{path: /a}]\n")
	var log process.Log
	i := start(t, &log, "--config", config)
	i.says(t, "Serving All issuers have usable keys.", "None yet.", "other paths: denied", "none since the start")
	token := i.issuer.Token(i.issuer.UserClaims())
	for path, bearer := range map[string]string{"/a": token, "/<b>": token} {
		if _, err := i.reason(t, path, bearer); err != nil {
			t.Fatal(err)
		}
	}
	write(t, config, "routes: [{path: /a}]\n<script>"+token+": 1\n")
	eventually(t, "the broken file is read", func() bool {
		return i.metric(t, `kinde_authz_config_reloads_total{result="error"}`) == 1
	})
	i.says(t, "failed", "The previous ones are in use.", "allowed allow 1", "no_route deny 1")
	_, page := i.request(t, http.MethodGet, "/")
	for _, secret := range []string{"<script", token, token[:30], kindetest.UserID, "/&lt;b&gt;"} {
		if strings.Contains(page, secret) {
			t.Errorf("it says %q", secret)
		}
	}
	write(t, config, "routes: [{path: /a}, {path: /b}]\n")
	eventually(t, "the good file is read", func() bool {
		return i.metric(t, `kinde_authz_config_reloads_total{result="ok"}`) == 1
	})
	i.says(t, "Last reload well", "Routes 2")
}

func TestStatusPageSaysWhyItDoesNotServe(t *testing.T) {
	var log process.Log
	i := launch(t, &log, "--domain=http://127.0.0.1:1", "--drain-delay=1h")
	eventually(t, "it answers", func() bool { _, _, err := i.ask("/healthz"); return err == nil })
	eventually(t, "the keys could not be fetched", func() bool {
		text, _, _ := i.ask("/")
		return strings.Contains(text, "connection refused")
	})
	i.says(t, "Not serving No issuer has usable keys", "0, not usable")
	i.signal(t, syscall.SIGTERM)
	eventually(t, "it drains", func() bool {
		text, _, _ := i.ask("/")
		return strings.Contains(text, "Draining")
	})
}
