package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// writePair writes a self-signed certificate for localhost, good for an hour, and its
// key.
func writePair(t *testing.T, dir, name string, serial int64) (cert, key string) {
	t.Helper()
	return writePairUntil(t, dir, name, serial, time.Now().Add(time.Hour))
}

func writePairUntil(t *testing.T, dir, name string, serial int64, end time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotAfter: end, IsCA: true, BasicConstraintsValid: true,
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
	cert, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	for path, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: der},
		key:  {Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// serveTLS serves gRPC health with those files, and tells of each change of them.
func serveTLS(t *testing.T, files settings.TLS) (address string, changes <-chan error) {
	t.Helper()
	certificates, err := newCertificates(files, newClients(nil, zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	server := newGRPCServer(nil, certificates)
	used := make(chan error, 100)
	go certificates.watch(t.Context(), func(err error) { used <- err })
	healthv1.RegisterHealthServer(server, health.NewServer())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String(), used
}

// call makes one call and returns the serial number of the server's
// certificate.
func call(t *testing.T, address string, client ...tls.Certificate) (serial int64, err error) {
	t.Helper()
	config := &tls.Config{
		InsecureSkipVerify: true, Certificates: client, // the serial number tells who it is
		VerifyConnection: func(s tls.ConnectionState) error {
			serial = s.PeerCertificates[0].SerialNumber.Int64()
			return nil
		},
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	return serial, err
}

func TestTLSFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, "server", 1)
	address, changes := serveTLS(t, settings.TLS{Cert: cert, Key: key})
	if serial, err := call(t, address); err != nil || serial != 1 {
		t.Fatalf("serial %d, %v", serial, err)
	}
	writePair(t, dir, "server", 2)
	deadline := time.After(20 * time.Second)
	for serial := int64(1); serial != 2; {
		select {
		case err := <-changes:
			if err != nil { // of a certificate, and the key of the one before
				continue
			}
			if serial, err = call(t, address); err != nil {
				t.Fatal(err)
			}
		case <-deadline:
			t.Fatal("the new certificate is not in use")
		}
	}
}

// Attack U11: with mTLS, a client without a certificate of the authority gets no
// answer.
func TestClientNeedsACertificateOfTheAuthority(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, "server", 1)
	clientCert, clientKey := writePair(t, dir, "client", 2)
	strangerCert, strangerKey := writePair(t, dir, "stranger", 3)
	address, _ := serveTLS(t, settings.TLS{Cert: cert, Key: key, ClientCA: clientCert})
	for name, test := range map[string]struct {
		cert, key string
		passes    bool
	}{
		"of the authority": {clientCert, clientKey, true},
		"of another":       {strangerCert, strangerKey, false},
		"none":             {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			var shown []tls.Certificate
			if test.cert != "" {
				pair, err := tls.LoadX509KeyPair(test.cert, test.key)
				if err != nil {
					t.Fatal(err)
				}
				shown = append(shown, pair)
			}
			if _, err := call(t, address, shown...); (err == nil) != test.passes {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRefusedTLSFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, "server", 1)
	_, otherKey := writePair(t, dir, "other", 2)
	for name, test := range map[string]struct {
		files settings.TLS
		says  string
	}{
		"missing":             {settings.TLS{Cert: dir + "/none", Key: key}, "KINDE_AUTHZ_TLS_CERT"},
		"key of another":      {settings.TLS{Cert: cert, Key: otherKey}, "KINDE_AUTHZ_TLS_KEY"},
		"authorities missing": {settings.TLS{Cert: cert, Key: key, ClientCA: dir + "/none"}, "KINDE_AUTHZ_TLS_CLIENT_CA"},
		"no authority in it":  {settings.TLS{Cert: cert, Key: key, ClientCA: key}, "holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newCertificates(test.files, newClients(nil, zap.NewNop()))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want a word about %s", err, test.says)
			}
		})
	}
}

func TestAnExpiredCertificateIsWarnedOf(t *testing.T) {
	for age, want := range map[time.Duration]int{-time.Hour: 0, time.Hour: 1} {
		cert, key := writePairUntil(t, t.TempDir(), "server", 1, time.Now().Add(-age))
		certificates, err := newCertificates(settings.TLS{Cert: cert, Key: key}, newClients(nil, zap.NewNop()))
		if err != nil {
			t.Fatal(err)
		}
		core, seen := observer.New(zap.InfoLevel)
		certificates.warnExpired(zap.New(core))
		const message = "the certificate of the gRPC port has expired: clients that verify it do not connect"
		if got := seen.FilterMessage(message).Len(); got != want || seen.Len() != want {
			t.Errorf("%s after its end: %d warnings, want %d", age, got, want)
		}
	}
}
