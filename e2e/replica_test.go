package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// try is what envoy.yaml gives one try (max_interval).
const try = 800 * time.Millisecond

// replica is an address that passes bytes on to kinde-authz until it is silent:
// then it takes connections and answers nothing.
type replica struct {
	listener net.Listener
	target   atomic.Pointer[string] // nil: connections are closed
	silent   atomic.Bool
}

func newReplica(t *testing.T) *replica {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{listener: listener}
	var connections sync.WaitGroup
	t.Cleanup(connections.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { r.serve(conn) })
		}
	})
	return r
}

// serve passes on both directions until either side closes.
func (r *replica) serve(from net.Conn) {
	defer from.Close()
	target := r.target.Load()
	if target == nil {
		return
	}
	to, err := net.Dial("tcp", *target)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(whileNotSilent{r, from}, to)
		_ = from.Close()
	}()
	_, _ = io.Copy(whileNotSilent{r, to}, from)
	_ = to.Close()
}

// whileNotSilent writes what comes, and drops it once the replica is silent.
type whileNotSilent struct {
	replica *replica
	io.Writer
}

func (w whileNotSilent) Write(p []byte) (int, error) {
	if w.replica.silent.Load() {
		return len(p), nil
	}
	return w.Writer.Write(p)
}

// envoyStat is the value of a counter or gauge of Envoy's.
func envoyStat(t *testing.T, s *stack.Stack, name string) (n int) {
	t.Helper()
	response, err := http.Get(s.EnvoyAdmin + "/stats?filter=^" + name + "$")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(string(text), ": ")
	if _, err := fmt.Sscan(value, &n); err != nil {
		t.Fatalf("Envoy's %s: %q: %v", name, text, err)
	}
	return n
}

// beside returns an envoy.yaml with the replica beside kinde-authz.
func beside(t *testing.T, r *replica) string {
	const endpoint = "{endpoint: {address: {socket_address: {address: %s, port_value: %s}}}}"
	host, port, _ := net.SplitHostPort(r.listener.Addr().String())
	own := fmt.Sprintf(endpoint, "kinde-authz", "9191")
	return edited(t, edit{own, own + ", " + fmt.Sprintf(endpoint, host, port)})
}

// Attack V11: a replica that takes connections and answers nothing costs a request
// one try, and is left alone soon.
func TestSilentReplicaCostsOneTry(t *testing.T) {
	r := newReplica(t)
	s := own(t, func(c *stack.Config) { c.EnvoyConfig = beside(t, r) })
	token := s.Issuer.Token(s.Issuer.UserClaims())
	healthy := func() int { return envoyStat(t, s, "cluster.kinde_authz.membership_healthy") }
	r.target.Store(&s.AuthzGRPC)
	eventually(t, "both replicas are healthy", func() bool { return healthy() == 2 })

	r.silent.Store(true)
	start := time.Now()
	var requests sync.WaitGroup
	for range 100 {
		requests.Go(func() {
			start := time.Now()
			got := send(t, protocols["HTTP/2"], s.URL, token)
			if took := time.Since(start); got.status != 200 || took > 2*try {
				t.Errorf("status %d %s after %s, want 200 within two tries", got.status, got.Reason, took)
			}
		})
	}
	requests.Wait()
	if n := envoyStat(t, s, "cluster.kinde_authz.upstream_rq_per_try_timeout"); n == 0 {
		t.Error("no request met the silent replica")
	}
	eventually(t, "the silent replica gets no more requests", func() bool { return healthy() == 1 })
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it got requests for %s, want 5s at most", took)
	}
}
