package faults

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const (
	// refresh is how often keys are fetched here; it is 15 minutes by default.
	refresh = 500 * time.Millisecond
	// drainDelay is longer than Envoy takes to see that a replica drains: 2s between
	// health checks.
	drainDelay = 4 * time.Second
)

// Settings that decide alike.
const (
	settings = "jwks: {refresh: 500ms, timeout: 1s}\ntoken_cache: {entries: 1000}\npolicies: {default: {}}\n"
	others   = settings + "leeway: 20s\nroutes: [{path: /api/**, policy: default}]\n"
	broken   = settings + "routes: [{path: /api/**, polcy: default}]\n"
)

// rig is two replicas behind an Envoy, with the load on them.
type rig struct {
	*load
	stack    *stack.Stack
	issuer   *issuer
	settings string // path
	replicas []*replica
	bad      []probe
}

// startRig starts everything, with Envoy's configuration as the function makes it of the
// replicas' addresses. Envoy's listener shows a certificate of the roots, if there are any.
func startRig(t *testing.T, envoy func(*rig) string, roots *x509.CertPool, env ...string) *rig {
	t.Helper()
	r := &rig{issuer: newIssuer(t), settings: filepath.Join(t.TempDir(), "authz.yaml")}
	e2etest.Write(t, r.settings, settings)
	env = append(env, "KINDE_DOMAIN="+r.issuer.URL, "KINDE_AUDIENCE="+kindetest.Audience,
		"KINDE_ALLOWED_ORGS="+stack.AllowedOrgs, "KINDE_AUTHZ_CONFIG="+r.settings, "SSL_CERT_FILE="+r.issuer.roots,
		"KINDE_AUTHZ_DRAIN_DELAY="+drainDelay.String())
	r.replicas = []*replica{newReplica(t, 0, env), newReplica(t, 1, env)}
	first := r.replicas[0]
	var err error
	r.stack, err = stack.Start(t.Context(), stack.Config{
		Authz: programs.authz, Envoy: programs.envoy, EnvoyConfig: envoy(r), Logs: t.TempDir(),
		AuthzGRPC: first.grpc, AuthzAdmin: first.admin, AuthzEnv: env,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stack.Stop)
	first.Process = r.stack.Authz
	r.replicas[1].start(t, nil)
	r.healthy(t)
	r.bad = badProbes(t, r.issuer.Issuer)
	url := r.stack.URL
	if roots != nil {
		url = strings.Replace(url, "http:", "https:", 1)
	}
	clients := []*http.Client{client(roots, "http/1.1"), client(roots, "h2")}
	r.load = startLoad(t, url, clients, either(100, 500), r.mint())
	return r
}

// mint makes good tokens anew, with the key that the issuer signs with now.
func (r *rig) mint() *probes { return &probes{goodProbes(r.issuer.Issuer), r.bad} }

// plain is the project's envoy.yaml with two replicas.
func plain(t *testing.T) func(*rig) string {
	return func(r *rig) string {
		const endpoint = "{endpoint: {address: {socket_address: {address: %s, port_value: %s}}}}"
		own := fmt.Sprintf(endpoint, "kinde-authz", "9191")
		host, port, _ := net.SplitHostPort(r.replicas[1].grpc)
		return e2etest.EditedFile(t, "../../envoy.yaml", e2etest.Edit{own, own + ", " + fmt.Sprintf(endpoint, host, port)})
	}
}

// client talks to Envoy in one of the two protocols.
func client(roots *x509.CertPool, protocol string) *http.Client {
	protocols := new(http.Protocols)
	transport := &http.Transport{Protocols: protocols, MaxIdleConnsPerHost: 1000}
	protocols.SetHTTP1(protocol == "http/1.1")
	protocols.SetHTTP2(protocol == "h2" && roots != nil)
	protocols.SetUnencryptedHTTP2(protocol == "h2" && roots == nil)
	if roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// inRotation is how many replicas Envoy asks.
func (r *rig) inRotation() (n int) {
	const stat = "cluster.kinde_authz.membership_healthy"
	text, err := fetch(r.stack.EnvoyAdmin + "/stats?filter=^" + stat + "$")
	if err != nil {
		return -1
	}
	if _, err := fmt.Sscan(strings.TrimPrefix(text, stat+":"), &n); err != nil {
		return -1
	}
	return n
}

// healthy waits until Envoy asks both replicas.
func (r *rig) healthy(t *testing.T) {
	t.Helper()
	e2etest.Eventually(t, "both replicas are in rotation", func() bool { return r.inRotation() == 2 })
}

// counted waits until a metric of both replicas has risen since the call.
func (r *rig) counted(t *testing.T, prefix string, times float64) (wait func()) {
	t.Helper()
	var before [2]float64
	for n, one := range r.replicas {
		before[n] = one.metric(prefix)
	}
	return func() {
		t.Helper()
		for n, one := range r.replicas {
			e2etest.Eventually(t, prefix+" is counted", func() bool { return one.metric(prefix) >= before[n]+times })
		}
	}
}

// during lets a fault happen, and returns the phase of it once it is over and both
// replicas are in rotation again.
func (r *rig) during(t *testing.T, name string, fault func(*phase)) *phase {
	t.Helper()
	r.probes.Store(r.mint())
	p := newPhase(name)
	for _, one := range r.replicas {
		one.forgetPeak(t)
	}
	r.begin(t, p)
	fault(p)
	r.healthy(t)
	p.await(t, judged()/4)
	for _, one := range r.replicas {
		p.peak = max(p.peak, e2etest.PeakMemory(t, one.Process))
	}
	r.begin(t, newPhase("between"))
	over = append(over, p)
	return p
}

// judged is how many requests a fault lasts at least.
func judged() int { return either(120, 2500) }
