package kinde_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// firstRefresh returns how the first fetch from an issuer at that URL ends.
func firstRefresh(t *testing.T, domain string, config kinde.Config) (kinde.Refresh, *kinde.Verifier) {
	t.Helper()
	fetched := make(chan kinde.Refresh, 100)
	if config.Issuers == nil {
		config.Issuers = []kinde.Issuer{{Domain: domain}}
	}
	config.InsecureHTTP = true
	config.Observer.Refreshed = func(r kinde.Refresh) { fetched <- r }
	v, err := kinde.NewVerifier(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); v.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return <-fetched, v
}

func TestAttackDiscoveryStaysAtTheIssuer(t *testing.T) {
	issuer := kindetest.New("")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("somebody asked elsewhere for %s", r.URL)
	}))
	defer elsewhere.Close()
	for name, test := range map[string]struct {
		document string // HOST stands for the issuer's host; empty is a 404
		error    string
	}{
		"S6 another path of the issuer":       {`{"jwks_uri":"http://HOST/elsewhere/keys"}`, ""},
		"S7 no discovery document":            {"", ""},
		"S7 a document that is not JSON":      {"<html>", ""},
		"S7 a document that is not UTF-8":     {"{\"jwks_uri\":\"\xff\"}", ""},
		"S7 a document without jwks_uri":      {`{"issuer":"http://HOST"}`, ""},
		"S7 a document with two jwks_uri":     {`{"jwks_uri":"http://HOST/a","jwks_uri":"http://HOST/b"}`, ""},
		"S6 another host":                     {`{"jwks_uri":"` + elsewhere.URL + `/keys"}`, "refused"},
		"S6 another port":                     {`{"jwks_uri":"http://HOST1/keys"}`, "refused"},
		"S6 another scheme":                   {`{"jwks_uri":"https://HOST/keys"}`, "refused"},
		"S6 a user in the URL":                {`{"jwks_uri":"http://user@HOST/keys"}`, "refused"},
		"S6 a file":                           {`{"jwks_uri":"file:///etc/passwd"}`, "refused"},
		"S6 a path alone":                     {`{"jwks_uri":"/keys"}`, "refused"},
		"S6 a number":                         {`{"jwks_uri":1}`, "refused"},
		"S6 a host that cannot be parsed":     {`{"jwks_uri":"http://[::1"}`, "refused"},
		"S6 a host that only begins the same": {`{"jwks_uri":"http://HOST.evil.com/keys"}`, "refused"},
		"S6 the issuer's host as a user name": {`{"jwks_uri":"http://HOST@evil.com/keys"}`, "refused"},
		"S6 a cloud's metadata service":       {`{"jwks_uri":"http://169.254.169.254/keys"}`, "refused"},
		"S6 the scheme in capitals":           {`{"jwks_uri":"HTTP://HOST/elsewhere/keys"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					t.Error("a request for keys brings credentials")
				}
				switch r.URL.Path {
				case "/.well-known/openid-configuration":
					if test.document == "" {
						http.NotFound(w, r)
						return
					}
					fmt.Fprint(w, strings.ReplaceAll(test.document, "HOST", r.Host))
				case "/.well-known/jwks", "/elsewhere/keys":
					if strings.HasPrefix(r.URL.Path, "/elsewhere") != strings.Contains(test.document, "elsewhere/keys") {
						t.Errorf("asked for %s", r.URL.Path)
					}
					fmt.Fprint(w, issuer.JWKS())
				}
			}))
			defer server.Close()
			got, _ := firstRefresh(t, server.URL, kinde.Config{})
			if test.error == "" && (got.Err != nil || got.Keys != 1) {
				t.Errorf("got %+v", got)
			}
			if test.error != "" && (got.Err == nil || !strings.Contains(got.Err.Error(), test.error)) {
				t.Errorf("got %v, want a word about %s", got.Err, test.error)
			}
		})
	}
}

func TestAttackBadAnswersOfTheIssuerAreRefused(t *testing.T) {
	keys := kindetest.New("").JWKS()
	for name, answer := range map[string]http.HandlerFunc{
		"S5 a redirect to another path": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/good", http.StatusFound)
		},
		"S5 a permanent redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/good", http.StatusPermanentRedirect)
		},
		"S8 keys with status 500": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, keys)
		},
		"S8 status 304 that nobody asked for": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotModified)
		},
		"S9 a gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			spaces := strings.Repeat(" ", 1<<20)
			for range 20 {
				fmt.Fprint(z, spaces)
			}
			fmt.Fprint(z, keys)
			z.Close()
		},
		"S9 a body of more than 256 KiB": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Repeat(" ", 256<<10), keys)
		},
		"S3 a body that does not end": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"S3 no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"S9 a header of 100 KiB": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 100<<10))
			fmt.Fprint(w, keys)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/.well-known/jwks":
					answer(w, r)
				case "/good":
					t.Error("a redirect was followed")
				default:
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			got, v := firstRefresh(t, server.URL, kinde.Config{Timeout: 300 * time.Millisecond})
			if got.Result != kinde.RefreshError || got.Err == nil || got.Keys != 0 || v.Ready() {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("S10 keys with another content type", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, keys)
		}))
		defer server.Close()
		if got, _ := firstRefresh(t, server.URL, kinde.Config{}); got.Err != nil {
			t.Errorf("got %+v", got)
		}
	})
}

func TestAttackOddKeyFilesAreRefused(t *testing.T) {
	issuer := kindetest.New(tenant)
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path string
		keys int
	}{
		"S11 a good file":       {write("good.json", issuer.JWKS()), 1},
		"S11 no file":           {filepath.Join(dir, "none.json"), 0},
		"S11 a pipe":            {pipe, 0},
		"S11 broken JSON":       {write("broken.json", "{"), 0},
		"S11 more than 256 KiB": {write("large.json", issuer.JWKS()+strings.Repeat(" ", 256<<10)), 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, v := firstRefresh(t, tenant, kinde.Config{Issuers: []kinde.Issuer{{Domain: tenant, JWKSFile: test.path}}})
			if got.Keys != test.keys || (got.Err == nil) != (test.keys == 1) {
				t.Errorf("got %+v", got)
			}
			if _, err := v.Verify(t.Context(), issuer.Sign(issuer.UserClaims())); (err == nil) != (test.keys == 1) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Attack S4: a thousand fetches from an issuer that is down.
func TestFailingRefreshesLeaveNoConnection(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	issuer := kindetest.NewServer()
	defer issuer.Close()
	if err := issuer.Fail(kindetest.Down); err != nil {
		t.Fatal(err)
	}
	enough := make(chan struct{})
	n := 0
	v, err := kinde.NewVerifier(kinde.Config{
		Issuers: []kinde.Issuer{{Domain: issuer.Issuer.URL}}, InsecureHTTP: true, Refresh: time.Microsecond,
		Observer: kinde.Observer{Refreshed: func(kinde.Refresh) {
			if n++; n == 1000 {
				close(enough)
			}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); v.Run(ctx) }()
	<-enough
	cancel()
	<-ended
}

func TestAttackUnsafeConfigurationsAreRefused(t *testing.T) {
	issuers := []kinde.Issuer{{Domain: tenant}}
	for name, test := range map[string]struct {
		config kinde.Config
		says   string
	}{
		"I7 no issuer": {kinde.Config{}, "issuers: want at least one issuer"},
		"I7 an issuer without a domain": {
			kinde.Config{Issuers: []kinde.Issuer{{}}},
			"issuers.0.domain: \"\" is not an issuer",
		},
		"I7 an issuer by http": {kinde.Config{Issuers: []kinde.Issuer{{Domain: "http://t.kinde.com"}}}, "not https"},
		"I7 an issuer twice": {
			kinde.Config{Issuers: []kinde.Issuer{{Domain: tenant}, {Domain: tenant + "/"}}},
			"issuers.1.domain: the issuer",
		},
		"J9 an empty list of audiences": {
			kinde.Config{Issuers: []kinde.Issuer{{Domain: tenant, Audience: []string{}}}},
			"issuers.0.audience: it is set but empty",
		},
		"J9 an empty audience": {
			kinde.Config{Issuers: []kinde.Issuer{{Domain: tenant, Audience: []string{"a", ""}}}},
			"issuers.0.audience: it is set but empty",
		},
		"H16 a negative leeway":       {kinde.Config{Issuers: issuers, Leeway: -1}, "leeway: "},
		"H16 a leeway over 5 minutes": {kinde.Config{Issuers: issuers, Leeway: 5*time.Minute + 1}, "leeway: "},
		"S12 a negative refresh":      {kinde.Config{Issuers: issuers, Refresh: -1}, "jwks.refresh: "},
		"S12 a negative timeout":      {kinde.Config{Issuers: issuers, Timeout: -1}, "jwks.timeout: "},
		"S12 keys that are stale before they are refreshed": {
			kinde.Config{Issuers: issuers, Refresh: time.Hour, MaxStale: time.Hour},
			"jwks.max_stale: ",
		},
		"S12 a negative max_stale": {kinde.Config{Issuers: issuers, MaxStale: -1}, "jwks.max_stale: "},
		"S12 keys that are stale before the default refresh": {
			kinde.Config{Issuers: issuers, MaxStale: time.Minute},
			"jwks.max_stale: ",
		},
		"S12 a refresh after the default max_stale": {
			kinde.Config{Issuers: issuers, Refresh: 25 * time.Hour},
			"jwks.max_stale: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := kinde.NewVerifier(test.config); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want a word about %s", err, test.says)
			}
		})
	}
}

// domainOf returns the domain of an issuer as a verifier knows it.
func domainOf(domain string, insecureHTTP bool) (string, error) {
	v, err := kinde.NewVerifier(kinde.Config{Issuers: []kinde.Issuer{{Domain: domain}}, InsecureHTTP: insecureHTTP})
	if err != nil {
		return "", err
	}
	return v.Status()[0].Issuer, nil
}

// Attack I7: what is not the scheme and the host of an issuer is refused.
func TestDomains(t *testing.T) {
	for domain, want := range map[string]string{
		"https://t.kinde.com":               "https://t.kinde.com",
		"https://t.kinde.com/":              "https://t.kinde.com",
		"https://t.kinde.com//":             "https://t.kinde.com",
		"https://account.customer.com:8443": "https://account.customer.com:8443",
		"http://localhost:9100":             "http://localhost:9100",
		"https://[::1]":                     "https://[::1]",
		"https://[::1]:443":                 "https://[::1]:443",
	} {
		if got, err := domainOf(domain, true); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", domain, got, err, want)
		}
	}
	for _, domain := range []string{
		"", "t.kinde.com", "//t.kinde.com", "https://", "https://:443", "ftp://t.kinde.com", "https:t.kinde.com",
		"https://t.kinde.com/x", "https://t.kinde.com?x", "https://t.kinde.com#x", "https://t.kinde.com/?",
		"https://u@t.kinde.com", "https://T.kinde.com", "HTTPS://t.kinde.com", " https://t.kinde.com",
		"https://t.kinde.com ", "https://t kinde.com", "https://[::1", "https://t.kinde.com:", "https://t.kinde.com:0",
		"https://t.kinde.com:65536", "https://t.kinde.com:99999", "https://t.kinde.com:x", "https://t.kinde.com.",
		"https://t..kinde.com", "https://*.kinde.com",
	} {
		if got, err := domainOf(domain, true); err == nil {
			t.Errorf("%q: got %q, want an error", domain, got)
		}
	}
	if _, err := domainOf("http://localhost:9100", false); err == nil {
		t.Error("http:// passes without the switch")
	}
}
