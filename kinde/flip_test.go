package kinde_test

import (
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Attack F7: each bit of a token is flipped alone.
func TestEverySingleBitCounts(t *testing.T) {
	issuer := newIssuer(t)
	v := running(t, configFor(issuer))
	token := issuer.Token(issuer.UserClaims())
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	changed := []byte(token)
	for at := range changed {
		for bit := range 8 {
			changed[at] ^= 1 << bit
			if got, err := v.Verify(t.Context(), string(changed)); err == nil || got != nil {
				t.Errorf("bit %d of byte %d does not count", bit, at)
			}
			changed[at] ^= 1 << bit
		}
	}
}

// What is accepted here, another library accepts with the issuer's own keys.
func TestAnotherLibraryAgrees(t *testing.T) {
	issuer := newIssuer(t)
	v := running(t, configFor(issuer))
	keys, err := jwk.ParseString(issuer.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	for name, claims := range map[string]kindetest.Claims{"user": issuer.UserClaims(), "machine": issuer.MachineClaims()} {
		token := issuer.Sign(claims)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := jwt.Parse([]byte(token), jwt.WithKeySet(keys)); err != nil {
			t.Errorf("%s: jwx: %v", name, err)
		}
	}
}
