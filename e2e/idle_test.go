package e2e

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

const (
	idleConnections = 1000
	// soon is when Envoy must have closed what sends nothing: 5s by envoy.yaml,
	// and more on a slow machine.
	soon = 15 * time.Second
)

// allowFiles lets the programs that the test starts have as many open files as
// the machine allows: each connection takes one.
func allowFiles(t *testing.T) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max < 4*idleConnections {
		t.Fatalf("%d open files are allowed: this test needs %d (ulimit -Hn)", limit.Max, 4*idleConnections)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

// connect opens connections and sends nothing. The function that it returns
// waits, and tells how many are still open after a time.
func connect(t *testing.T, s *stack.Stack, n int, wait time.Duration) (open func() int) {
	t.Helper()
	var reads sync.WaitGroup
	var left atomic.Int64
	for range n {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		reads.Go(func() {
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				left.Add(1)
			}
		})
	}
	return func() int {
		reads.Wait()
		return int(left.Load())
	}
}

// passes reports whether a request on a connection of its own gets 200 within a
// second.
func passes(t *testing.T, s *stack.Stack, token string) bool {
	t.Helper()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Attack V12: a thousand connections that send nothing.
func TestIdleConnectionsLockNobodyOut(t *testing.T) {
	allowFiles(t)
	s := own(t, nil)
	if strings.Contains(s.EnvoyLog.String(), "[warning]") {
		t.Errorf("Envoy warns at start: %s", s.EnvoyLog.String())
	}
	token := s.Issuer.Token(s.Issuer.UserClaims())
	open := connect(t, s, idleConnections, soon)
	if !passes(t, s, token) {
		t.Error("a good request gets no 200")
	}
	if n := open(); n > 0 {
		t.Errorf("%d idle connections are still open after %s", n, soon)
	}
}

// Attack V12: where the limit is reached, who was locked out gets in as soon as the
// idle connections are closed.
func TestIdleConnectionsAtTheLimitEnd(t *testing.T) {
	allowFiles(t)
	s := own(t, func(c *stack.Config) {
		c.EnvoyConfig = edited(t, edit{"max_active_downstream_connections: 10000", "max_active_downstream_connections: 200"})
	})
	token := s.Issuer.Token(s.Issuer.UserClaims())
	start := time.Now()
	connect(t, s, idleConnections, soon)
	if passes(t, s, token) {
		t.Fatal("a request passes over the limit")
	}
	if _, err := http.Get(s.EnvoyAdmin + "/ready"); err != nil {
		t.Errorf("the admin port is locked too: %v", err)
	}
	eventually(t, "a good request passes", func() bool { return passes(t, s, token) })
	if took := time.Since(start); took > soon {
		t.Errorf("it took %s, want %s at most", took, soon)
	}
}
