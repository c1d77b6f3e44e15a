package faults

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// tlsFolder holds a certificate, its key and an authority, in the files of docs/envoy.md.
type tlsFolder struct{ dir string }

func newTLSFolder(t *testing.T) tlsFolder {
	t.Helper()
	f := tlsFolder{filepath.Join(t.TempDir(), "tls")}
	if err := os.Mkdir(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f tlsFolder) path(name string) string { return filepath.Join(f.dir, name) }

// move moves a file into the folder, which is watched.
func (f tlsFolder) move(t *testing.T, name, content string) {
	t.Helper()
	outside := filepath.Join(filepath.Dir(f.dir), name)
	e2etest.Write(t, outside, content)
	if err := os.Rename(outside, f.path(name)); err != nil {
		t.Fatal(err)
	}
}

// show has whoever reads the folder show a certificate; the key comes first.
func (f tlsFolder) show(t *testing.T, c e2etest.Certificate) {
	t.Helper()
	f.move(t, "tls.key", c.Key)
	f.move(t, "tls.crt", c.Cert)
}

// trust has it accept certificates.
func (f tlsFolder) trust(t *testing.T, all ...e2etest.Certificate) {
	t.Helper()
	var text strings.Builder
	for _, c := range all {
		text.WriteString(c.Cert)
	}
	f.move(t, "ca.crt", text.String())
}

// secret is a file of deploy/envoy that leads to this folder.
func (f tlsFolder) secret(t *testing.T, name, folder string) string {
	t.Helper()
	content, err := os.ReadFile("../../deploy/envoy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	e2etest.Write(t, path, strings.ReplaceAll(string(content), folder, f.dir))
	return path
}

// mutualTLS is what docs/envoy.md adds to the cluster.
func mutualTLS(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/envoy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## mTLS to kinde-authz\n")
	_, text, found := strings.Cut(section, "```yaml\n")
	text, _, closed := strings.Cut(text, "```")
	if !found || !closed {
		t.Fatal("docs/envoy.md says nothing of mTLS")
	}
	return text
}

// secure is deploy/envoy/envoy.yaml with mTLS to both replicas, and no organization
// limited.
func secure(t *testing.T, listener, envoys tlsFolder) func(*rig) string {
	return func(r *rig) string {
		host, port, _ := net.SplitHostPort(r.replicas[1].grpc)
		socket := strings.NewReplacer(
			"/etc/envoy/client-certificate.yaml", envoys.secret(t, "client-certificate.yaml", "/etc/envoy/authz-tls"),
			"/etc/envoy/authority.yaml", envoys.secret(t, "authority.yaml", "/etc/envoy/authz-tls"),
		).Replace(mutualTLS(t))
		const each = "token_bucket: {max_tokens: 200, tokens_per_fill: 100, fill_interval: 1s}"
		return e2etest.EditedFile(t, "../../deploy/envoy/envoy.yaml",
			e2etest.Edit{"{address: 0.0.0.0, port_value: 443}", "{address: 0.0.0.0, port_value: 8080}"},
			e2etest.Edit{"/etc/envoy/certificate.yaml", listener.secret(t, "certificate.yaml", "/etc/envoy/tls")},
			e2etest.Edit{"{address: 127.0.0.1, port_value: 8000}", "{address: agent, port_value: 8000}"},
			e2etest.Edit{"{address: 127.0.0.1, port_value: 9191}", "{address: kinde-authz, port_value: 9191}"},
			e2etest.Edit{"{address: 127.0.0.1, port_value: 9193}", fmt.Sprintf("{address: %s, port_value: %s}", host, port)},
			e2etest.Edit{each, "token_bucket: {max_tokens: 10000, tokens_per_fill: 10000, fill_interval: 1s}"},
			e2etest.Edit{"    lb_policy: LEAST_REQUEST\n", "    lb_policy: LEAST_REQUEST\n" + socket},
		)
	}
}

// accepts tells whether a replica talks to a client with that certificate.
func (r *replica) accepts(t *testing.T, c e2etest.Certificate) bool {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{c.Pair}} // the server checks, here
	conn, err := grpc.NewClient(r.grpc, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	return err == nil
}

// updates waits until Envoy has taken a change to one of its certificates.
func (r *rig) updates(t *testing.T, of string, change func()) {
	t.Helper()
	seen := func() float64 {
		text, err := fetch(r.stack.EnvoyAdmin + "/stats?filter=" + of + ".*ssl_context_update_by_sds")
		if err != nil {
			return 0
		}
		return metricOf(text, of)
	}
	before := seen()
	change()
	e2etest.Eventually(t, "Envoy takes the change of "+of, func() bool { return seen() > before })
}

// Certificates of the listener, of Envoy towards the replicas, and of the replicas all
// change under load.
func TestCertificatesChangeUnderLoad(t *testing.T) {
	listener, envoys, replicas := newTLSFolder(t), newTLSFolder(t), newTLSFolder(t)
	var old, next struct{ listener, envoy, replica e2etest.Certificate }
	for _, one := range []*e2etest.Certificate{
		&old.listener, &old.envoy, &old.replica, &next.listener, &next.envoy, &next.replica,
	} {
		*one = e2etest.NewCertificate(t)
	}
	listener.show(t, old.listener)
	envoys.show(t, old.envoy)
	envoys.trust(t, old.replica)
	replicas.show(t, old.replica)
	replicas.trust(t, old.envoy)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(old.listener.Cert + next.listener.Cert))
	r := startRig(t, secure(t, listener, envoys), roots,
		"KINDE_AUTHZ_TLS_CERT="+replicas.path("tls.crt"), "KINDE_AUTHZ_TLS_KEY="+replicas.path("tls.key"),
		"KINDE_AUTHZ_TLS_CLIENT_CA="+replicas.path("ca.crt"))

	const ok, refused = `kinde_authz_tls_reloads_total{result="ok"}`, `kinde_authz_tls_reloads_total{result="error"}`
	reload := func(result string, change func()) {
		t.Helper()
		counted := r.counted(t, result, 1)
		change()
		counted()
	}
	rotated := r.during(t, "certificates rotated", func(p *phase) {
		p.inject()
		reload(refused, func() { replicas.move(t, "tls.key", next.replica.Key) }) // of another certificate
		reload(ok, func() {
			replicas.move(t, "tls.key", old.replica.Key)
			replicas.trust(t, old.envoy, next.envoy)
		})
		r.updates(t, "cluster.kinde_authz", func() { envoys.trust(t, old.replica, next.replica) })
		reload(ok, func() { replicas.show(t, next.replica) })
		r.updates(t, "cluster.kinde_authz", func() { envoys.show(t, next.envoy) })
		r.updates(t, "listener", func() { listener.show(t, next.listener) })
		reload(ok, func() { replicas.trust(t, next.envoy) })
		r.updates(t, "cluster.kinde_authz", func() { envoys.trust(t, next.replica) })
		p.await(t, judged())
	})
	bound{}.check(t, rotated)
	for _, one := range r.replicas {
		if one.accepts(t, old.envoy) || !one.accepts(t, next.envoy) {
			t.Error("want the new certificate of Envoy to be accepted, and no longer the old one")
		}
	}
	again := r.during(t, "new connections with new certificates", func(p *phase) {
		p.inject()
		for _, one := range r.replicas {
			one.Kill()
			one.start(t, nil)
			r.healthy(t)
		}
		p.await(t, judged())
	})
	bound{inFlight: true}.check(t, again)
}
