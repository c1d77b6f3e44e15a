package e2e

import (
	"crypto/tls"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// accepts tells whether a client with that certificate gets an answer.
func (i *instance) accepts(t *testing.T, client e2etest.Certificate) bool {
	t.Helper()
	config := &tls.Config{
		InsecureSkipVerify: true, // the server checks, here
		Certificates:       []tls.Certificate{client.Pair},
	}
	conn, err := grpc.NewClient("unix:"+i.path("grpc"), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	return err == nil
}

// Attack X5: a client authority that is replaced, and files that are broken.
func TestTLSFilesThatGoBadAreTold(t *testing.T) {
	dir := t.TempDir()
	cert, key, authority := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "ca")
	server, old, next := e2etest.NewCertificate(t), e2etest.NewCertificate(t), e2etest.NewCertificate(t)
	write(t, cert, server.Cert)
	write(t, key, server.Key)
	write(t, authority, old.Cert)
	var log process.Log
	i := start(t, &log, "--tls-cert", cert, "--tls-key", key, "--tls-client-ca", authority)
	counted := func(result string, want float64) {
		t.Helper()
		name := `kinde_authz_tls_reloads_total{result="` + result + `"}`
		eventually(t, "it is counted", func() bool { return i.metric(t, name) == want })
	}
	if !i.accepts(t, old) || i.accepts(t, next) {
		t.Fatal("not the clients of the authority are accepted")
	}
	for n, bad := range []struct{ path, content, says string }{
		{authority, "no certificate", "(--tls-client-ca, tls.client_ca): " + authority + " holds no certificate"},
		{key, next.Key, "KINDE_AUTHZ_TLS_KEY (--tls-key, tls.key): " + key},
	} {
		good := map[string]string{authority: old.Cert, key: server.Key}[bad.path]
		write(t, bad.path, bad.content)
		counted("error", float64(n+1))
		if !i.accepts(t, old) || i.accepts(t, next) {
			t.Errorf("%s: what was in use has changed", bad.says)
		}
		write(t, bad.path, good)
		counted("ok", float64(n+1))
		if warnings(log.String(), "TLS reload failed: still using the previous certificates", bad.says) != 1 {
			t.Errorf("want one warning that says %q: %s", bad.says, log.String())
		}
	}
	write(t, authority, next.Cert)
	counted("ok", 3)
	if i.accepts(t, old) || !i.accepts(t, next) {
		t.Error("the new authority is not in use")
	}
}

// warnings counts the warnings with that message and that error.
func warnings(log, message, says string) (n int) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, `{"level":"warn"`) && strings.Contains(line, message) && strings.Contains(line, says) {
			n++
		}
	}
	return n
}
