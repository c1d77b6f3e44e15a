package assertion

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
)

func newPrivate(t testing.TB, kind string) any {
	t.Helper()
	var key any
	var err error
	switch kind {
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "RSA":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func inPEM(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func newPEM(t testing.TB, kind string) string { return inPEM(t, newPrivate(t, kind)) }

func parse(t testing.TB, text string) *Keys {
	t.Helper()
	keys, err := ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// jwx, which is independent of this package, verifies by the published keys and finds
// the claims.
func TestAnotherLibraryVerifies(t *testing.T) {
	for kind, algorithm := range map[string]jwa.SignatureAlgorithm{"Ed25519": jwa.EdDSA(), "P-256": jwa.ES256()} {
		t.Run(kind, func(t *testing.T) {
			keys := parse(t, "a comment\n"+newPEM(t, kind)+"\n"+newPEM(t, "Ed25519")+newPEM(t, "P-256"))
			set, err := jwk.Parse(keys.JWKS())
			if err != nil || set.Len() != 3 {
				t.Fatalf("%d keys, %v", set.Len(), err)
			}
			claims := Claims{
				Issuer: "kinde-authz", Audience: "https://a", Subject: "kp_1 <ü>", Actor: "user", OrgCode: "org_a", ClientID: "c",
				Scope: "a b", Permissions: []string{"p,1", "p&2"}, Roles: []string{"admin"}, TokenID: "j",
			}
			body := claims.Body()
			text, err := keys.Sign(body, time.Unix(1700000000, 999), time.Unix(1700000060, 0))
			if err != nil {
				t.Fatal(err)
			}
			if len(text) != body.Bytes() {
				t.Errorf("%d bytes, and %d were foretold", len(text), body.Bytes())
			}
			key, _ := set.Key(0)
			payload, err := jws.Verify([]byte(text), jws.WithKeySet(set))
			if err != nil {
				t.Fatal(err)
			}
			want := `{"iat":1700000000,"exp":1700000060,"iss":"kinde-authz","aud":"https://a","sub":"kp_1 <ü>","actor":"user",` +
				`"org_code":"org_a","client_id":"c","scope":"a b","permissions":["p,1","p&2"],"roles":["admin"],"token_jti":"j"}`
			if diff := cmp.Diff(want, string(payload)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			thumbprint, err := key.Thumbprint(crypto.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			id := base64.RawURLEncoding.EncodeToString(thumbprint)
			header, err := base64.RawURLEncoding.DecodeString(text[:strings.IndexByte(text, '.')])
			wantHeader := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"kinde-assertion+jwt"}`, algorithm, id)
			if err != nil || string(header) != wantHeader || keys.SigningID() != id || !keys.Publishes(id) {
				t.Errorf("got %s, %v, want %s; the keys say %s", header, err, wantHeader, keys.SigningID())
			}
		})
	}
}

// What is published has no private part.
func TestOnlyPublicMembersArePublished(t *testing.T) {
	keys := parse(t, newPEM(t, "Ed25519")+newPEM(t, "P-256"))
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(keys.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	for i, members := range []string{"alg crv kid kty use x", "alg crv kid kty use x y"} {
		var got []string
		for _, name := range strings.Fields(members) {
			if set.Keys[i][name] != "" {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != members || len(set.Keys[i]) != len(got) || set.Keys[i]["use"] != "sig" {
			t.Errorf("key %d: %v", i, set.Keys[i])
		}
	}
}

// Attack X9: an error says nothing of what the file holds.
func TestKeysThatAreRefused(t *testing.T) {
	good := newPEM(t, "P-256")
	sec1, err := x509.MarshalECPrivateKey(newPrivate(t, "P-256").(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	many := good
	for range maxKeys {
		many += newPEM(t, "Ed25519")
	}
	secret := bytes.Repeat([]byte("secret"), 10)
	for name, row := range map[string]struct{ text, want string }{
		"nothing":              {"", "there is no key: want PEM"},
		"no PEM":               {string(secret), "there is no key: want PEM"},
		"a block cut short":    {good + good[:len(good)-40], "key 2 is not well-formed PEM"},
		"a broken block first": {strings.Replace(good, "MIG", "M!G", 1) + good, "key 1 is not well-formed PEM"},
		"SEC 1":                {block("EC PRIVATE KEY", sec1), "key 1: it is in SEC 1"},
		"encrypted":            {block("ENCRYPTED PRIVATE KEY", secret), "key 1: it is encrypted"},
		"public":               {good + block("PUBLIC KEY", secret), "key 2: it is a public key"},
		"a certificate":        {block("CERTIFICATE", secret), "key 1: it is something else"},
		"not PKCS#8":           {block("PRIVATE KEY", secret), "key 1: it cannot be read"},
		"RSA":                  {newPEM(t, "RSA"), "key 1: it is of another kind"},
		"P-384":                {good + newPEM(t, "P-384"), "key 2: it is on another curve"},
		"twice":                {good + good, "key 2 is there twice"},
		"too many":             {many, "there are more than 16 keys"},
	} {
		keys, err := ParseKeys([]byte(row.text))
		if keys != nil || err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %s", name, err, row.want)
			continue
		}
		for line := range strings.Lines(row.text) {
			for at := 0; at+12 <= len(line) && !strings.HasPrefix(line, "---"); at++ {
				if part := line[at : at+12]; strings.Contains(err.Error(), part) {
					t.Fatalf("%s: %v repeats %q of the file", name, err, part)
				}
			}
		}
	}
}

func TestListsAreLeftOutWhole(t *testing.T) {
	long := func(n int) []string { return []string{strings.Repeat("x", n)} }
	for name, row := range map[string]struct {
		scope, permissions, roles int
		want                      []string
	}{
		"all fit":                   {100, 100, 100, nil},
		"the longest goes":          {1000, 1900, 1000, []string{"permissions"}},
		"of equals the later":       {10, 1500, 1500, []string{"roles"}},
		"two go":                    {2000, 3000, 3000, []string{"roles", "permissions"}},
		"the scope is a list too":   {3000, 200, 200, []string{"scope"}},
		"none is left":              {3000, 3000, 3000, []string{"roles", "permissions", "scope"}},
		"one that would fill it up": {0, 0, 4000, []string{"roles"}},
	} {
		claims := Claims{Issuer: "i", Audience: "a", Actor: "user", Subject: "u", Scope: strings.Repeat("s", row.scope)}
		if row.permissions > 0 {
			claims.Permissions = long(row.permissions - 2) // brackets
		}
		if row.roles > 0 {
			claims.Roles = long(row.roles - 2)
		}
		body := claims.Body()
		var got Claims
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row.want, got.Omitted); diff != "" || body.Bytes() > MaxBytes {
			t.Errorf("%s: %d bytes (-want +got)\n%s", name, body.Bytes(), diff)
		}
	}
}

func TestTheLastByteFits(t *testing.T) {
	for n := 2000; ; n++ {
		claims := Claims{Issuer: "i", Audience: "a", Actor: "user", Roles: []string{strings.Repeat("r", n)}}
		if full := claims.write(); full.Bytes() > MaxBytes {
			if got := claims.Body(); !strings.Contains(string(got), `"omitted":["roles"]`) {
				t.Errorf("%d bytes stay", full.Bytes())
			}
			return
		}
		if strings.Contains(string(claims.Body()), "omitted") {
			t.Fatalf("%d bytes are left out", claims.write().Bytes())
		}
	}
}

func BenchmarkSign(b *testing.B) {
	body := Claims{Issuer: "kinde-authz", Audience: "https://a", Subject: "kp_1", Actor: "user"}.Body()
	for _, kind := range []string{"Ed25519", "P-256"} {
		keys := parse(b, newPEM(b, kind))
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keys.Sign(body, time.Unix(1, 0), time.Unix(61, 0)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
