package envoytest

import (
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Issuer starts an issuer, and a verifier that has its keys. Tokens must name one of the
// audiences; without any, all do.
func Issuer(t testing.TB, audience ...string) (*kindetest.Server, *kinde.Verifier) {
	t.Helper()
	issuer := kindetest.NewServer()
	t.Cleanup(issuer.Close)
	fetched := make(chan kinde.Refresh, 64)
	verifier, err := kinde.NewVerifier(kinde.Config{
		Issuers: []kinde.Issuer{{Domain: issuer.Issuer.URL, Audience: audience}}, InsecureHTTP: true,
		Observer: kinde.Observer{Refreshed: func(r kinde.Refresh) { fetched <- r }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(verifier.Start())
	<-fetched
	return issuer, verifier
}
