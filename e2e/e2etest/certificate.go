package e2etest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// Certificate is one that signs itself, for localhost, kinde-authz and a client.
type Certificate struct {
	Pair      tls.Certificate
	Cert, Key string // PEM
}

// NewCertificate makes one that is valid for an hour.
func NewCertificate(t testing.TB) Certificate { return CertificateUntil(t, time.Now().Add(time.Hour)) }

// CertificateUntil makes one that is valid until then.
func CertificateUntil(t testing.TB, end time.Time) Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, // without a name curl refuses it
		DNSNames: []string{"localhost", "kinde-authz"}, NotAfter: end,
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
	return Certificate{
		Pair: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private},
		Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}
}
