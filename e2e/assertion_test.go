package e2e

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/kinde-authz/kinde-authz/authz/assertion"
)

// newKey returns a private key, and in PEM.
func newKey(t *testing.T, kind string) (private any, text string) {
	t.Helper()
	var err error
	if kind == "P-256" {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return private, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func signingID(t *testing.T, text string) string {
	t.Helper()
	keys, err := assertion.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return keys.SigningID()
}

// signAssertion signs an assertion as the service would, with what a row changes.
func signAssertion(t *testing.T, private any, kind, id string, claims map[string]any) string {
	t.Helper()
	algorithm := jwa.ES256()
	if _, ok := private.(ed25519.PrivateKey); ok {
		algorithm = jwa.EdDSA()
	}
	headers := jws.NewHeaders()
	for name, value := range map[string]string{"typ": kind, "kid": id} {
		if err := headers.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.Sign(payload, jws.WithKey(algorithm, private, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
