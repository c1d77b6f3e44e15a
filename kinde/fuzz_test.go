package kinde

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	jwxkey "github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

const fuzzIssuer = "https://t.kinde.com"

// newFuzzVerifier has one key without having fetched it.
func newFuzzVerifier(f *testing.F) *Verifier {
	f.Helper()
	v, err := NewVerifier(Config{
		Issuers: []Issuer{{Domain: fuzzIssuer}}, Leeway: 30 * time.Second,
		Now: func() time.Time { return time.Unix(1700000000, 0) },
	})
	if err != nil {
		f.Fatal(err)
	}
	keys, _, err := parseSet(set(jwkWith(nil)))
	if err != nil {
		f.Fatal(err)
	}
	v.issuers[fuzzIssuer].keys.current.Store(&keySet{keys: keys, fetched: v.now()})
	return v
}

func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// Nothing that an attacker types is a token, and every refusal has a reason.
func FuzzToken(f *testing.F) {
	v := newFuzzVerifier(f)
	good := segment(`{"alg":"RS256","kid":"a:b","typ":"JWT"}`) + "." +
		segment(`{"iss":"`+fuzzIssuer+`","exp":1700000100,"iat":1700000000,"sub":"kp_a"}`)
	for _, seed := range []string{
		"", "a.b.c", "..", good, good + ".", good + "." + strings.Repeat("A", 342), good + ".AA==", "{}.{}.{}",
		segment(`{"alg":"none"}`) + ".e30.AA", `{"payload":"e30","signatures":[]}`, strings.Repeat(".", 20000),
		segment(`{"alg":"RS256","kid":"a:b","crit":["x"]}`) + ".e30.AA", segment("\xff") + ".e30.AA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		got, err := v.Verify(t.Context(), token)
		var refused *Error
		if got != nil || !errors.As(err, &refused) || refused.Reason == "" {
			t.Fatalf("got %+v, %v", got, err)
		}
		if len(token) > 40 && strings.Contains(err.Error(), token[:40]) {
			t.Fatalf("the error holds the token: %v", err)
		}
	})
}

// Whatever claims are accepted, another library reads the same from them.
func FuzzClaims(f *testing.F) {
	v := newFuzzVerifier(f)
	base := `"iss":"` + fuzzIssuer + `","exp":1700000100,"iat":1700000000`
	for _, seed := range []string{
		`{` + base + `,"sub":"kp_a","azp":"c","org_code":"org_a","aud":["x"],"jti":"j","scp":["a"],` +
			`"permissions":["p"],"roles":[{"key":"r"}],"feature_flags":{}}`,
		`{` + base + `,"gty":["client_credentials"],"azp":"c","scope":"a b","aud":"x"}`,
		`{` + base + `,"sub":"\u006bp_\ud83d\ude00","nbf":1.7e9,"x":[[],{"a":null}]}`,
		`{` + base + `,"sub":"a","sub":"b"}`, `{` + base + `,"sub":"a","Sub":"b","act":{}}`, `{}`, `[]`, ` {` + base + `} `,
		`{"iss":"` + fuzzIssuer + `","exp":1e400,"iat":-0,"sub":"a"}`, `{` + base + `,"sub":"a","":1,"\u0000":2}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		buffer := segment(`{"alg":"RS256","kid":"a:b"}`) + "." + segment(payload) + ".AAAA"
		jws, err := parseCompact(buffer)
		if err != nil {
			return
		}
		issuer, err := issuerOf(jws.payload)
		if err != nil || v.issuers[issuer] == nil {
			return
		}
		verdict := v.accept(v.issuers[issuer], &key{}, &header{}, jws.payload)
		if verdict.Err != nil {
			return
		}
		want, err := jwt.Parse([]byte(buffer), jwt.WithVerify(false), jwt.WithValidate(false))
		if err != nil {
			t.Fatalf("accepted here and refused by jwx: %v", err)
		}
		compare(t, verdict.Token, want)
	})
}

// compare checks that both libraries read the same.
func compare(t *testing.T, got *Token, want jwt.Token) {
	t.Helper()
	for name, value := range map[string]string{
		"iss": got.Issuer, "sub": got.Subject, "azp": got.ClientID, "jti": got.ID, "org_code": got.OrgCode,
	} {
		var other string
		if want.Has(name) {
			if err := want.Get(name, &other); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if other != value {
			t.Fatalf("%s: %q here, %q in jwx", name, value, other)
		}
	}
	expires, _ := want.Expiration()
	if !expires.Truncate(time.Second).Equal(got.Expires) {
		t.Fatalf("exp: %s here, %s in jwx", got.Expires, expires)
	}
	if other, _ := want.Audience(); !slices.Equal(got.Audience, other) {
		t.Fatalf("aud: %q here, %q in jwx", got.Audience, other)
	}
}

// A key is taken only when another library reads the same key.
func FuzzJWKS(f *testing.F) {
	good := asJSON(jwkWith(nil))
	for _, seed := range []string{
		`{"keys":[` + good + `]}`, `{"keys":[]}`, `{"keys":[` + good + `,` + good + `]}`, `{"keys":null}`, `{}`, `[]`,
		`{"keys":[{}]}`,
		`{"keys":[` + asJSON(jwkWith(map[string]any{"e": "AQ"})) + `]}`,
		`{"keys":[` + asJSON(jwkWith(map[string]any{"d": "AQ"})) + `]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		keys, _, err := parseSet(body)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for id, key := range keys {
			key := key.public
			if key.E != 65537 || key.N.BitLen() < 2048 || key.N.BitLen() > 4096 {
				t.Fatalf("a key of %d bits with e %d", key.N.BitLen(), key.E)
			}
			minimal := asJSON(map[string]any{"kty": "RSA", "kid": id, "n": number(key.N), "e": "AQAB"})
			if _, err := jwxkey.ParseKey([]byte(minimal)); err != nil {
				t.Fatalf("jwx refuses the key: %v", err)
			}
		}
	})
}
