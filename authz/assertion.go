package authz

import (
	"errors"
	"fmt"
	"time"

	"github.com/kinde-authz/kinde-authz/authz/assertion"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// Assertion says how an allow with an identity is signed, so that the upstream can
// refuse whoever did not come through the proxy. All of it is required, but for Keys
// and Now.
type Assertion struct {
	// Audience is aud: what the upstream goes by, 1 to 256 visible ASCII characters.
	Audience string
	// Issuer is iss, of the same form.
	Issuer string
	// Lifetime is how long an assertion is good, 10 s to 5 min. It never outlives
	// its token.
	Lifetime time.Duration
	// Keys returns the keys to sign with. They may change: an assertion whose key
	// is published no more is signed anew. Without keys each allow with an identity
	// becomes [InternalError].
	Keys func() *assertion.Keys
	// Now is the clock, nil for [time.Now].
	Now func() time.Time
}

const (
	minLifetime = 10 * time.Second
	maxLifetime = 5 * time.Minute

	// maxPartyBytes leaves room for the identity in the headers.
	maxPartyBytes = 256
)

// compile returns what signs, nil for nothing.
func (a *Assertion) compile() (*signer, error) {
	if a == nil {
		return nil, nil //nolint:nilnil // no assertion
	}
	if err := checkParty(a.Audience); err != nil {
		return nil, at(err, "assertion", "audience")
	}
	if err := checkParty(a.Issuer); err != nil {
		return nil, at(err, "assertion", "issuer")
	}
	if a.Lifetime < minLifetime || a.Lifetime > maxLifetime {
		err := fmt.Errorf("%s: want a duration from %s to 5m", a.Lifetime, minLifetime)
		return nil, at(err, "assertion", "lifetime")
	}
	s := &signer{issuer: a.Issuer, audience: a.Audience, lifetime: a.Lifetime, keys: a.Keys, now: a.Now}
	if s.keys == nil {
		s.keys = func() *assertion.Keys { return nil }
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// checkParty refuses what would need an escape, or much room, in each assertion.
func checkParty(name string) error {
	if name == "" {
		return errors.New("it is missing: name it, like https://api.yourapp.com")
	}
	if len(name) > maxPartyBytes {
		return fmt.Errorf("it has %d bytes: want at most %d", len(name), maxPartyBytes)
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return fmt.Errorf("%q: want visible ASCII characters, without spaces, \" and \\", name)
		}
	}
	return nil
}

// signer makes assertions of tokens.
type signer struct {
	issuer, audience string
	lifetime         time.Duration
	keys             func() *assertion.Keys
	now              func() time.Time
}

// of returns what is to be asserted of a token that passes until then, nil without a
// signer. The scope is written as in its header, so that no member with a space
// becomes two.
func (s *signer) of(t *kinde.Token, until time.Time, encode Encoder) *asserted {
	if s == nil {
		return nil
	}
	claims := assertion.Claims{
		Issuer: s.issuer, Audience: s.audience, Subject: t.Subject, Actor: string(t.Actor), OrgCode: t.OrgCode,
		ClientID: t.ClientID, Scope: joined(t.Scopes, ' '), Permissions: t.Permissions, Roles: t.Roles, TokenID: t.ID,
	}
	if t.Subject == "" && t.ClientID != "" {
		claims.Subject = "client:" + t.ClientID
	}
	return &asserted{signer: s, body: claims.Body(), until: until, encode: encode}
}
