package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// healthOf asks kinde-authz by gRPC, as Envoy does.
func healthOf(t *testing.T, s *stack.Stack, service string) healthv1.HealthCheckResponse_ServingStatus {
	t.Helper()
	conn, err := grpc.NewClient(s.AuthzGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	response, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return response.GetStatus()
}

// statusOf asks the admin port.
func statusOf(t *testing.T, s *stack.Stack, path string) int {
	t.Helper()
	response, err := http.Get(s.AuthzAdmin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

var services = []string{"", "envoy.service.auth.v3.Authorization"}

// Attack S1: the issuer fails from the start.
func TestIssuerDownAtTheStart(t *testing.T) {
	for _, outage := range []kindetest.Outage{kindetest.Down, kindetest.Empty, kindetest.Garbage} {
		t.Run(string(outage), func(t *testing.T) {
			s := own(t, func(c *stack.Config) { c.Outage = outage })
			token := s.Issuer.Token(s.Issuer.UserClaims())
			for _, service := range services {
				if got := healthOf(t, s, service); got != healthv1.HealthCheckResponse_NOT_SERVING {
					t.Errorf("health of %q: %s", service, got)
				}
			}
			if statusOf(t, s, "/healthz") != 200 || statusOf(t, s, "/readyz") != 503 {
				t.Error("want a process that lives and is not ready")
			}
			got := send(t, protocols["HTTP/1.1"], s.URL, token)
			assertDenied(t, got, 503, "keys_unavailable")
			if got.Error != "temporarily_unavailable" || got.header.Get("Retry-After") == "" {
				t.Errorf("error %q, Retry-After %q", got.Error, got.header.Get("Retry-After"))
			}
			if err := s.Issuer.Fail(""); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it serves", func() bool { return healthOf(t, s, "") == healthv1.HealthCheckResponse_SERVING })
			eventually(t, "a request passes", func() bool { return send(t, protocols["HTTP/1.1"], s.URL, token).status == 200 })
			if statusOf(t, s, "/readyz") != 200 {
				t.Error("not ready")
			}
		})
	}
}

// Attack S2: the issuer fails once its keys are there.
func TestIssuerDownLater(t *testing.T) {
	s := own(t, nil)
	token := s.Issuer.Token(s.Issuer.UserClaims())
	if err := s.Issuer.Fail(kindetest.Down); err != nil {
		t.Fatal(err)
	}
	unknown, _ := s.Issuer.Broken("unknown-key")
	assertDenied(t, send(t, protocols["HTTP/1.1"], s.URL, unknown), 503, "keys_unavailable")
	if got := send(t, protocols["HTTP/1.1"], s.URL, token); got.status != 200 {
		t.Errorf("status %d %s", got.status, got.Reason)
	}
	if got := healthOf(t, s, ""); got != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health: %s", got)
	}
}

// Attack S13: the issuer changes over to a new key.
func TestRotationIsPickedUpAtOnce(t *testing.T) {
	s := own(t, nil)
	old := s.Issuer.Token(s.Issuer.UserClaims())
	s.Issuer.Rotate()
	for name, token := range map[string]string{"new key": s.Issuer.Token(s.Issuer.UserClaims()), "old key": old} {
		if got := send(t, protocols["HTTP/1.1"], s.URL, token); got.status != 200 {
			t.Errorf("%s: status %d %s", name, got.status, got.Reason)
		}
	}
	if n := s.Issuer.Fetches(); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
}

// slow starts an issuer that answers each request after a time, as one that is
// far away.
func slow(t *testing.T, delay time.Duration) *kindetest.Issuer {
	t.Helper()
	issuer := kindetest.New("")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(delay):
			issuer.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	issuer.URL = server.URL
	return issuer
}

func TestRotationOfAnIssuerFarAwayFailsNobody(t *testing.T) {
	for _, delay := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			issuer := slow(t, delay)
			s := own(t, func(c *stack.Config) { c.AuthzEnv = []string{"KINDE_DOMAIN=" + issuer.URL} })
			issuer.Rotate()
			var users sync.WaitGroup
			for n := range 20 {
				token := issuer.Token(issuer.UserClaims().With("sub", fmt.Sprintf("kp_%d", n)))
				users.Go(func() {
					if got := send(t, protocols["HTTP/1.1"], s.URL, token); got.status != 200 {
						t.Errorf("user %d: status %d %s, want 200", n, got.status, got.Reason)
					}
				})
			}
			users.Wait()
		})
	}
}

// Attack S3: the answer while an issuer hangs is the service's, which says when to
// try again, and not Envoy's.
func TestHangingIssuerIsToldAsSuch(t *testing.T) {
	s := own(t, nil)
	if err := s.Issuer.Fail(kindetest.Hang); err != nil {
		t.Fatal(err)
	}
	unknown, err := s.Issuer.Broken("unknown-key")
	if err != nil {
		t.Fatal(err)
	}
	got := send(t, protocols["HTTP/1.1"], s.URL, unknown)
	assertDenied(t, got, 503, "keys_unavailable")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
