package e2e

import (
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// Attack X4: unsafe settings are refused, not guessed at.
func TestRefusedSettingsEndTheProcess(t *testing.T) {
	for name, test := range map[string]struct {
		env  []string
		says string
	}{
		"no domain":      {nil, "KINDE_DOMAIN"},
		"http":           {[]string{"KINDE_DOMAIN=http://a.example.com"}, "KINDE_AUTHZ_INSECURE_HTTP"},
		"empty audience": {[]string{"KINDE_DOMAIN=https://a.example.com", "KINDE_AUDIENCE="}, "KINDE_AUDIENCE"},
		"empty orgs":     {[]string{"KINDE_DOMAIN=https://a.example.com", "KINDE_ALLOWED_ORGS= , "}, "KINDE_ALLOWED_ORGS"},
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), programs.Authz)
			command.Env = append([]string{}, test.env...) // none is not the test's own
			start := time.Now()
			if code, _, stderr := output(t, command); code != 2 || !strings.Contains(stderr, test.says) {
				t.Errorf("exit code %d and %q, want 2 and a word about %s", code, stderr, test.says)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// Attack V10: kinde-authz ends, and Envoy fails closed.
func TestDrainServesUntilItIsOver(t *testing.T) {
	s := own(t, func(c *stack.Config) { c.AuthzEnv = []string{"KINDE_AUTHZ_DRAIN_DELAY=3s"} })
	token := s.Issuer.Token(s.Issuer.UserClaims())
	if err := s.Authz.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it reports itself unready", func() bool {
		return healthOf(t, s, "") == healthv1.HealthCheckResponse_NOT_SERVING
	})
	if statusOf(t, s, "/readyz") != 503 {
		t.Error("/readyz is not 503")
	}
	if got := send(t, protocols["HTTP/1.1"], s.URL, token); got.status != 200 {
		t.Errorf("while it drains: status %d %s", got.status, got.Reason)
	}
	ends(t, s.Authz, 0, 20*time.Second)
	if got := send(t, protocols["HTTP/1.1"], s.URL, token); got.status != 503 {
		t.Errorf("afterwards: status %d, want 503, since Envoy fails closed", got.status)
	}
}

func TestSecondSignalEndsItAtOnce(t *testing.T) {
	s := own(t, func(c *stack.Config) { c.AuthzEnv = []string{"KINDE_AUTHZ_DRAIN_DELAY=1h"} })
	if err := s.Authz.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it drains", func() bool { return healthOf(t, s, "") == healthv1.HealthCheckResponse_NOT_SERVING })
	if err := s.Authz.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ends(t, s.Authz, 1, 20*time.Second)
}

// Attack T12: a connection that says nothing is closed when its handshake is overdue.
func TestASilentConnectionHoldsUpTheEndForSecondsAlone(t *testing.T) {
	s := own(t, nil)
	conn, err := net.Dial("tcp", s.AuthzGRPC)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := s.Authz.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ends(t, s.Authz, 0, 40*time.Second)
	if strings.Contains(s.AuthzLog.String(), "calls were still in flight") {
		t.Error(s.Authz.LastLines())
	}
}
