package kinde

import (
	"context"
	"errors"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Attack T9: without room for one more signature nothing can be said about it; what
// comes before it is said all the same.
func TestOverloadCountsBetweenKeyAndSignature(t *testing.T) {
	issuer, forger := kindetest.NewServer(), kindetest.NewServer()
	defer issuer.Close()
	defer forger.Close()
	fetched := make(chan Refresh, 64)
	v, err := NewVerifier(Config{
		Issuers: []Issuer{{Domain: issuer.Issuer.URL}}, InsecureHTTP: true,
		Observer: Observer{Refreshed: func(r Refresh) { fetched <- r }},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Start()()
	<-fetched
	claims, unknown := issuer.UserClaims().With("exp", 1).With("azp", 1), issuer.Header()
	unknown["kid"] = "aa:bb"
	tokens := map[Reason]string{
		MalformedToken: issuer.Sign(claims) + "=", WrongIssuer: issuer.Sign(claims.With("iss", "https://other")),
		UnknownKey: issuer.SignAs(unknown, claims), BadSignature: forger.SignAs(issuer.Header(), claims),
		InvalidClaims: issuer.Sign(claims),
	}
	reasonOf := func(token string) Reason {
		// Whoever has no time left is not waited for.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		refused, _ := errors.AsType[*Error](v.Judge(ctx, token).Err)
		return refused.Reason
	}
	v.Judge(t.Context(), tokens[UnknownKey]) // once it is asked for, nobody waits for it
	for reason, token := range tokens {
		if got := reasonOf(token); got != reason {
			t.Errorf("with room: got %s, want %s", got, reason)
		}
	}
	for range cap(v.verifying) {
		if err := v.verifying.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for reason, token := range tokens {
		want := reason
		if reason == BadSignature || reason == InvalidClaims {
			want = Overloaded
		}
		if got := reasonOf(token); got != want {
			t.Errorf("without room: got %s instead of %s, want %s", got, reason, want)
		}
	}
}
