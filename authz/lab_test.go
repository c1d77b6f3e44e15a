package authz

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// counting is a verifier that counts how often it is asked.
type counting struct {
	Verifier
	asked atomic.Int64
}

func (c *counting) Judge(ctx context.Context, token string) kinde.Verdict {
	c.asked.Add(1)
	return c.Verifier.Judge(ctx, token)
}

// lab is an issuer and a verifier whose clock the test sets.
type lab struct {
	*kindetest.Server
	verifier *counting
	counters CacheCounters
	now      atomic.Int64 // Unix seconds
}

func newLab(t testing.TB) *lab {
	t.Helper()
	b := &lab{Server: kindetest.NewServer()}
	t.Cleanup(b.Close)
	b.now.Store(time.Now().Unix())
	now := func() time.Time { return time.Unix(b.now.Load(), 0) }
	b.Now = now // or a token may be of a second that has not begun
	fetched := make(chan kinde.Refresh, 64)
	verifier, err := kinde.NewVerifier(kinde.Config{
		Issuers: []kinde.Issuer{{Domain: b.Issuer.URL, Audience: []string{kindetest.Audience}}}, InsecureHTTP: true,
		Now:      now,
		Observer: kinde.Observer{Refreshed: func(r kinde.Refresh) { fetched <- r }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(verifier.Start())
	<-fetched
	b.verifier = &counting{Verifier: verifier}
	return b
}

// authorizer returns one that remembers so many tokens.
func (b *lab) authorizer(t testing.TB, tokens int, config Config) *Authorizer {
	t.Helper()
	config.Verifier, config.CachedTokens, config.Cache = b.verifier, tokens, &b.counters
	config.Issuers = map[string]Rules{b.Issuer.URL: {AllowedOrgs: []string{kindetest.Org}}}
	a, err := NewAuthorizer(config)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func reasonAt(t testing.TB, a *Authorizer, path, token string) Reason {
	d := a.Decide(t.Context(), &Request{Method: "GET", Path: path, Authorization: []string{"Bearer " + token}})
	return d.Reason
}
