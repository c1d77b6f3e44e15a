package kindetest

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// What the sample tokens say.
const (
	Audience  = "https://api.example.com"
	Org       = "org_acme"
	UserID    = "kp_0123456789abcdef"
	ClientID  = "dee7f3c57b3c47e8b96edde2c7ecab7d"
	MachineID = "d4d3c5b74e064badb9625a4aa6241bcc"
)

// Claims is the payload of a token.
type Claims map[string]any

// With returns a copy in which a claim has another value.
func (c Claims) With(name string, value any) Claims {
	c = maps.Clone(c)
	c[name] = value
	return c
}

// Without returns a copy that lacks claims.
func (c Claims) Without(names ...string) Claims {
	c = maps.Clone(c)
	for _, name := range names {
		delete(c, name)
	}
	return c
}

// UserClaims are those of a user's access token, an hour long.
//
// https://docs.kinde.com/build/tokens/about-access-tokens/
func (i *Issuer) UserClaims() Claims {
	now := i.Now()
	return Claims{
		"aud": []string{Audience}, "azp": ClientID, "iss": i.URL, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"org_code": Org, "sub": UserID,
		"permissions": []string{"agents:run", "agents:read"},
		"scp":         []string{"openid", "profile", "email", "offline"},
		"roles":       []any{map[string]any{"id": "018e55d4-0000", "key": "admin", "name": "Admin"}},
		"feature_flags": map[string]any{
			"agent-v2": map[string]any{"t": "b", "v": true},
			"theme":    map[string]any{"t": "s", "v": "pink"},
			"seats":    map[string]any{"t": "i", "v": 5},
		},
	}
}

// MachineClaims are those of a machine's access token, a day long.
//
// https://docs.kinde.com/machine-to-machine-applications/about-m2m/token-structure-and-claims-for-m2m-applications/
func (i *Issuer) MachineClaims() Claims {
	now := i.Now()
	return Claims{
		"aud": []string{Audience}, "azp": MachineID, "iss": i.URL, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(24 * time.Hour).Unix(),
		"gty": []string{"client_credentials"}, "org_code": Org,
		"scope": "jobs:run agents:read", "scp": []string{"jobs:run", "agents:read"}, "v": "2",
	}
}

// IDClaims are those of an ID token.
//
// https://docs.kinde.com/build/tokens/about-id-tokens/
func (i *Issuer) IDClaims() Claims {
	c := i.UserClaims().Without("permissions", "scp", "roles", "feature_flags", "org_code")
	maps.Copy(c, Claims{
		"aud": []string{i.URL, ClientID}, "at_hash": "w0rS1kTz1dgVhVbHhXRkfA", "auth_time": i.Now().Unix(),
		"email": "ada@example.com", "name": "Ada", "org_codes": []string{Org}, "rat": i.Now().Unix(),
	})
	return c
}

// WebhookClaims are those of a webhook's JWT, which the same keys sign.
//
// https://docs.kinde.com/integrate/webhooks/about-webhooks/
func (i *Issuer) WebhookClaims() Claims {
	return Claims{
		"data": map[string]any{"user": map[string]any{"id": UserID}}, "event_id": rand.Text(),
		"event_timestamp": i.Now().Format(time.RFC3339), "source": "admin", "timestamp": i.Now().Format(time.RFC3339),
		"type": "user.updated",
	}
}

// Header is the JOSE header of a token that is signed now.
func (i *Issuer) Header() map[string]any {
	return map[string]any{"alg": "RS256", "kid": i.KeyID(), "typ": "JWT"}
}

// Sign mints a token with the claims.
func (i *Issuer) Sign(claims Claims) string {
	return i.SignAs(i.Header(), claims)
}

// SignAs mints a token with a header of the caller's, signed with the key that
// signs now and RS256, whatever the header says.
func (i *Issuer) SignAs(header map[string]any, claims Claims) string {
	return i.SignText(text(header), text(claims))
}

// SignText mints a token from any two texts, as they are.
func (i *Issuer) SignText(header, payload string) string {
	input := segment(header) + "." + segment(payload)
	return input + "." + segment(rs256(i.key().private, input))
}

// Token mints a token as an application would get it, through a library of
// its own that shares no code with the verifier.
func (i *Issuer) Token(claims Claims) string {
	key := i.key()
	headers := jws.NewHeaders()
	must(headers.Set(jws.KeyIDKey, key.id))
	must(headers.Set(jws.TypeKey, "JWT"))
	token, err := jws.Sign([]byte(text(claims)), jws.WithKey(jwa.RS256(), key.private, jws.WithProtectedHeaders(headers)))
	must(err)
	return string(token)
}

func text(value any) string {
	out, err := json.Marshal(value)
	must(err)
	return string(out)
}
