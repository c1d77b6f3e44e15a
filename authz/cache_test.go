package authz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func TestTokensAreVerifiedOnce(t *testing.T) {
	b := newLab(t)
	a := b.authorizer(t, 100, Config{})
	user, claims := b.Token(b.UserClaims()), b.UserClaims()
	broken := func(name string) string {
		token, err := b.Broken(name)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for _, test := range []struct {
		name, token string
		want        Reason
		asked       int64 // in three checks
		remembered  int   // among the accepted
	}{
		{"good", user, Allowed, 1, 1},
		{"machine", b.Token(b.MachineClaims()), Allowed, 1, 2},
		{"not allowed, and verified", b.Token(claims.With("org_code", "org_other")), OrgNotAllowed, 1, 3},
		{"expired", broken("expired"), kinde.TokenExpired, 1, 3},
		{"wrong audience", broken("wrong-audience"), kinde.WrongAudience, 1, 3},
		{"empty audience", b.Token(claims.With("aud", []string{})), kinde.EmptyAudience, 1, 3},
		{"ID token", broken("id-token"), kinde.NotAnAccessToken, 1, 3},
		{"neither user nor machine", b.Token(claims.Without("sub")), kinde.UnknownActor, 1, 3},
		{"invalid claims", b.Token(claims.With("scp", 1)), kinde.InvalidClaims, 1, 3},
		{"too early", b.Token(claims.With("nbf", b.now.Load()+60)), kinde.TokenNotYetValid, 3, 3},
		{"bad signature", broken("bad-signature"), kinde.BadSignature, 3, 3},
		{"no token", "x", kinde.MalformedToken, 3, 3},
		{"another issuer", broken("wrong-issuer"), kinde.WrongIssuer, 3, 3},
		{"another spelling", user + "=", kinde.MalformedToken, 3, 3},
	} {
		before := b.verifier.asked.Load()
		for range 3 {
			if got := reasonAt(t, a, "/", test.token); got != test.want {
				t.Errorf("%s: got %s, want %s", test.name, got, test.want)
			}
		}
		if got := b.verifier.asked.Load() - before; got != test.asked {
			t.Errorf("%s: verified %d times, want %d", test.name, got, test.asked)
		}
		if got := a.CachedTokens(); got != test.remembered {
			t.Errorf("%s: %d tokens are remembered, want %d", test.name, got, test.remembered)
		}
	}
	if hits, misses := b.counters.Hits.Load(), b.counters.Misses.Load(); hits != 18 ||
		misses != uint64(b.verifier.asked.Load()) {
		t.Errorf("%d hits and %d misses are counted", hits, misses)
	}
}

func TestNothingIsRememberedWithoutACache(t *testing.T) {
	b := newLab(t)
	a := b.authorizer(t, 0, Config{})
	token := b.Token(b.UserClaims())
	for range 3 {
		if got := reasonAt(t, a, "/", token); got != Allowed {
			t.Fatal(got)
		}
	}
	if asked := b.verifier.asked.Load(); asked != 3 || a.CachedTokens() != 0 || b.counters.Misses.Load() != 0 {
		t.Errorf("verified %d times, %d remembered, %d misses", asked, a.CachedTokens(), b.counters.Misses.Load())
	}
}

// Attack H20: a token that is remembered expires like any other.
func TestRememberedTokensExpire(t *testing.T) {
	b := newLab(t)
	a := b.authorizer(t, 100, Config{})
	now := b.now.Load()
	token := b.Token(b.UserClaims().With("iat", now).With("exp", now+60))
	for _, step := range []struct {
		at   int64
		want Reason
	}{
		{0, Allowed},
		{59, Allowed},
		{60, kinde.TokenExpired},
		{61, kinde.TokenExpired},
		{30, Allowed},
		{-1, kinde.TokenNotYetValid},
		{0, Allowed},
		{3600, kinde.TokenExpired},
	} {
		b.now.Store(now + step.at)
		for range 2 {
			if got := reasonAt(t, a, "/", token); got != step.want {
				t.Errorf("at %d s: got %s, want %s", step.at, got, step.want)
			}
		}
	}
	if a.CachedTokens() != 0 {
		t.Error("a token that has expired is still among the accepted")
	}
}

// Attack Q17: what a token may do here says nothing about what it may do there.
func TestPoliciesAreAskedEveryTime(t *testing.T) {
	b := newLab(t)
	a := b.authorizer(t, 100, Config{
		Policies: map[string]Policy{
			"run":      {Permissions: []string{"agents:run"}},
			"own":      {Permissions: []string{"agents:own"}},
			"flag":     {FeatureFlags: map[string]kinde.FlagValue{"theme": kinde.StringFlag("pink")}},
			"other":    {FeatureFlags: map[string]kinde.FlagValue{"theme": kinde.StringFlag("blue")}},
			"default":  {},
			"machines": {Actors: []kinde.Actor{kinde.System}},
			"scope":    {Scopes: []string{"openid"}},
			"role":     {Roles: []string{"admin", "owner"}},
		},
		Routes: []Route{
			{Path: "/run", Policy: "run"},
			{Path: "/own", Policy: "own"},
			{Path: "/flag", Policy: "flag"},
			{Path: "/other", Policy: "other"},
			{Path: "/public", Public: true},
			{Path: "/machines", Policy: "machines"},
			{Path: "/scope", Policy: "scope"},
			{Path: "/role", Policy: "role"},
			{Path: "/orgs/{org_code}"},
		},
	})
	token := b.Token(b.UserClaims())
	for range 3 {
		for path, want := range map[string]Reason{
			"/run":                   Allowed,
			"/own":                   MissingPermission,
			"/flag":                  Allowed,
			"/other":                 FeatureDisabled,
			"/public":                Public,
			"/machines":              ActorNotAllowed,
			"/scope":                 Allowed,
			"/role":                  MissingRole,
			"/orgs/" + kindetest.Org: Allowed,
			"/orgs/org_b":            OrgMismatch,
			"/else":                  Allowed,
		} {
			if got := reasonAt(t, a, path, token); got != want {
				t.Errorf("%s: got %s, want %s", path, got, want)
			}
		}
	}
	if asked := b.verifier.asked.Load(); asked != 1 {
		t.Errorf("verified %d times", asked)
	}
}

// Attack T4: forged tokens do not displace a good one.
func TestFloodsLeaveTheCacheAlone(t *testing.T) {
	b := newLab(t)
	a := b.authorizer(t, 100, Config{})
	good := b.Token(b.UserClaims())
	reasonAt(t, a, "/", good)
	forged := good[:strings.LastIndexByte(good, '.')+1]
	for i := range 5000 {
		if got := reasonAt(t, a, "/", fmt.Sprintf("%s%0342dA", forged, i)[:len(good)-1]+"A"); got != kinde.BadSignature {
			t.Fatal(got)
		}
	}
	asked := b.verifier.asked.Load()
	if got := reasonAt(t, a, "/", good); got != Allowed || b.verifier.asked.Load() != asked || a.CachedTokens() != 1 ||
		a.cache.refused.EstimatedSize() != 0 {
		t.Errorf("got %s, %d remembered", got, a.CachedTokens())
	}
}

// Attack T5: a refused token of an attacker's size must not be kept for what little
// is known of it.
func TestIdentitiesHoldNoPartOfTheToken(t *testing.T) {
	b := newLab(t)
	a := b.authorizer(t, 10, Config{})
	for _, claims := range []kindetest.Claims{
		b.UserClaims().Without("sub"), b.UserClaims().Without("sub", "org_code"), b.UserClaims(), b.MachineClaims(),
	} {
		verdict := b.verifier.Judge(t.Context(), b.Token(claims))
		if verdict.Token == nil {
			t.Fatal(verdict.Err)
		}
		id := a.identities.of(&verdict)
		kept := []string{id.user, id.client, id.org}
		for _, header := range setBy(id) {
			kept = append(kept, header.Value)
		}
		for _, text := range []string{
			verdict.Token.ClientID, verdict.Token.OrgCode, verdict.Token.Subject, verdict.Token.ID,
		} {
			for _, part := range kept {
				if part != "" && unsafe.StringData(part) == unsafe.StringData(text) {
					t.Errorf("%v: a part of the token is kept: %q", claims, text)
				}
			}
		}
	}
}

// A changed configuration begins with a cache of its own: nothing of the one
// before may live on.
func TestCachesEndWithTheirAuthorizer(t *testing.T) {
	b := newLab(t)
	token := b.Token(b.UserClaims())
	synctest.Test(t, func(t *testing.T) { // the bubble fails when a goroutine stays
		for range 200 {
			if got := reasonAt(t, b.authorizer(t, 1000, Config{}), "/", token); got != Allowed {
				t.Fatal(got)
			}
		}
	})
	if _, err := newTokenCache(-1, nil); err == nil {
		t.Error("a cache of less than nothing is made")
	}
}

// Attack T5: more tokens, and larger ones, than may be remembered.
func TestTheCacheIsBounded(t *testing.T) {
	const limit = 64
	var c *tokenCache
	b := newLab(t)
	verdict := b.verifier.Judge(t.Context(), b.Token(b.UserClaims()))
	fill := func(tokens int, headers string) { // an empty cache: one that is full keeps what it knows
		var err error
		if c, err = newTokenCache(limit, nil); err != nil {
			t.Fatal(err)
		}
		for i := range tokens {
			c.put(digest{byte(i), byte(i >> 8), byte(len(headers))},
				&identity{validity: verdict.Validity, headers: block{encoded: headers}})
		}
		c.accepted.CleanUp()
	}
	fill(1000, "x")
	if got := c.size(); got > limit || got < limit/2 {
		t.Errorf("%d of at most %d small entries", got, limit)
	}
	fill(1000, strings.Repeat("x", 8<<10))
	if got := c.size(); got > limit/8 {
		t.Errorf("%d entries of 8 KiB in the room of %d of 1 KiB", got, limit)
	}
	for i := range 2 * maxRefused {
		c.put(digest{byte(i), byte(i >> 8)}, &identity{validity: verdict.Validity, refused: errNoRules})
	}
	c.refused.CleanUp()
	if got := c.refused.EstimatedSize(); got > limit {
		t.Errorf("%d refused tokens", got)
	}
}

// With and without a cache every request is decided alike, while settings, keys
// and the time change and many ask at once.
func TestTheCacheChangesNothing(t *testing.T) {
	b := newLab(t)
	config := Config{
		Policies: map[string]Policy{
			"run":  {Permissions: []string{"agents:run"}, Roles: []string{"admin"}},
			"jobs": {Actors: []kinde.Actor{kinde.System}, Scopes: []string{"jobs:run"}},
		},
		Routes: []Route{{Path: "/run", Policy: "run"}, {Path: "/jobs", Policy: "jobs"}, {Path: "/orgs/{org_code}"}},
		Resources: []Resource{
			{Identifier: "https://a.example.com/jobs", Audience: []string{"https://jobs.example.com", kindetest.Audience}},
			{Identifier: "https://a.example.com/orgs", Audience: []string{"https://orgs.example.com"}},
		},
	}
	cached, plain := b.authorizer(t, 50, config), b.authorizer(t, 0, config)
	tokens := sampleTokens(b)
	random := rand.New(rand.NewPCG(1, 2))
	seen := map[Reason]int{}
	for range 300 {
		b.now.Add(random.Int64N(240) - 100)
		var group sync.WaitGroup
		for range 4 {
			token := tokens[random.IntN(len(tokens))]
			path := []string{"/run", "/jobs", "/orgs/org_acme", "/orgs/org_b", "/else"}[random.IntN(5)]
			want := plain.Decide(t.Context(), &Request{Method: "GET", Path: path, Authorization: []string{"Bearer " + token}})
			seen[want.Reason]++
			group.Go(func() {
				got := cached.Decide(t.Context(), &Request{Method: "GET", Path: path, Authorization: []string{"Bearer " + token}})
				got.ID = want.ID
				if a, b := outside(&got), outside(&want); a != b {
					t.Errorf("%s: with a cache\n%s\nwithout\n%s", path, a, b)
				}
			})
		}
		group.Wait()
	}
	if len(seen) < 8 || b.counters.Hits.Load() == 0 {
		t.Errorf("too little was tried: %v, %d hits", seen, b.counters.Hits.Load())
	}
}

// outside is all that can be seen of a decision.
func outside(d *Decision) string {
	set, remove := d.Headers()
	return fmt.Sprint(d.Allowed(), d.Effect(), d.Reason, d.Detail, d.Status(), d.Hint(), d.Policy(), d.Route(),
		d.Steps(), slices.Collect(d.Missing()), "\n",
		d.Actor(), d.Issuer(), d.UserID(), d.ClientID(), d.Org(), "\n",
		set, remove, "\n", d.AppendAnswerHeaders(nil), string(d.AppendBody(nil)))
}

// sampleTokens are good and bad ones that live for minutes.
func sampleTokens(b *lab) []string {
	var tokens []string
	for i := range 10 {
		now := b.now.Load()
		for _, claims := range []kindetest.Claims{
			b.UserClaims(), b.MachineClaims(), b.UserClaims().With("aud", []string{}),
			b.UserClaims().With("aud", "https://jobs.example.com"), b.UserClaims().With("aud", "https://orgs.example.com"),
			b.UserClaims().With("org_code", "org_b"), b.UserClaims().Without("sub"),
			b.UserClaims().With("scp", 1),
		} {
			tokens = append(tokens, b.Token(claims.With("iat", now).With("exp", now+int64(60*i))))
		}
	}
	for _, kind := range []string{"bad-signature", "id-token", "wrong-issuer"} {
		token, err := b.Broken(kind)
		if err != nil {
			panic(err)
		}
		tokens = append(tokens, token)
	}
	return tokens
}

// setBy returns the headers that the identity sets.
func setBy(id *identity) []Header {
	if id.headers.plain == nil {
		return nil
	}
	return id.headers.plain.set
}
