package probe

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestReachable(t *testing.T) {
	for address, want := range map[string]string{
		":9192":                "127.0.0.1:9192",
		"0.0.0.0:9192":         "127.0.0.1:9192",
		"[::]:9192":            "127.0.0.1:9192",
		"[::1]:9192":           "[::1]:9192",
		"10.0.0.1:9192":        "10.0.0.1:9192",
		"authz.internal:9192":  "authz.internal:9192",
		"unix:/run/admin.sock": "unix:/run/admin.sock",
		"9192":                 "9192",
	} {
		if got := Reachable(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

// answering serves one answer to GET /readyz at a Unix socket.
func answering(t *testing.T, status int, body string) (address string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.Path != "/readyz" {
				t.Errorf("%s %s, want GET /readyz", r.Method, r.URL)
			}
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})}}
	server.Start()
	t.Cleanup(server.Close)
	return "unix:" + path
}

func TestReadyTellsTheAnswer(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // not asked
	for name, test := range map[string]struct {
		status     int
		body, want string
		ready      bool
	}{
		"ready":      {200, "https://a.kinde.com: ok\n", "200 OK: https://a.kinde.com: ok", true},
		"draining":   {503, "draining\nhttps://a: ok\n", "503 Service Unavailable: draining; https://a: ok", false},
		"no body":    {200, "", "200 OK", true},
		"redirect":   {302, "", "302 Found", false},
		"no content": {204, "", "204 No Content", false},
		"a page":     {404, "404 page not found\r\n", "404 Not Found: 404 page not found", false},
		"too long":   {200, strings.Repeat("a", 2*answerBytes), "200 OK: " + strings.Repeat("a", answerBytes), true},
	} {
		t.Run(name, func(t *testing.T) {
			ready, answer, err := Ready(t.Context(), answering(t, test.status, test.body))
			if err != nil || ready != test.ready || answer != test.want {
				t.Errorf("got %t, %q, %v, want %t, %q", ready, answer, err, test.ready, test.want)
			}
		})
	}
}

func TestReadySaysWhyThereIsNoAnswer(t *testing.T) {
	for address, want := range map[string]string{
		"9192":          `"9192": want host:port or unix:/path`,
		"127.0.0.1:1":   "dial tcp 127.0.0.1:1: connect: connection refused",
		"unix:/nowhere": "dial unix /nowhere: connect: no such file or directory",
	} {
		ready, answer, err := Ready(t.Context(), address)
		if ready || answer != "" || err == nil || err.Error() != want {
			t.Errorf("%s: got %t, %q, %v, want %s", address, ready, answer, err, want)
		}
	}
}

// A service that takes the connection and says nothing is waited for no longer than
// the caller wants.
func TestReadyEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel() // the patience, once it has been asked
		<-r.Context().Done()
	}))
	defer server.Close()
	ready, _, err := Ready(ctx, server.Listener.Addr().String())
	if ready || !errors.Is(err, context.Canceled) {
		t.Errorf("got %t, %v", ready, err)
	}
}
