package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/proto"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// newSigningKey returns a private key, PEM.
func newSigningKey(kind string) string {
	var private any
	var err error
	if kind == "P-256" {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// jwks is what the admin port publishes.
func (s *service) jwks(t *testing.T, path string) (status int, keys jwk.Set) {
	t.Helper()
	response := httptest.NewRecorder()
	s.admin.Handler.ServeHTTP(response, httptest.NewRequest("GET", path, nil))
	if response.Code != 200 {
		return response.Code, nil
	}
	if got := response.Header().Get("Content-Type"); got != "application/jwk-set+json" {
		t.Errorf("content-type %q", got)
	}
	keys, err := jwk.Parse(response.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return response.Code, keys
}

// assertionFor returns the header of an allow, empty where there is none.
func (s *service) assertionFor(t *testing.T, token string) string {
	t.Helper()
	request, err := proto.Marshal(envoytest.Get("/").Bearer(token).InMap())
	if err != nil {
		t.Fatal(err)
	}
	response := &authv3.CheckResponse{}
	if err := proto.Unmarshal(s.server.Answer(t.Context(), request, nil), response); err != nil {
		t.Fatal(err)
	}
	if response.GetOkResponse() == nil {
		t.Fatal(response)
	}
	for _, h := range response.GetOkResponse().GetHeaders() {
		if h.GetHeader().GetKey() == "x-kinde-assertion" {
			return h.GetHeader().GetValue()
		}
	}
	return ""
}

// Attack X9: the keys change by their file and by the settings, and what is signed is always
// verified by what is published.
func TestKeysOfAssertionsChange(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	dir := t.TempDir()
	file, other := filepath.Join(dir, "keys.pem"), filepath.Join(dir, "other.pem")
	first, second, third := newSigningKey("P-256"), newSigningKey("Ed25519"), newSigningKey("Ed25519")
	for path, text := range map[string]string{file: first, other: third} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain := fmt.Sprintf("issuers: [{domain: %q}]\ninsecure_http: true\n", issuer.Issuer.URL)
	with := func(path string) string {
		return plain + fmt.Sprintf("assertion: {key_file: %q, audience: https://a}\n", path)
	}
	s, seen := reloadable(t, with(file))
	token := issuer.Token(issuer.UserClaims())
	if err := s.verifier.Load().WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	step := func(name, algorithm string, published int) {
		t.Helper()
		text := s.assertionFor(t, token)
		status, keys := s.jwks(t, "/jwks")
		if algorithm == "" {
			if status != 404 || text != "" {
				t.Errorf("%s: status %d, assertion %q", name, status, text)
			}
			return
		}
		if status != 200 || keys.Len() != published {
			t.Fatalf("%s: status %d, %d keys", name, status, keys.Len())
		}
		key, _ := keys.Key(0)
		if got, _ := key.Algorithm(); got.String() != algorithm {
			t.Errorf("%s: signed with %s, want %s", name, got, algorithm)
		}
		if _, err := jws.Verify([]byte(text), jws.WithKey(must(key.Algorithm()), key)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	count := func(result string) float64 {
		return testutil.ToFloat64(s.metrics.signingReloads.WithLabelValues(result))
	}
	changed := func(text, fault string) { s.changeSigningKeys(keyReading{path: file, content: text, fault: fault}) }

	step("at the start", "ES256", 1)
	changed(second+first, "")
	step("a new first key", "EdDSA", 2)
	changed("no key", "")
	step("a broken file", "EdDSA", 2)
	changed("", "permission denied")
	step("a file that cannot be read", "EdDSA", 2)
	changed(second, "")
	step("without the old key", "EdDSA", 1)
	if ok, failed := count("ok"), count("error"); ok != 2 || failed != 2 {
		t.Errorf("%g reloads, %g failed", ok, failed)
	}
	s.reload(reading{content: plain})
	step("no assertion", "", 0)
	s.reload(reading{content: with(filepath.Join(dir, "none.pem"))})
	step("a file that is not there", "", 0)
	s.reload(reading{content: with(other)})
	step("another file", "EdDSA", 1)
	changed(first, "") // of the path before
	step("a late reading", "EdDSA", 1)
	if status, _ := s.jwks(t, "/jwks/"); status != 404 {
		t.Errorf("/jwks/: status %d", status)
	}
	for _, line := range seen.All() {
		text := fmt.Sprint(line.Message, line.ContextMap())
		if strings.Contains(text, first[40:60]) || strings.Contains(text, second[40:60]) {
			t.Errorf("a key is logged: %s", text)
		}
	}
}

func must[T any](value T, _ bool) T { return value }
