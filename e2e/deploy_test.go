package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// deployed starts a stack with a file of deploy/envoy, in which the stack's parties
// take the place of those that the file names.
func deployed(t *testing.T, name string, change func(*stack.Config), edits ...edit) *stack.Stack {
	t.Helper()
	edits = append(edits, edit{"{address: 127.0.0.1, port_value: 9191}", "{address: kinde-authz, port_value: 9191}"})
	return own(t, func(c *stack.Config) {
		c.EnvoyConfig = editedFile(t, "deploy/envoy/"+name, edits...)
		if change != nil {
			change(c)
		}
	})
}

// toAgent has the one agent of a file be the stack's.
var toAgent = edit{"{address: 127.0.0.1, port_value: 8000}", "{address: agent, port_value: 8000}"}

// servedTLS is a folder with the certificate of a listener, as certificate.yaml names
// it, and the edits that lead to it.
type servedTLS struct{ dir string }

func newServedTLS(t *testing.T) *servedTLS {
	t.Helper()
	s := &servedTLS{t.TempDir()}
	if err := os.Mkdir(filepath.Join(s.dir, "tls"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *servedTLS) edits(t *testing.T) []edit {
	t.Helper()
	secret := editedFile(t, "deploy/envoy/certificate.yaml",
		edit{"/etc/envoy/tls/tls.crt", s.path("tls.crt")}, edit{"/etc/envoy/tls/tls.key", s.path("tls.key")},
		edit{"{path: /etc/envoy/tls}", "{path: " + s.path("") + "}"})
	return []edit{
		{"{address: 0.0.0.0, port_value: 443}", "{address: 0.0.0.0, port_value: 8080}"},
		{"/etc/envoy/certificate.yaml", secret},
	}
}

func (s *servedTLS) path(name string) string { return filepath.Join(s.dir, "tls", name) }

// install moves a certificate into the folder, as certificate.yaml tells.
func (s *servedTLS) install(t *testing.T, c e2etest.Certificate) {
	t.Helper()
	for _, file := range []struct{ name, content string }{{"tls.key", c.Key}, {"tls.crt", c.Cert}} {
		write(t, filepath.Join(s.dir, file.name), file.content)
		if err := os.Rename(filepath.Join(s.dir, file.name), s.path(file.name)); err != nil {
			t.Fatal(err)
		}
	}
}

// trusting is a client that trusts one certificate.
func trusting(c e2etest.Certificate, protocols ...string) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(c.Cert))
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, NextProtos: protocols, MinVersion: tls.VersionTLS12},
		Protocols:       allProtocols(), DisableKeepAlives: true,
	}}
}

func allProtocols() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return protocols
}

// assertGuarded wants a listener to let a token pass, deny who has none, and keep
// forged identity from the agent.
func assertGuarded(t *testing.T, client *http.Client, url string, issuer *kindetest.Issuer, claims kindetest.Claims) {
	t.Helper()
	got := send(t, client, url, issuer.Token(claims), "x-kinde-user-id: kp_admin", "x-kinde-superuser: yes",
		"X.Kinde.User.Id: kp_admin")
	want := identityOf(claims, userIdentity)
	want["x-kinde-org-code"] = []string{claims["org_code"].(string)}
	if diff := cmp.Diff(want, got.Identity); got.status != 200 || diff != "" {
		t.Errorf("a user with forged headers: status %d %s (-want +got)\n%s", got.status, got.Reason, diff)
	}
	assertDenied(t, send(t, client, url, ""), 401, "missing_token")
	expired, err := issuer.Broken("expired")
	if err != nil {
		t.Fatal(err)
	}
	assertDenied(t, send(t, client, url, expired, "x-kinde-user-id: kp_admin"), 401, "token_expired")
}

// assertClosed wants that nobody passes.
func assertClosed(t *testing.T, client *http.Client, url, token string) {
	t.Helper()
	for range 20 {
		if got := send(t, client, url, token); got.status != 503 || got.Identity != nil {
			t.Fatalf("with all replicas down: status %d %s, want 503", got.status, got.Reason)
		}
	}
}

func TestMinimalEnvoy(t *testing.T) {
	s := deployed(t, "envoy-minimal.yaml", nil, toAgent)
	for protocol, client := range protocols {
		t.Run(protocol, func(t *testing.T) {
			assertGuarded(t, client, s.URL, s.Issuer, s.Issuer.UserClaims())
		})
	}
	if err := s.Authz.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-s.Authz.Done()
	assertClosed(t, protocols["HTTP/1.1"], s.URL, s.Issuer.Token(s.Issuer.UserClaims()))
}
