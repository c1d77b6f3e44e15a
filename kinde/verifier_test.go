package kinde_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// running returns a verifier for the issuer that has its keys, and stops it
// when the test ends.
func running(t testing.TB, config kinde.Config) *kinde.Verifier {
	t.Helper()
	fetched := make(chan kinde.Refresh, 64)
	config.InsecureHTTP = true
	if config.Observer.Refreshed == nil {
		config.Observer.Refreshed = func(r kinde.Refresh) {
			select {
			case fetched <- r:
			default:
			}
		}
	}
	v, err := kinde.NewVerifier(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); v.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	for range config.Issuers {
		<-fetched
	}
	return v
}

func newIssuer(t testing.TB) *kindetest.Server {
	t.Helper()
	issuer := kindetest.NewServer()
	t.Cleanup(issuer.Close)
	return issuer
}

func configFor(issuer *kindetest.Server) kinde.Config {
	return kinde.Config{
		Issuers: []kinde.Issuer{{Domain: issuer.Issuer.URL, Audience: []string{kindetest.Audience}}},
		Leeway:  30 * time.Second,
	}
}

func reasonOf(err error) kinde.Reason {
	var refused *kinde.Error
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return ""
}

func TestVerifyReturnsTheClaims(t *testing.T) {
	issuer := newIssuer(t)
	v := running(t, configFor(issuer))
	user := issuer.UserClaims().With("jti", "j1").With("roles", []any{map[string]any{"key": "admin"}, "editor"})
	machine := issuer.MachineClaims().With("jti", "j2").With("scope", "jobs:run agents:read jobs:run")
	expires := func(c kindetest.Claims) time.Time { return time.Unix(c["exp"].(int64), 0) }
	for name, test := range map[string]struct {
		claims kindetest.Claims
		want   kinde.Token
	}{
		"user": {user, kinde.Token{
			Actor: kinde.User, Issuer: issuer.Issuer.URL, Subject: kindetest.UserID, ClientID: kindetest.ClientID,
			OrgCode: kindetest.Org, Audience: []string{kindetest.Audience}, ID: "j1", Expires: expires(user),
			Scopes:      []string{"openid", "profile", "email", "offline"},
			Permissions: []string{"agents:run", "agents:read"}, Roles: []string{"admin", "editor"},
		}},
		"machine": {machine, kinde.Token{
			Actor: kinde.System, Issuer: issuer.Issuer.URL, ClientID: kindetest.MachineID,
			OrgCode: kindetest.Org, Audience: []string{kindetest.Audience}, ID: "j2",
			Expires: expires(machine), Scopes: []string{"jobs:run", "agents:read"},
		}},
		"machine without scope": {machine.Without("scope"), kinde.Token{
			Actor: kinde.System, Issuer: issuer.Issuer.URL, ClientID: kindetest.MachineID,
			OrgCode: kindetest.Org, Audience: []string{kindetest.Audience}, ID: "j2",
			Expires: expires(machine), Scopes: []string{"jobs:run", "agents:read"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for how, token := range map[string]string{"by jwx": issuer.Token(test.claims), "by hand": issuer.Sign(test.claims)} {
				got, err := v.Verify(t.Context(), token)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if diff := cmp.Diff(&test.want, got, cmpopts.IgnoreUnexported(kinde.Token{})); diff != "" {
					t.Errorf("%s: (-want +got)\n%s", how, diff)
				}
			}
		})
	}
}

func TestVerifyRefusesBrokenTokens(t *testing.T) {
	issuer := newIssuer(t)
	v := running(t, configFor(issuer))
	for _, kind := range kindetest.BrokenKinds {
		want := kind.Reason
		switch want {
		case "org_missing", "org_not_allowed":
			continue // valid tokens, which package authz refuses
		case "malformed_authorization":
			want = "malformed_token" // it has commas, which no header gets past package authz
		}
		t.Run(kind.Name, func(t *testing.T) {
			token, err := issuer.Broken(kind.Name)
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.Verify(t.Context(), token)
			if got := reasonOf(err); string(got) != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}
