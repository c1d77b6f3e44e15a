package authz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const domain = "https://t.kinde.com"

// verifierFunc is a verifier that a test scripts.
type verifierFunc func() (*kinde.Token, error)

func (f verifierFunc) Judge(context.Context, string) kinde.Verdict {
	token, err := f()
	return kinde.Verdict{Token: token, Err: err}
}

// sampleToken is a verified user's token with everything a policy can want.
func sampleToken(t testing.TB) *kinde.Token {
	t.Helper()
	issuer := kindetest.New(domain)
	keys := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(keys, []byte(issuer.JWKS()), 0o600); err != nil {
		t.Fatal(err)
	}
	fetched := make(chan kinde.Refresh, 1)
	verifier, err := kinde.NewVerifier(kinde.Config{
		Issuers:  []kinde.Issuer{{Domain: domain, JWKSFile: keys}},
		Observer: kinde.Observer{Refreshed: func(r kinde.Refresh) { fetched <- r }},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Start()()
	<-fetched
	token, err := verifier.Verify(t.Context(), issuer.Token(issuer.UserClaims()))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// demanding is a policy that wants something of every kind, which the sample
// token has.
func demanding(t testing.TB) (*policy, *identity) {
	t.Helper()
	known := newRequirements()
	p, err := Policy{
		Actors: []kinde.Actor{kinde.System, kinde.User}, AllowedOrgs: []string{"org_b", kindetest.Org},
		Scopes: []string{"openid", "email"}, Permissions: []string{"agents:read", "agents:run"}, Roles: []string{"admin"},
		FeatureFlags: map[string]kinde.FlagValue{
			"agent-v2": kinde.BoolFlag(true), "theme": kinde.StringFlag("pink"), "seats": kinde.IntFlag(5),
		},
	}.compile("p", known)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := Rules{AllowedOrgs: []string{kindetest.Org}}.compile()
	if err != nil {
		t.Fatal(err)
	}
	token := sampleToken(t)
	return p, &identity{actor: token.Actor, issuer: issuer, org: token.OrgCode, met: set(known.met(token))}
}

func TestPoliciesAllocateNothing(t *testing.T) {
	policy, id := demanding(t)
	if got := policy.refuse(id, kindetest.Org, true); got != "" {
		t.Fatalf("refused: %s", got)
	}
	if n := testing.AllocsPerRun(1000, func() { policy.refuse(id, kindetest.Org, true) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkPolicy(b *testing.B) {
	policy, id := demanding(b)
	b.ReportAllocs()
	for b.Loop() {
		if policy.refuse(id, kindetest.Org, true) != "" {
			b.Fatal("refused")
		}
	}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	for wrong, p := range map[string]Policy{
		"actors: the list is empty":                              {Actors: []kinde.Actor{}},
		"actors.0: \"robot\": want user or system":               {Actors: []kinde.Actor{"robot"}},
		"allowed_orgs: the list is empty":                        {AllowedOrgs: []string{}},
		"allowed_orgs.1: \"org a\": want an organization's code": {AllowedOrgs: []string{"org_a", "org a"}},
		"scopes: the list is empty":                              {Scopes: []string{}},
		"permissions.0: the item is empty":                       {Permissions: []string{""}},
		"roles: the list is empty":                               {Roles: []string{}},
		"roles.0: the item is empty":                             {Roles: []string{""}},
		`scopes.0: "a\"b": want a scope`:                         {Scopes: []string{`a"b`}},
		"scopes.0: the item is empty":                            {Scopes: []string{""}},
	} {
		_, err := NewAuthorizer(Config{Verifier: verifierFunc(nil), Policies: map[string]Policy{"p": p}})
		var refused *kinde.ConfigError
		if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), "policies.p."+wrong) {
			t.Errorf("%+v: %v, want %q", p, err, wrong)
		}
	}
	if _, err := NewAuthorizer(Config{Verifier: verifierFunc(nil), Policies: map[string]Policy{"": {}}}); err == nil {
		t.Error("a policy without a name is accepted: nobody could tell it from that of public routes")
	}
}

func ExampleAuthorizer_Decide_routes() {
	authorizer, err := NewAuthorizer(Config{
		Verifier: verifierFunc(func() (*kinde.Token, error) {
			return &kinde.Token{Issuer: domain, Actor: kinde.User, Subject: "kp_1", OrgCode: "org_a"}, nil
		}),
		Issuers: map[string]Rules{domain: {}},
		Routes:  []Route{{Path: "/healthz", Public: true}, {Path: "/orgs/{org_code}/**"}},
	})
	if err != nil {
		panic(err)
	}
	for _, path := range []string{"/healthz", "/orgs/org_a/agents", "/orgs/org_b/agents", "/orgs/org_b/../org_a"} {
		request := &Request{Method: "GET", Path: path, Authorization: []string{"Bearer a.b.c"}}
		decision := authorizer.Decide(context.Background(), request)
		fmt.Println(decision.Effect(), decision.Reason)
	}
	// Output:
	// allow public
	// allow allowed
	// deny org_mismatch
	// deny bad_path
}
