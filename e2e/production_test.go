package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// production is the stack of deploy/envoy/envoy.yaml: TLS and two replicas.
type production struct {
	*stack.Stack
	url      string
	served   *servedTLS
	cert     e2etest.Certificate
	replicas []*process.Process
}

// Its organizations: one with limits of its own, and others.
const bigOrg, acmeOrg, globexOrg = "org_bigcustomer", "org_acme", "org_globex"

func startProduction(t *testing.T, edits ...edit) *production {
	t.Helper()
	p := &production{served: newServedTLS(t), cert: e2etest.NewCertificate(t)}
	p.served.install(t, p.cert)
	second := newReplica(t)
	host, port, _ := net.SplitHostPort(second.listener.Addr().String())
	settings := filepath.Join(t.TempDir(), "authz.yaml")
	write(t, settings, "policies: {default: {allow_without_org: true}}\n")
	orgs := strings.Join([]string{bigOrg, acmeOrg, globexOrg}, ",")
	env := []string{"KINDE_AUTHZ_CONFIG=" + settings, "KINDE_ALLOWED_ORGS=" + orgs}
	const anybody = "token_bucket: {max_tokens: 1000, tokens_per_fill: 1000, fill_interval: 1s}"
	const each = "token_bucket: {max_tokens: 200, tokens_per_fill: 100, fill_interval: 1s}"
	edits = append(edits, p.served.edits(t)...)
	p.Stack = deployed(t, "envoy.yaml", func(c *stack.Config) { c.AuthzEnv = env }, append(edits, toAgent,
		edit{"{address: 127.0.0.1, port_value: 9193}", fmt.Sprintf("{address: %s, port_value: %s}", host, port)},
		edit{anybody, "token_bucket: {max_tokens: 3, tokens_per_fill: 3, fill_interval: 3600s}"},
		edit{each, "token_bucket: {max_tokens: 5, tokens_per_fill: 5, fill_interval: 3600s}"})...)
	p.url = strings.Replace(p.URL, "http:", "https:", 1)
	address, other := alone(t, programs.Authz, "--insecure-http", "--domain", p.Issuer.URL,
		"--audience", kindetest.Audience, "--allowed-orgs", orgs, "--config", settings)
	second.target.Store(&address)
	p.replicas = []*process.Process{p.Authz, other}
	eventually(t, "both replicas are healthy", func() bool { return p.healthy(t) == 2 })
	return p
}

func (p *production) healthy(t *testing.T) int {
	t.Helper()
	return envoyStat(t, p.Stack, "cluster.kinde_authz.membership_healthy")
}

// end ends a replica in good order.
func (p *production) end(t *testing.T, n int) {
	t.Helper()
	if err := p.replicas[n].Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// user is a token of a user of an organization, or of none.
func (p *production) user(org string) string {
	if org == "" {
		return p.Issuer.Token(p.Issuer.UserClaims().Without("org_code"))
	}
	return p.Issuer.Token(p.Issuer.UserClaims().With("org_code", org))
}

func TestProductionEnvoy(t *testing.T) {
	p := startProduction(t)
	client := trusting(p.cert)
	silent, err := net.Dial("tcp", strings.TrimPrefix(p.url, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, version := range []string{"h2", "http/1.1"} {
		t.Run(version, func(t *testing.T) {
			assertGuarded(t, trusting(p.cert, version), p.url, p.Issuer, p.Issuer.UserClaims().With("org_code", bigOrg))
		})
	}
	t.Run("guide", func(t *testing.T) { assertAnswersOfGuide(t, p) })
	t.Run("rate limit", func(t *testing.T) { assertLimited(t, p, client) })
	t.Run("certificate", func(t *testing.T) { assertRenewed(t, p) })
	client = trusting(p.cert)
	t.Run("replicas", func(t *testing.T) { assertReplicas(t, p, client) })
	_ = silent.SetReadDeadline(time.Now().Add(soon))
	if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a connection without a handshake: %v, want it closed", err)
	}
}

// assertAnswersOfGuide has curl ask as docs/envoy.md does.
func assertAnswersOfGuide(t *testing.T, p *production) {
	t.Helper()
	authority := filepath.Join(t.TempDir(), "authority.pem")
	write(t, authority, p.cert.Cert)
	t.Setenv("TOKEN", p.user(bigOrg))
	out := shell(t, "..", "curl() { command curl -sS --cacert "+authority+" \"$@\"; }\n"+
		blocksOf(t, "docs/envoy.md", "")[0], "https://api.yourapp.com/", p.url+"/")
	statuses := regexp.MustCompile(`HTTP/[0-9.]+ \d+`).FindAllString(out, -1)
	if got := strings.Join(statuses, ", "); got != "HTTP/2 401, HTTP/2 200" || !strings.Contains(out, "missing_token") {
		t.Errorf("%s of %s", got, out)
	}
}

// assertLimited wants each organization to have a bucket of its own, and requests
// without one to share another.
func assertLimited(t *testing.T, p *production, client *http.Client) {
	t.Helper()
	for _, test := range []struct {
		org    string
		passes int
	}{{acmeOrg, 5}, {"", 3}, {globexOrg, 5}} {
		token := p.user(test.org)
		for n := range test.passes {
			if got := send(t, client, p.url, token); got.status != 200 {
				t.Fatalf("%q, request %d: status %d %s, want 200", test.org, n+1, got.status, got.Reason)
			}
		}
		got := send(t, client, p.url, token, "x-kinde-org-code: "+bigOrg)
		if got.status != 429 || got.header.Get("Retry-After") != "1" || got.Identity != nil {
			t.Errorf("%q, one more: status %d %s, want 429 and Retry-After", test.org, got.status, got.Reason)
		}
		got = send(t, trusting(p.cert, "h2"), p.url, token, "content-type: application/grpc", "te: trailers")
		if status := got.header.Get("Grpc-Status"); got.status != 200 || status != "8" {
			t.Errorf("%q over gRPC: grpc-status %s, want 8 (RESOURCE_EXHAUSTED)", test.org, status)
		}
		if got := send(t, client, p.url, p.user(bigOrg)); got.status != 200 {
			t.Errorf("beside %q: status %d %s, want 200", test.org, got.status, got.Reason)
		}
	}
}

// assertRenewed wants a new certificate to be served without a restart.
func assertRenewed(t *testing.T, p *production) {
	t.Helper()
	old := trusting(p.cert)
	p.cert = e2etest.NewCertificate(t)
	p.served.install(t, p.cert)
	eventually(t, "the new certificate is served", func() bool {
		response, err := trusting(p.cert).Get(p.url)
		if err == nil {
			response.Body.Close()
		}
		return err == nil
	})
	if response, err := old.Get(p.url); err == nil {
		response.Body.Close()
		t.Error("the old certificate is still served")
	}
}

// assertReplicas wants nothing lost while one replica ends, and nobody to pass once
// all have.
func assertReplicas(t *testing.T, p *production, client *http.Client) {
	t.Helper()
	token := p.user(bigOrg)
	p.end(t, 0)
	eventually(t, "Envoy has turned away from the replica that ended", func() bool {
		if got := send(t, client, p.url, token); got.status != 200 {
			t.Errorf("while a replica ends: status %d %s, want 200", got.status, got.Reason)
			return true
		}
		return p.healthy(t) == 1
	})
	p.end(t, 1)
	eventually(t, "nobody passes", func() bool { return send(t, client, p.url, token).status == 503 })
	assertClosed(t, client, p.url, token)
}
