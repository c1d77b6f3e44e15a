package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// certificate is one that signs itself, for a server and a client.
type certificate struct {
	pair      tls.Certificate
	cert, key string // PEM
}

func newCertificate(t *testing.T) certificate { return certificateUntil(t, time.Now().Add(time.Hour)) }

func certificateUntil(t *testing.T, end time.Time) certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: end,
		IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{
		pair: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private},
		cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}
}

// accepts tells whether a client with that certificate gets an answer.
func (i *instance) accepts(t *testing.T, client certificate) bool {
	t.Helper()
	config := &tls.Config{
		InsecureSkipVerify: true, // the server checks, here
		Certificates:       []tls.Certificate{client.pair},
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
	server, old, next := newCertificate(t), newCertificate(t), newCertificate(t)
	write(t, cert, server.cert)
	write(t, key, server.key)
	write(t, authority, old.cert)
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
		{key, next.key, "KINDE_AUTHZ_TLS_KEY (--tls-key, tls.key): " + key},
	} {
		good := map[string]string{authority: old.cert, key: server.key}[bad.path]
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
	write(t, authority, next.cert)
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
